//! The API server that a component speaks to.

use crate::component::access;
use anyhow::{Context, Result};
use skiff_client::kubeconfig::Access;
use std::path::PathBuf;

/// Upstream's flags for it.
#[derive(clap::Args, Debug)]
pub(crate) struct ClusterAccessFlags {
    /// Kubeconfig: the API server, and as whom to speak
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Address of the API server, instead of the kubeconfig's
    #[arg(long, value_name = "URL")]
    master: Option<String>,
}

impl ClusterAccessFlags {
    /// What the kubeconfig says.
    pub(crate) fn read(&self) -> Result<Access> {
        let kubeconfig =
            self.kubeconfig.as_deref().context("--kubeconfig is required: it names the API server")?;
        access::read(kubeconfig, self.master.as_deref())
    }
}
