//! The controllers: pure plans and one shared runner.
//!
//! Place in the data's way: the controllers watch the API through shared informers and write through it; users write
//! what they want (a Deployment), controllers write what follows (ReplicaSets, Pods, EndpointSlices, status).
//!
//! A controller is an implementation of [`Controller`]: it names its informers, takes what matters for one key from
//! them, and plans. [`runner`] does the rest for all of them: queue, workers, back-off, carrying plans out, events, and
//! waiting until a controller's own writes are visible to it. [`ControllerManager`] starts them, each under its own
//! service account.
//!
//! To add a controller: see [`Controller`].
//!
//! Invariants:
//! - `plan` and `conclude` are pure: the same world and time give the same plan;
//! - a controller reads informers; only where discovery must be asked, or where an informer that is behind would cost
//!   data, does `observe` call the API;
//! - nothing is resynced periodically: a controller that must act later says when;
//! - status is written only when it differs.

pub mod bootstrap_token;
pub mod config;
pub mod controller;
pub mod controllers;
pub mod manager;
mod metrics;
pub mod ownership;
pub mod plan;
pub mod pod_control;
pub mod pod_template;
pub mod pods;
pub mod protection;
pub mod revisions;
pub mod runner;
pub mod selector_text;
pub mod sources;

pub use config::Config;
pub use controller::Controller;
pub use manager::{Clients, ControllerManager, UnknownController};
