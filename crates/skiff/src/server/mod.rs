//! A whole server put together: store, API server, controllers, scheduler, node, DNS, each speaking the API under its own
//! identity.
//!
//! Input: [`Config`], checked by the command line; the parts are started in the order in which they need each other and
//! stopped in the opposite one.

pub(crate) mod address;
mod components;
mod control_plane;
pub(crate) mod data_dir;
mod dns;
mod node;
mod secrets_key;

use crate::component::api_server::Requests;
use crate::component::datastore::Etcd;
use crate::component::process;
use anyhow::Result;
use ipnet::IpNet;
use skiff_api::{FeatureGates, RuntimeConfig};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::info;

/// How a server is set up; each field is a flag of `skiff server`.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) data_dir: PathBuf,
    pub(crate) kubeconfig: PathBuf,
    pub(crate) bind_address: IpAddr,
    pub(crate) port: u16,
    pub(crate) advertise_addresses: Vec<IpAddr>,
    pub(crate) certificate_names: Vec<String>,
    pub(crate) node_name: String,
    pub(crate) node_addresses: Vec<IpAddr>,
    pub(crate) cluster_cidrs: Vec<IpNet>,
    pub(crate) service_cidrs: Vec<IpNet>,
    pub(crate) node_port_range: (u16, u16),
    pub(crate) cluster_dns: Vec<IpAddr>,
    pub(crate) cluster_domain: String,
    pub(crate) kubelet_port: u16,
    pub(crate) cgroup_root: String,
    pub(crate) resolv_conf: PathBuf,
    pub(crate) disabled: Vec<String>,
    pub(crate) agent: bool,
    /// The embedded store in the data directory without.
    pub(crate) datastore: Option<Etcd>,
    /// How often old revisions are forgotten; `None` for never.
    pub(crate) compaction_interval: Option<Duration>,
    pub(crate) audit_log: Option<PathBuf>,
    pub(crate) requests: Requests,
    pub(crate) runtime_config: RuntimeConfig,
    pub(crate) features: FeatureGates,
}

impl Config {
    /// Whether a part that can be left out is to run.
    pub(crate) fn runs(&self, part: &str) -> bool {
        !self.disabled.iter().any(|disabled| disabled == part)
    }
}

/// Runs a server until SIGTERM or SIGINT. Pods go on running.
pub(crate) fn run(config: Config) -> Result<()> {
    process::run(|shutdown| serve(config, shutdown))
}

async fn serve(config: Config, shutdown: CancellationToken) -> Result<()> {
    let data_dir = data_dir::DataDir::open(&config.data_dir)?;
    let control_plane = control_plane::start(&config, &data_dir).await?;
    let mut parts = components::start(&config, &control_plane, shutdown.clone())?;
    if config.agent {
        node::start(&config, &control_plane, &mut parts, shutdown.clone()).await?;
    }
    info!(port = config.port, kubeconfig = %config.kubeconfig.display(), "server is up");
    let outcome = tokio::select! {
        () = shutdown.cancelled() => Ok(()),
        outcome = parts.first_failure() => outcome,
    };
    info!("server is stopping; pods keep running");
    shutdown.cancel();
    parts.finish().await;
    control_plane.stop().await;
    outcome
}
