//! The embedded container runtime: images, snapshots, sandboxes, containers, logs.
//!
//! Place in the data's way: the kubelet drives it through [`skiff_cri::Runtime`]; it drives one shim per pod sandbox (`skiff-shim`) and asks the
//! pod network for addresses. Everything it knows is on disk below `DATA_DIR/runtime` (see `layout`), so that a restarted server adopts what runs.
//!
//! Invariants:
//! - killing the server harms nothing: processes, logs and exit records belong to the shims;
//! - nothing is ever mounted in the host's mount namespace, and no namespace is pinned in the file system: what a shim and its containers made
//!   goes with them, and what is left (cgroups, folders) is found from the data directory alone;
//! - a record is on disk before what it describes exists, so that the next list or [`cleanup`] finds every half-made thing;
//! - the image store may be used by several processes at once.

mod cgroup;
mod cleanup;
mod config;
mod container;
mod embedded;
mod error;
mod events;
mod identifier;
mod image;
mod layout;
mod passwd;
mod record;
mod sandbox;
mod security;
mod service;
mod shim;
mod stats;
mod stream;

pub use cleanup::cleanup;
pub use config::RuntimeConfig;
pub use embedded::EmbeddedRuntime;
pub use error::RuntimeError;
pub use image::{Credentials, ImageError, ImageStore, ImageSummary, RegistryOptions};

/// The runtime's name in `containerRuntimeVersion` and in container ids (`skiff://...`).
pub const NAME: &str = "skiff";
