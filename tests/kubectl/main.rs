//! Every real kubectl on the machine against a real `skiff server --disable-agent`: what it prints, compared whole.
//!
//! A test is a session at a terminal, written down as kubectl prints it with upstream's API server; `script` tells how a
//! session is written, `mask` what of a text is not compared. One file per group of commands, each session in a namespace
//! of its own (`$NS`), once with each kubectl. kubectl's own texts come with the versions that print them; what the server
//! says (tables, messages, warnings, defaults, refusals) is upstream's for all of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should say so and end")]

mod apply;
mod auth;
mod certificate;
mod cluster;
mod create;
mod custom_resources;
mod delete;
mod describe;
mod diff;
mod discovery;
mod edit;
mod events;
mod explain;
mod expose;
mod get;
mod label;
mod mask;
mod patch;
mod replace;
mod rollout;
mod scale;
mod script;
mod server_side_apply;
mod session;
mod set;
mod terminal;
mod wait;
