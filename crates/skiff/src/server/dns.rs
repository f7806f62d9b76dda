//! Cluster DNS on this node, and the Service by which pods reach it.
//!
//! The Service `kube-system/kube-dns` has the address that the kubelet writes into pods' resolv.conf; its endpoint slice is
//! this server's own and points to the node's address and the port that the DNS listens on.

use super::Config;
use super::components::Parts;
use super::control_plane::ControlPlane;
use anyhow::Result;
use skiff_apimachinery::{Document, Status, doc};
use skiff_client::resources::{ENDPOINT_SLICES, SERVICES};
use skiff_client::{Client, Resource, SharedInformers};
use skiff_dns::{Dns, DnsConfig};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Port that the DNS listens on at the node's addresses.
const PORT: u16 = 10053;
/// Seconds that answers may be kept.
const TTL: u32 = 5;
/// Pause before the objects are tried again.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) fn start(
    config: &Config,
    control_plane: &ControlPlane,
    parts: &mut Parts,
    shutdown: CancellationToken,
) -> Result<()> {
    let account = control_plane.service_account_clients()("coredns");
    let dns = Dns::new(
        DnsConfig {
            listen: config.node_addresses.iter().map(|address| SocketAddr::new(*address, PORT)).collect(),
            cluster_domain: config.cluster_domain.clone(),
            upstream_resolv_conf: config.resolv_conf.clone(),
            aliases: config.cluster_dns.iter().map(|address| SocketAddr::new(*address, 53)).collect(),
            ttl: TTL,
        },
        &SharedInformers::new(account),
    )?;
    let stop = shutdown.clone();
    parts.spawn("dns", async move { Ok(dns.run(stop.cancelled_owned()).await?) });

    let admin = control_plane.client_of("system:skiff", &["system:masters"]);
    let wanted = objects(config);
    parts.spawn("dns service", async move {
        tokio::select! {
            () = publish(&admin, wanted) => {}
            () = shutdown.cancelled() => {}
        }
        Ok(())
    });
    Ok(())
}

/// Creates or corrects the objects; tries until it succeeds.
async fn publish(client: &Client, wanted: Vec<(Resource, Document)>) {
    for (resource, object) in wanted {
        while let Err(status) = ensure(client, &resource, &object).await {
            warn!(object = %object.key(), error = %status, "cannot publish the cluster DNS");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn ensure(client: &Client, resource: &Resource, wanted: &Document) -> Result<(), Status> {
    let (namespace, name) = (wanted.namespace(), wanted.name());
    let current = match client.get(resource, namespace, name).await {
        Ok(current) => current,
        Err(status) if status.is_not_found() => {
            return client.create(resource, namespace, wanted.clone()).await.map(drop);
        }
        Err(status) => return Err(status),
    };
    let mut object = Document::clone(&current);
    for field in ["endpoints", "ports"] {
        if let Some(value) = wanted.get(field) {
            object.insert(field, value);
        }
    }
    if object == *current { Ok(()) } else { client.update(resource, object).await.map(drop) }
}

fn objects(config: &Config) -> Vec<(Resource, Document)> {
    let ports = |key: &str| -> Document {
        [("dns", "UDP"), ("dns-tcp", "TCP")]
            .into_iter()
            .map(|(name, protocol)| match key {
                "service" => doc!({"name": name, "port": 53, "protocol": protocol, "targetPort": PORT}),
                _ => doc!({"name": name, "port": PORT, "protocol": protocol}),
            })
            .collect()
    };
    let texts: Vec<String> = config.cluster_dns.iter().map(ToString::to_string).collect();
    // Two addresses go with a policy of two families only.
    let policy = if texts.len() > 1 { "PreferDualStack" } else { "SingleStack" };
    let service = doc!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {
            "name": "kube-dns", "namespace": "kube-system",
            "labels": {"k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"}
        },
        "spec": {
            "clusterIP": texts.first().cloned(), "clusterIPs": texts, "ipFamilyPolicy": policy,
            "ports": ports("service")
        }
    });
    let mut out = vec![(SERVICES, service)];
    for (family, suffix, is_v4) in [("IPv4", "", true), ("IPv6", "-ipv6", false)] {
        let addresses: Vec<&IpAddr> = config.node_addresses.iter().filter(|a| a.is_ipv4() == is_v4).collect();
        if addresses.is_empty() {
            continue;
        }
        let endpoints: Document = addresses
            .iter()
            .map(|address| {
                doc!({
                    "addresses": [address.to_string()],
                    "conditions": {"ready": true, "serving": true, "terminating": false},
                    "nodeName": config.node_name.as_str()
                })
            })
            .collect();
        out.push((
            ENDPOINT_SLICES,
            doc!({
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                "metadata": {
                    "name": format!("kube-dns-{}{suffix}", config.node_name), "namespace": "kube-system",
                    "labels": {
                        "kubernetes.io/service-name": "kube-dns",
                        "endpointslice.kubernetes.io/managed-by": "skiff-dns"
                    }
                },
                "addressType": family, "endpoints": endpoints, "ports": ports("slice")
            }),
        ));
    }
    out
}
