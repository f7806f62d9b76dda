//! What one pod contributes to a Service: an endpoint with its conditions, and the ports by number.

use super::World;
use crate::pods::{self, CachedPod};
use k8s_openapi::api::core::v1::{Container, Pod, Service, ServicePort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use skiff_apimachinery::{Document, doc};
use skiff_client::Cached;

/// Whether a pod is told at all: it runs, or did and is leaving, and has an address.
pub(super) fn is_told(pod: &Cached<Pod>) -> bool {
    !pods::is_terminal(pod) && !pod.array_at(&["status", "podIPs"]).is_empty()
}

/// The pod's addresses of one family.
pub(super) fn addresses(pod: &Cached<Pod>, family: &str) -> Vec<String> {
    let all = pod.array_at(&["status", "podIPs"]).iter().map(|ip| ip.str_at(&["ip"]));
    all.filter(|ip| ip.contains(':') == (family == "IPv6")).map(str::to_owned).collect()
}

/// The `Endpoint` of a pod.
pub(super) fn endpoint(world: &World, pod: &CachedPod, addresses: Vec<String>) -> Document {
    let service = &world.service;
    let serving = pods::is_ready(pod);
    let terminating = pod.deletion_timestamp().is_some();
    let ready = tolerates_unready(service) || (serving && !terminating);
    let mut endpoint = doc!({
        "addresses": addresses,
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        "targetRef": {"kind": "Pod", "namespace": pod.namespace(), "name": pod.name(), "uid": pod.uid()}
    });
    let node = pods::node_name(pod);
    if !node.is_empty() {
        endpoint.insert("nodeName", node);
    }
    let zone = world.zones.get(node);
    if let Some(zone) = zone {
        endpoint.insert("zone", zone);
    }
    if let Some(hostname) = hostname(service, pod) {
        endpoint.insert("hostname", hostname);
    }
    if let Some(hints) = hints(service, ready, node, zone.map(String::as_str)) {
        endpoint.insert("hints", hints);
    }
    endpoint
}

/// Whether the Service wants pods told before they are ready.
pub(super) fn tolerates_unready(service: &Cached<Service>) -> bool {
    service.bool_at(&["spec", "publishNotReadyAddresses"]) == Some(true)
}

/// The pod's name within the Service's domain.
fn hostname<'p>(service: &Cached<Service>, pod: &'p Cached<Pod>) -> Option<&'p str> {
    let hostname = pod.str_at(&["spec", "hostname"]);
    (!hostname.is_empty() && pod.str_at(&["spec", "subdomain"]) == service.name()).then_some(hostname)
}

/// Which zone or node is to use a ready endpoint first (`spec.trafficDistribution`).
fn hints(service: &Cached<Service>, ready: bool, node: &str, zone: Option<&str>) -> Option<Document> {
    let distribution = service.str_at(&["spec", "trafficDistribution"]);
    let (by_zone, by_node) = match distribution {
        "PreferClose" | "PreferSameZone" => (true, false),
        "PreferSameNode" => (true, true),
        _ => return None,
    };
    let mut hints = Document::object();
    if let Some(zone) = zone.filter(|_| ready && by_zone) {
        hints.insert("forZones", doc!([{"name": zone}]));
    }
    if ready && by_node && !node.is_empty() {
        hints.insert("forNodes", doc!([{"name": node}]));
    }
    (!hints.is_empty()).then_some(hints)
}

/// The `EndpointPort`s of a pod: named target ports are looked up in the pod, and left out where it has none.
pub(super) fn ports(service: &Cached<Service>, pod: &Cached<Pod>) -> Vec<Document> {
    let ports = service.typed.spec.as_ref().and_then(|spec| spec.ports.as_ref());
    let ports = ports.into_iter().flatten().filter_map(|port| {
        let mut told = doc!({
            "name": port.name.as_deref().unwrap_or(""),
            "port": find_port(pod, port)?,
            "protocol": port.protocol.as_deref().unwrap_or("TCP")
        });
        if let Some(protocol) = &port.app_protocol {
            told.insert("appProtocol", protocol);
        }
        Some(told)
    });
    ports.collect()
}

/// The number of a Service's port in a pod.
pub(crate) fn find_port(pod: &Cached<Pod>, port: &ServicePort) -> Option<i32> {
    match &port.target_port {
        None => Some(port.port),
        Some(IntOrString::Int(0)) => Some(port.port),
        Some(IntOrString::Int(number)) => Some(*number),
        Some(IntOrString::String(name)) => {
            let spec = pod.typed.spec.as_ref()?;
            let sidecar = |container: &&Container| container.restart_policy.as_deref() == Some("Always");
            let sidecars = spec.init_containers.iter().flatten().filter(sidecar);
            let ports = spec.containers.iter().chain(sidecars).flat_map(|c| c.ports.iter().flatten());
            let protocol = port.protocol.as_deref().unwrap_or("TCP");
            let mut named = ports.filter(|p| {
                p.name.as_ref() == Some(name) && p.protocol.as_deref().unwrap_or("TCP") == protocol
            });
            named.next().map(|p| p.container_port)
        }
    }
}
