//! Upstream's conformance tests that need no container, against a real `skiff server --disable-agent`.
//!
//! Each test has upstream's name, in snake case; its doc comment gives the exact one. One file per SIG or group of
//! resources. The tests speak HTTPS with the admin's kubeconfig, or run each kubectl on the machine where upstream's run
//! theirs, each in a namespace of its own; names of cluster-scoped objects carry that namespace's name, so that tests that
//! run at the same time do not meet.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should say so and end")]

mod api_machinery;
mod api_operations;
mod apps;
mod auth;
mod cli;
mod crd;
mod custom_resources;
mod field_validation;
mod flow_control;
mod garbage_collector;
mod harness;
mod instrumentation;
mod kubectl;
mod namespaces;
mod network;
mod node;
mod nodes;
mod objects;
mod pods;
mod publish_openapi;
mod raw;
mod resources;
mod scheduling;
mod storage;
mod storage_status;
mod watch;
mod watchers;
