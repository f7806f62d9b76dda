//! What an embedded runtime is made from.

use crate::image::RegistryOptions;
use skiff_cri::network::SandboxNetwork;
use std::path::PathBuf;
use std::sync::Arc;

/// How to open an [`crate::EmbeddedRuntime`].
#[derive(Clone)]
pub struct RuntimeConfig {
    /// The server's data directory; the runtime keeps to `runtime/` in it.
    pub data_dir: PathBuf,
    /// The cgroup below which the node's cgroups are (`/` by default); sandboxes without a cgroup parent go to `skiff` below it.
    pub cgroup_root: String,
    /// How registries are spoken to.
    pub registries: RegistryOptions,
    /// The pod network.
    pub network: Arc<dyn SandboxNetwork>,
}

impl RuntimeConfig {
    /// The defaults for a data directory.
    pub fn new(data_dir: impl Into<PathBuf>, network: Arc<dyn SandboxNetwork>) -> Self {
        Self {
            data_dir: data_dir.into(),
            cgroup_root: "/".to_owned(),
            registries: RegistryOptions::default(),
            network,
        }
    }
}
