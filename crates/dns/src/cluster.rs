//! The view of the cluster over informer caches. Typed objects are read where they lie; nothing is copied ahead.

use crate::world::{EndpointEntry, PortEntry, ServiceEntry, World};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use skiff_client::informer::{Cached, Index, Informer, SharedInformers, Untyped};
use skiff_client::{Selection, resources};
use std::net::IpAddr;

const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// The cluster as the API server tells it.
pub struct ClusterWorld {
    services: Informer<Service>,
    by_address: Index<Service>,
    slices: Informer<EndpointSlice>,
    by_service: Index<EndpointSlice>,
    by_endpoint: Index<EndpointSlice>,
    namespaces: Informer<Untyped>,
}

impl ClusterWorld {
    /// Starts following the cluster; must be called inside a tokio runtime.
    pub fn new(informers: &SharedInformers) -> Self {
        let services: Informer<Service> = informers.of(&resources::SERVICES, Selection::default());
        let slices: Informer<EndpointSlice> = informers.of(&resources::ENDPOINT_SLICES, Selection::default());
        Self {
            by_address: services.index("cluster-ip", |service| {
                cluster_ips(&service.typed).iter().map(ToString::to_string).collect()
            }),
            by_service: slices
                .index("service-name", |slice| service_of(slice).map(key).into_iter().collect()),
            by_endpoint: slices.index("address", |slice| {
                slice.typed.endpoints.iter().filter_map(|e| e.addresses.first().cloned()).collect()
            }),
            namespaces: informers.metadata(&resources::NAMESPACES),
            services,
            slices,
        }
    }

    /// Waits until all of it is known.
    pub async fn synced(&self) {
        tokio::join!(self.services.synced(), self.slices.synced(), self.namespaces.synced());
    }
}

impl World for ClusterWorld {
    fn service(&self, namespace: &str, name: &str) -> Option<ServiceEntry> {
        self.services.get(namespace, name).map(|service| read_service(&service.typed))
    }

    fn endpoints(&self, namespace: &str, service: &str) -> Vec<EndpointEntry> {
        let slices = self.by_service.get(&key((namespace, service)));
        let mut endpoints: Vec<EndpointEntry> =
            slices.iter().flat_map(|slice| read_slice(&slice.typed)).collect();
        // An endpoint on its way from one slice to another is in both.
        endpoints.sort_by_key(|endpoint| (endpoint.address, !endpoint.ready));
        endpoints.dedup_by(|a, b| a.address == b.address && a.ports == b.ports);
        endpoints
    }

    fn has_namespace(&self, namespace: &str) -> bool {
        self.namespaces.get("", namespace).is_some()
    }

    fn services_by_address(&self, address: IpAddr) -> Vec<(String, String)> {
        let services = self.by_address.get(&address.to_string());
        services.iter().map(|service| (service.namespace().to_owned(), service.name().to_owned())).collect()
    }

    fn services_by_endpoint(&self, address: IpAddr) -> Vec<(String, String)> {
        let slices = self.by_endpoint.get(&address.to_string());
        let services = slices.iter().filter_map(|slice| service_of(slice));
        let mut services: Vec<_> = services.map(|(ns, name)| (ns.to_owned(), name.to_owned())).collect();
        services.dedup();
        services
    }
}

fn service_of(slice: &Cached<EndpointSlice>) -> Option<(&str, &str)> {
    slice.label(SERVICE_NAME).map(|name| (slice.namespace(), name))
}

fn key((namespace, name): (&str, &str)) -> String {
    format!("{namespace}/{name}")
}

fn cluster_ips(service: &Service) -> Vec<IpAddr> {
    let Some(spec) = &service.spec else { return Vec::new() };
    match spec.cluster_ips.as_deref() {
        Some(list) if !list.is_empty() => list.iter().filter_map(|text| text.parse().ok()).collect(),
        _ => spec.cluster_ip.as_deref().and_then(|text| text.parse().ok()).into_iter().collect(),
    }
}

fn read_service(service: &Service) -> ServiceEntry {
    let spec = service.spec.clone().unwrap_or_default();
    let ports = spec.ports.unwrap_or_default();
    let is_external = spec.type_.as_deref() == Some("ExternalName");
    ServiceEntry {
        cluster_ips: cluster_ips(service),
        external_name: spec.external_name.filter(|_| is_external),
        ports: ports.into_iter().filter_map(|p| port(p.name, p.protocol, p.port)).collect(),
        publish_not_ready: spec.publish_not_ready_addresses.unwrap_or(false),
    }
}

fn read_slice(slice: &EndpointSlice) -> impl Iterator<Item = EndpointEntry> + '_ {
    let ports = slice.ports.iter().flatten();
    let ports: Vec<PortEntry> =
        ports.filter_map(|p| port(p.name.clone(), p.protocol.clone(), p.port?)).collect();
    slice.endpoints.iter().filter_map(move |endpoint| {
        Some(EndpointEntry {
            address: endpoint.addresses.first()?.parse().ok()?,
            hostname: endpoint.hostname.clone().filter(|hostname| !hostname.is_empty()),
            ready: endpoint.conditions.as_ref().and_then(|c| c.ready).unwrap_or(true),
            ports: ports.clone(),
        })
    })
}

fn port(name: Option<String>, protocol: Option<String>, number: i32) -> Option<PortEntry> {
    Some(PortEntry {
        name: name.unwrap_or_default(),
        protocol: protocol.unwrap_or_else(|| "TCP".into()).to_ascii_lowercase(),
        port: number.try_into().ok()?,
    })
}
