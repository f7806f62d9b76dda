//! Which features are on.

use anyhow::{Context, Result};
use skiff_api::FeatureGates;

/// Upstream's `--feature-gates`.
#[derive(clap::Args, Debug)]
pub(crate) struct FeatureFlags {
    /// Features to turn on or off, such as `ContainerStopSignals=true`; may be repeated
    #[arg(long, value_delimiter = ',', value_name = "NAME=BOOL")]
    feature_gates: Vec<String>,
}

impl FeatureFlags {
    /// The gates.
    pub(crate) fn gates(&self) -> Result<FeatureGates> {
        FeatureGates::parse(self.feature_gates.iter().map(String::as_str)).context("--feature-gates")
    }
}
