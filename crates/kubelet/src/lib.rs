//! The node agent: registers the machine as a Node and runs the pods that are bound to it.
//!
//! Place in the data's way: pods come from the API server through `client`'s informers, a container runtime is driven
//! through `cri`, statuses and events go back through `client`. The API server comes to this crate's node server for
//! logs, exec, attach and port-forward.
//!
//! Invariants:
//! - each pod has one [`worker::Worker`], a pure state machine; everything that acts is a thin shell around it;
//! - what runs is found through labels of the runtime, so a restarted kubelet adopts it and restarts nothing;
//! - an idle pod costs no wake-up: probes, back-offs and refreshes each have their own time;
//! - stopping the kubelet leaves pods running.

pub mod admission;
pub mod agent;
pub mod cgroups;
pub mod cleanup;
pub mod config;
pub mod configuration;
pub mod kubelet;
pub mod logs;
pub mod names;
pub mod node;
pub mod objects;
pub mod pod;
pub mod probe;
pub mod server;
pub mod status;
pub mod volumes;
pub mod worker;

pub use cleanup::cleanup;
pub use config::KubeletConfig;
pub use kubelet::{Kubelet, KubeletError};
pub use server::ServerTls;
