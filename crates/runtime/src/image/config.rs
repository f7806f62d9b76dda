//! An image's configuration: what runs in it by default, and its layers.

use super::digest::Digest;
use serde::Deserialize;

/// The configuration document.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ImageConfig {
    /// Defaults for containers.
    #[serde(default)]
    pub config: Option<Defaults>,
    /// The layers.
    pub rootfs: RootFs,
    /// Processor architecture.
    #[serde(default)]
    pub architecture: String,
}

/// Defaults for containers.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Defaults {
    /// `user[:group]`, names or numbers.
    pub user: String,
    /// `NAME=value` each.
    pub env: Option<Vec<String>>,
    /// The command's first part.
    pub entrypoint: Option<Vec<String>>,
    /// The command's second part.
    pub cmd: Option<Vec<String>>,
    /// Where it runs.
    pub working_dir: String,
    /// The signal that asks it to stop.
    pub stop_signal: Option<String>,
}

/// The layers.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct RootFs {
    /// Digests of the uncompressed layers, lowest first.
    #[serde(default)]
    pub diff_ids: Vec<Digest>,
}

impl ImageConfig {
    /// The defaults, empty if there are none.
    pub fn defaults(&self) -> Defaults {
        self.config.clone().unwrap_or_default()
    }
}
