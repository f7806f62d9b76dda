//! What matters of EndpointSlices: the endpoints of each port of a Service.

use super::{Family, Protocol, port};
use k8s_openapi::api::discovery::v1::{Endpoint as ApiEndpoint, EndpointSlice};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// An endpoint of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Where it listens.
    pub address: SocketAddr,
    /// It takes new connections.
    pub ready: bool,
    /// It could, even if it is about to go.
    pub serving: bool,
    /// It is about to go.
    pub terminating: bool,
    /// It is on this node.
    pub local: bool,
    /// Zones that it is meant for; empty for no hint.
    pub for_zones: Vec<String>,
    /// Nodes that it is meant for; empty for no hint.
    pub for_nodes: Vec<String>,
}

/// Which port of a Service an endpoint belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortKey {
    /// Its family.
    pub family: Family,
    /// Its name.
    pub name: String,
    /// Its protocol.
    pub protocol: Protocol,
}

/// The endpoints of a Service, by port, sorted and without repetitions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceEndpoints {
    ports: BTreeMap<PortKey, BTreeMap<SocketAddr, Endpoint>>,
}

impl ServiceEndpoints {
    /// Reads the slices of one Service. An endpoint in two slices (it moves between them) is ready if it is in one.
    pub fn read<'a>(slices: impl IntoIterator<Item = &'a EndpointSlice>, node_name: &str) -> Self {
        let mut all = Self::default();
        for slice in slices {
            let family = match slice.address_type.as_str() {
                "IPv4" => Family::V4,
                "IPv6" => Family::V6,
                _ => continue,
            };
            for slice_port in slice.ports.as_deref().unwrap_or_default() {
                let Some(protocol) = Protocol::parse(slice_port.protocol.as_deref()) else { continue };
                let Some(number) = slice_port.port.and_then(port) else { continue };
                let name = slice_port.name.clone().unwrap_or_default();
                for api in &slice.endpoints {
                    let endpoints =
                        all.ports.entry(PortKey { family, name: name.clone(), protocol }).or_default();
                    for endpoint in read_endpoint(api, family, number, node_name) {
                        add(endpoints, endpoint);
                    }
                }
            }
        }
        all
    }

    /// The endpoints of a port.
    pub fn of(&self, port: &PortKey) -> Vec<&Endpoint> {
        self.ports.get(port).map(|endpoints| endpoints.values().collect()).unwrap_or_default()
    }
}

fn add(endpoints: &mut BTreeMap<SocketAddr, Endpoint>, endpoint: Endpoint) {
    match endpoints.get(&endpoint.address) {
        Some(known) if known.ready || !endpoint.ready => {}
        _ => {
            endpoints.insert(endpoint.address, endpoint);
        }
    }
}

fn read_endpoint<'a>(
    api: &'a ApiEndpoint,
    family: Family,
    port: u16,
    node_name: &'a str,
) -> impl Iterator<Item = Endpoint> + 'a {
    let conditions = api.conditions.as_ref();
    let ready = conditions.and_then(|c| c.ready).unwrap_or(true);
    let serving = conditions.and_then(|c| c.serving).unwrap_or(ready);
    let terminating = conditions.and_then(|c| c.terminating).unwrap_or(false);
    let hints = api.hints.as_ref();
    let for_zones: Vec<String> = hints
        .and_then(|h| h.for_zones.as_deref())
        .unwrap_or_default()
        .iter()
        .map(|z| z.name.clone())
        .collect();
    let for_nodes: Vec<String> = hints
        .and_then(|h| h.for_nodes.as_deref())
        .unwrap_or_default()
        .iter()
        .map(|n| n.name.clone())
        .collect();
    let local = api.node_name.as_deref() == Some(node_name);
    // Only the first address counts: all of an endpoint's addresses lead to the same place.
    let address = api.addresses.first().and_then(|text| text.parse::<IpAddr>().ok());
    address.filter(|address| Family::of(*address) == family).into_iter().map(move |address| Endpoint {
        address: SocketAddr::new(address, port),
        ready,
        serving,
        terminating,
        local,
        for_zones: for_zones.clone(),
        for_nodes: for_nodes.clone(),
    })
}
