//! What matters of a Service.

use super::{Protocol, ServiceName, port};
use ipnet::IpNet;
use k8s_openapi::api::core::v1::{Service, ServiceSpec};
use std::net::IpAddr;
use std::time::Duration;

/// Label of Services that another proxy serves.
const SERVICE_PROXY_NAME: &str = "service.kubernetes.io/service-proxy-name";
/// Session affinity lasts this long unless the Service says otherwise.
const AFFINITY: Duration = Duration::from_secs(10_800);

/// A Service that has addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceFacts {
    /// Which.
    pub name: ServiceName,
    /// Its cluster IPs.
    pub cluster_ips: Vec<IpAddr>,
    /// Its external IPs.
    pub external_ips: Vec<IpAddr>,
    /// Addresses of its load balancer whose traffic arrives with them as destination.
    pub load_balancer_ips: Vec<IpAddr>,
    /// Who may use the load balancer's addresses; empty for everyone.
    pub source_ranges: Vec<IpNet>,
    /// Which endpoints traffic from inside the cluster may reach.
    pub internal: TrafficPolicy,
    /// Which endpoints traffic from outside may reach.
    pub external: TrafficPolicy,
    /// How long a client keeps its endpoint.
    pub affinity: Option<Duration>,
    /// Its ports.
    pub ports: Vec<PortFacts>,
}

/// Which endpoints traffic may reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TrafficPolicy {
    /// All.
    #[default]
    Cluster,
    /// Those on this node.
    Local,
}

/// A port of a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortFacts {
    /// Its name, empty if there is only one.
    pub name: String,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its number on all but the node's addresses.
    pub port: u16,
    /// Its number on the node's addresses.
    pub node_port: Option<u16>,
}

impl ServiceFacts {
    /// Reads a Service; `None` if there is nothing to proxy: it is headless, an ExternalName, or another proxy's.
    pub fn read(service: &Service) -> Option<Self> {
        let spec = service.spec.as_ref()?;
        let labels = service.metadata.labels.as_ref();
        if spec.type_.as_deref() == Some("ExternalName")
            || labels.is_some_and(|l| l.contains_key(SERVICE_PROXY_NAME))
        {
            return None;
        }
        let cluster_ips = cluster_ips(spec);
        if cluster_ips.is_empty() {
            return None;
        }
        Some(Self {
            name: ServiceName::new(
                service.metadata.namespace.as_deref().unwrap_or_default(),
                service.metadata.name.as_deref().unwrap_or_default(),
            ),
            cluster_ips,
            external_ips: addresses(spec.external_ips.as_deref().unwrap_or_default()),
            load_balancer_ips: load_balancer_ips(service),
            source_ranges: source_ranges(spec),
            internal: policy(spec.internal_traffic_policy.as_deref()),
            external: policy(spec.external_traffic_policy.as_deref()),
            affinity: affinity(spec),
            ports: ports(spec),
        })
    }

    /// Whether a port can be reached in another way than by a cluster IP.
    pub fn externally_accessible(&self, port: &PortFacts) -> bool {
        port.node_port.is_some() || !self.external_ips.is_empty() || !self.load_balancer_ips.is_empty()
    }
}

fn cluster_ips(spec: &ServiceSpec) -> Vec<IpAddr> {
    match spec.cluster_ips.as_deref() {
        Some(list) if !list.is_empty() => addresses(list),
        _ => spec.cluster_ip.as_deref().and_then(|text| text.parse().ok()).into_iter().collect(),
    }
}

fn addresses(texts: &[String]) -> Vec<IpAddr> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

fn load_balancer_ips(service: &Service) -> Vec<IpAddr> {
    let status = service.status.as_ref().and_then(|s| s.load_balancer.as_ref());
    let ingress = status.and_then(|s| s.ingress.as_deref()).unwrap_or_default();
    // With mode Proxy the balancer sends to node ports or pods; its address never arrives here (KEP-1860).
    let arriving = ingress.iter().filter(|i| i.ip_mode.as_deref().unwrap_or("VIP") == "VIP");
    arriving.filter_map(|i| i.ip.as_deref()?.parse().ok()).collect()
}

fn source_ranges(spec: &ServiceSpec) -> Vec<IpNet> {
    let ranges = spec.load_balancer_source_ranges.as_deref().unwrap_or_default();
    ranges.iter().filter_map(|range| range.trim().parse().ok()).collect()
}

fn policy(text: Option<&str>) -> TrafficPolicy {
    if text == Some("Local") { TrafficPolicy::Local } else { TrafficPolicy::Cluster }
}

fn affinity(spec: &ServiceSpec) -> Option<Duration> {
    if spec.session_affinity.as_deref() != Some("ClientIP") {
        return None;
    }
    let client_ip = spec.session_affinity_config.as_ref().and_then(|c| c.client_ip.as_ref());
    let seconds = client_ip.and_then(|c| c.timeout_seconds).and_then(|s| u64::try_from(s).ok());
    Some(seconds.map_or(AFFINITY, Duration::from_secs))
}

fn ports(spec: &ServiceSpec) -> Vec<PortFacts> {
    let ports = spec.ports.as_deref().unwrap_or_default();
    let read = ports.iter().filter_map(|p| {
        Some(PortFacts {
            name: p.name.clone().unwrap_or_default(),
            protocol: Protocol::parse(p.protocol.as_deref())?,
            port: port(p.port)?,
            node_port: p.node_port.and_then(port),
        })
    });
    read.collect()
}
