//! The node of a server: pod network, container runtime, kubelet, Service proxy and DNS.

use super::components::Parts;
use super::control_plane::ControlPlane;
use super::data_dir::kubelet_dir;
use super::{Config, dns};
use crate::component::monitor::Endpoint;
use crate::component::{kubelet, proxy};
use anyhow::Result;
use skiff_kubelet::KubeletConfig;
use skiff_kubelet::server::ServerTls;
use skiff_proxy::ProxyConfig;
use std::net::{Ipv4Addr, SocketAddr};
use tokio_util::sync::CancellationToken;

/// Starts the node.
pub(super) async fn start(
    config: &Config,
    control_plane: &ControlPlane,
    parts: &mut Parts,
    shutdown: CancellationToken,
) -> Result<()> {
    let identity = control_plane.client_of(&format!("system:node:{}", config.node_name), &["system:nodes"]);
    let tls = ServerTls {
        certificate: control_plane.kubelet_certificate(&config.node_name, &config.node_addresses)?,
        client_roots: control_plane.client_roots()?,
    };
    let node = kubelet::Node {
        data_dir: config.data_dir.clone(),
        cluster_cidrs: config.cluster_cidrs.clone(),
        kubelet: kubelet_config(config),
    };
    let kubelet = kubelet::assemble(node, identity, tls).await?;
    let stop = shutdown.clone();
    parts.spawn("kubelet", async move { Ok(kubelet.run(stop).await?) });

    if config.runs("kube-proxy") {
        let client = control_plane.client_of("system:kube-proxy", &[]);
        let settings = ProxyConfig {
            node_name: config.node_name.clone(),
            node_port_addresses: Vec::new(),
            cluster_cidrs: config.cluster_cidrs.clone(),
        };
        // Load balancers look here for whether to send traffic to this node. The metrics are with all others.
        let address = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), proxy::HEALTHZ_PORT);
        let monitors =
            proxy::Monitors { healthz: Some(Endpoint { address, tls: None }), ..proxy::Monitors::default() };
        let proxy =
            proxy::assemble(settings, monitors, client, control_plane.metrics(), shutdown.clone()).await?;
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
