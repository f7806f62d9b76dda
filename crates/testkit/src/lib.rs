//! What tests share: real servers in hosts of their own, images, a scripted API for unit tests.
//!
//! Place in the data's way: none; only tests depend on it.
//!
//! Invariants:
//! - a test owns its data directory, ports and namespaces, and leaves nothing behind, also when it fails;
//! - waiting is for conditions, with deadlines.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on should say so and end")]

pub mod etcd;
pub mod host;
pub mod image;
pub mod kubectl;
pub mod memory_api;
pub mod netns;
pub mod server;
pub mod traffic;
pub mod wait;

pub use kubectl::Kubectl;
pub use server::{Options, Server};
