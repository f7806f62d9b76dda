//! What an answer can depend on.

use std::net::IpAddr;

/// A view of the cluster. The real one reads informer caches, that of tests is a table.
pub trait World {
    /// A Service.
    fn service(&self, namespace: &str, name: &str) -> Option<ServiceEntry>;
    /// The endpoints of a Service, in a stable order.
    fn endpoints(&self, namespace: &str, service: &str) -> Vec<EndpointEntry>;
    /// Whether there is such a namespace.
    fn has_namespace(&self, namespace: &str) -> bool;
    /// The Services with a cluster IP, by namespace and name.
    fn services_by_address(&self, address: IpAddr) -> Vec<(String, String)>;
    /// The Services that have an endpoint with an address, by namespace and name.
    fn services_by_endpoint(&self, address: IpAddr) -> Vec<(String, String)>;
}

/// A Service, as far as names go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceEntry {
    /// Its cluster IPs; none if it is headless.
    pub cluster_ips: Vec<IpAddr>,
    /// The name outside that it stands for.
    pub external_name: Option<String>,
    /// Its ports.
    pub ports: Vec<PortEntry>,
    /// Whether endpoints have names before they are ready.
    pub publish_not_ready: bool,
}

/// A port of a Service or an endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PortEntry {
    /// Its name, empty for none.
    pub name: String,
    /// Its protocol in lower case.
    pub protocol: String,
    /// Its number.
    pub port: u16,
}

/// An endpoint of a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointEntry {
    /// Its address.
    pub address: IpAddr,
    /// Its name in the Service's domain, if it has one of its own.
    pub hostname: Option<String>,
    /// Whether it is ready.
    pub ready: bool,
    /// Its ports.
    pub ports: Vec<PortEntry>,
}

impl EndpointEntry {
    /// Its name in the Service's domain: its hostname, or its address with dashes.
    pub(crate) fn label(&self) -> String {
        match &self.hostname {
            Some(hostname) => hostname.to_ascii_lowercase(),
            None => self.address.to_string().replace(['.', ':'], "-"),
        }
    }
}
