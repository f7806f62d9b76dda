//! The node of a server: pod network, container runtime, kubelet, Service proxy and DNS.

use super::components::Parts;
use super::control_plane::ControlPlane;
use super::data_dir::{kubelet_dir, network_dir};
use super::{Config, dns};
use anyhow::{Context, Result, ensure};
use skiff_client::SharedInformers;
use skiff_kubelet::server::ServerTls;
use skiff_kubelet::{Kubelet, KubeletConfig};
use skiff_network::{NetworkConfig, PodNetwork};
use skiff_proxy::{Proxy, ProxyConfig};
use skiff_runtime::{EmbeddedRuntime, RuntimeConfig};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Name of the bridge that pods are on.
const BRIDGE: &str = "cni0";

/// Starts the node.
pub(super) async fn start(
    config: &Config,
    control_plane: &ControlPlane,
    parts: &mut Parts,
    shutdown: CancellationToken,
) -> Result<()> {
    ensure!(rustix::process::geteuid().is_root(), "a node needs root: run as root, or with --disable-agent");
    let network = PodNetwork::open(NetworkConfig {
        data_dir: network_dir(&config.data_dir),
        bridge_name: BRIDGE.to_owned(),
        cluster_cidrs: config.cluster_cidrs.clone(),
        mtu: None,
    })
    .await
    .context("pod network")?;
    let mut runtime_config = RuntimeConfig::new(&config.data_dir, Arc::new(network));
    runtime_config.cgroup_root.clone_from(&config.cgroup_root);
    let runtime = EmbeddedRuntime::open(runtime_config).await.context("container runtime")?;

    let identity = control_plane.client_of(&format!("system:node:{}", config.node_name), &["system:nodes"]);
    let tls = ServerTls {
        certificate: control_plane.kubelet_certificate(&config.node_name, &config.node_addresses)?,
        client_roots: control_plane.client_roots()?,
    };
    let kubelet = Kubelet::new(kubelet_config(config), runtime, SharedInformers::new(identity), tls)
        .await
        .context("kubelet")?;
    let stop = shutdown.clone();
    parts.spawn("kubelet", async move { Ok(kubelet.run(stop).await?) });

    if config.runs("kube-proxy") {
        let informers = SharedInformers::new(control_plane.client_of("system:kube-proxy", &[]));
        let proxy = Proxy::new(
            ProxyConfig {
                node_name: config.node_name.clone(),
                node_port_addresses: Vec::new(),
                cluster_cidrs: config.cluster_cidrs.clone(),
            },
            &informers,
        );
        let stop = shutdown.clone();
        parts.spawn("kube-proxy", async move { Ok(proxy.run(stop.cancelled()).await?) });
    }
    if config.runs("dns") {
        dns::start(config, control_plane, parts, shutdown)?;
    }
    Ok(())
}

fn kubelet_config(config: &Config) -> KubeletConfig {
    KubeletConfig {
        node_name: config.node_name.clone(),
        node_ips: config.node_addresses.clone(),
        root_dir: kubelet_dir(&config.data_dir),
        cgroup_root: config.cgroup_root.clone(),
        cluster_dns: if config.runs("dns") { config.cluster_dns.clone() } else { Vec::new() },
        cluster_domain: config.cluster_domain.clone(),
        resolver_config: config.resolv_conf.clone(),
        port: config.kubelet_port,
        ..KubeletConfig::default()
    }
}
