//! The kubelet, with the pod network and the container runtime that it drives.

use super::access;
use super::monitor::{self, Endpoint, Page, Pages};
use anyhow::{Context, Result, ensure};
use http::StatusCode;
use ipnet::IpNet;
use skiff_client::kubeconfig::Access;
use skiff_client::{Client, SharedInformers};
use skiff_kubelet::server::ServerTls;
use skiff_kubelet::{Kubelet, KubeletConfig};
use skiff_network::{NetworkConfig, PodNetwork};
use skiff_runtime::{EmbeddedRuntime, RuntimeConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Name of the bridge that pods are on.
const BRIDGE: &str = "cni0";

/// What a node is made from.
pub(crate) struct Node {
    /// Where runtime and pod network keep what they have.
    pub(crate) data_dir: PathBuf,
    /// Pod networks of the cluster: what leaves them is masqueraded.
    pub(crate) cluster_cidrs: Vec<IpNet>,
    pub(crate) kubelet: KubeletConfig,
}

/// How a kubelet of its own is set up.
pub(crate) struct Config {
    pub(crate) access: Access,
    pub(crate) node: Node,
    pub(crate) tls: ServerTls,
    /// `--healthz-bind-address` and `--healthz-port`.
    pub(crate) healthz: Option<Endpoint>,
}

/// What the pod network keeps below a data directory.
pub(crate) fn network_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("network")
}

/// A kubelet that speaks through this client and listens already.
pub(crate) async fn assemble(node: Node, client: Client, tls: ServerTls) -> Result<Kubelet> {
    ensure!(rustix::process::geteuid().is_root(), "a node needs root: run as root, or with --disable-agent");
    let network = PodNetwork::open(NetworkConfig {
        data_dir: network_dir(&node.data_dir),
        bridge_name: BRIDGE.to_owned(),
        cluster_cidrs: node.cluster_cidrs,
        mtu: None,
    })
    .await
    .context("pod network")?;
    let mut runtime = RuntimeConfig::new(&node.data_dir, Arc::new(network));
    runtime.cgroup_root.clone_from(&node.kubelet.cgroup_root);
    let runtime = EmbeddedRuntime::open(runtime).await.context("container runtime")?;
    Kubelet::new(node.kubelet, runtime, SharedInformers::new(client), tls).await.context("kubelet")
}

/// Runs until the token is cancelled; pods go on running.
pub(crate) async fn serve(config: Config, shutdown: CancellationToken) -> Result<()> {
    let client = access::client(config.access, "kubelet")?;
    let kubelet = assemble(config.node, client.clone(), config.tls).await?;
    if let Some(endpoint) = config.healthz {
        monitor::open(endpoint, Arc::new(Healthz), client, shutdown.clone()).await?;
    }
    Ok(kubelet.run(shutdown).await?)
}

/// Good while the process answers.
struct Healthz;

impl Pages for Healthz {
    fn page(&self, path: &str) -> Option<Page> {
        matches!(path, "/healthz" | "/healthz/ping").then(|| Page::text(StatusCode::OK, "ok"))
    }
}
