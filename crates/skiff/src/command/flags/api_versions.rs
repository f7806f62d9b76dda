//! Which API versions are served.

use anyhow::Result;
use skiff_api::RuntimeConfig;

/// Upstream's `--runtime-config`.
#[derive(clap::Args, Debug)]
pub(crate) struct ApiVersionFlags {
    /// API versions to turn on or off, such as `networking.k8s.io/v1beta1=true` or `api/all=true`; may be repeated
    #[arg(long, value_delimiter = ',', value_name = "VERSION=BOOL")]
    runtime_config: Vec<String>,
}

impl ApiVersionFlags {
    /// What is turned on and off.
    pub(crate) fn config(&self) -> Result<RuntimeConfig> {
        Ok(RuntimeConfig::parse(self.runtime_config.iter().map(String::as_str))?)
    }
}
