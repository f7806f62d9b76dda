//! Answers of the cluster's own names: a pure function after the Kubernetes DNS specification, in doubt as CoreDNS does it.
//!
//! | name | answer |
//! |---|---|
//! | `SERVICE.NS.svc.ZONE` | cluster IPs; ready endpoints if headless; CNAME of an ExternalName |
//! | `HOST.SERVICE.NS.svc.ZONE` | the endpoint with that hostname, or with that address written with dashes |
//! | `_PORT._PROTOCOL.SERVICE.NS.svc.ZONE` | SRV |
//! | `1-2-3-4.NS.pod.ZONE` | the address in the name |
//! | `dns-version.ZONE` | TXT with the specification's version |
//! | reverse names | the Service with that cluster IP, or the endpoints with that address |

use crate::name::{Question, Zone, labels};
use crate::world::{EndpointEntry, PortEntry, ServiceEntry, World};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Version of the specification.
const VERSION: &str = "1.1.0";
/// Upstream's weight of all records of a name together.
const WEIGHT: u16 = 100;

/// Kinds of records that names can have here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of DNS")]
pub enum RecordKind {
    A,
    Aaaa,
    Cname,
    Ns,
    Ptr,
    Soa,
    Srv,
    Txt,
    /// Any other; names have none of it.
    Other,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Records of the question's name, and others that will be asked for next.
    Found {
        /// What was asked for.
        answers: Vec<Data>,
        /// Addresses of names in the answers.
        additional: Vec<Record>,
    },
    /// Another name to be resolved in its place.
    Alias(String),
    /// The name exists, but has no such record.
    NoData,
    /// There is no such name.
    NoSuchName,
    /// Not a name of the cluster.
    Elsewhere,
}

/// A record of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its full name.
    pub name: String,
    /// Its content.
    pub data: Data,
}

/// Content of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// An address.
    A(Ipv4Addr),
    /// An address.
    Aaaa(Ipv6Addr),
    /// The zone's own record.
    Soa,
    /// The zone's server.
    Ns(String),
    /// A name.
    Ptr(String),
    /// A text.
    Txt(String),
    /// A server of a port.
    Srv {
        /// Its share.
        weight: u16,
        /// Its port.
        port: u16,
        /// Its name.
        target: String,
    },
}

/// Answers a question.
pub fn answer(question: &Question, zone: &Zone, world: &impl World) -> Answer {
    if let Some(address) = question.reverse_address() {
        return reverse(address, question.kind, zone, world);
    }
    let Some(inside) = zone.within(&question.labels) else { return Answer::Elsewhere };
    let inside: Vec<&str> = inside.iter().map(String::as_str).collect();
    match inside.as_slice() {
        [] => apex(question.kind, zone),
        ["svc" | "pod"] => Answer::NoData,
        ["dns-version"] => dns_version(question.kind),
        ["dns"] => Answer::NoData,
        ["ns", "dns"] => name_server(question.kind, zone, world),
        [.., namespace, "svc" | "pod"] if !world.has_namespace(namespace) => Answer::NoSuchName,
        [_, "svc" | "pod"] => Answer::NoData,
        [name, _, "pod"] => pod(name, question.kind),
        [rest @ .., service, namespace, "svc"] => {
            let Some(found) = world.service(namespace, service) else { return Answer::NoSuchName };
            let name = ServiceName { namespace, service, zone };
            of_service(&name, rest, &found, question.kind, world)
        }
        _ => Answer::NoSuchName,
    }
}

/// A Service's name.
struct ServiceName<'a> {
    namespace: &'a str,
    service: &'a str,
    zone: &'a Zone,
}

impl ServiceName<'_> {
    fn full(&self) -> String {
        self.zone.name(&format!("{}.{}.svc", self.service, self.namespace))
    }
}

/// Which port a question is about.
enum PortFilter<'a> {
    Any,
    Named { name: &'a str, protocol: &'a str },
}

impl PortFilter<'_> {
    fn takes(&self, port: &PortEntry) -> bool {
        match self {
            Self::Any => true,
            Self::Named { name, protocol } => {
                port.name.eq_ignore_ascii_case(name) && port.protocol.eq_ignore_ascii_case(protocol)
            }
        }
    }
}

/// A target that answers for a name.
struct Target {
    name: String,
    address: IpAddr,
    ports: Vec<u16>,
}

fn of_service(
    name: &ServiceName<'_>,
    before: &[&str],
    service: &ServiceEntry,
    kind: RecordKind,
    world: &impl World,
) -> Answer {
    let (endpoint, ports) = match before {
        [] => (None, PortFilter::Any),
        [port, protocol] if port.starts_with('_') && protocol.starts_with('_') => {
            (None, PortFilter::Named { name: &port[1..], protocol: &protocol[1..] })
        }
        [endpoint] if !endpoint.starts_with('_') => (Some(*endpoint), PortFilter::Any),
        _ => return Answer::NoSuchName,
    };
    if let Some(external) = &service.external_name {
        return if before.is_empty() { Answer::Alias(external.clone()) } else { Answer::NoSuchName };
    }
    let targets = if endpoint.is_some() || service.cluster_ips.is_empty() {
        let endpoints = world.endpoints(name.namespace, name.service);
        endpoint_targets(name, service, endpoints, endpoint, &ports)
    } else {
        service_targets(name, service, &ports)
    };
    if targets.is_empty() {
        return Answer::NoSuchName;
    }
    match kind {
        RecordKind::Srv => servers(&targets),
        RecordKind::A | RecordKind::Aaaa => {
            let mut addresses: Vec<IpAddr> = Vec::new();
            for target in targets {
                if !addresses.contains(&target.address) {
                    addresses.push(target.address);
                }
            }
            found(addresses.into_iter().filter_map(|address| of_kind(address, kind)).collect())
        }
        _ => Answer::NoData,
    }
}

fn service_targets(name: &ServiceName<'_>, service: &ServiceEntry, ports: &PortFilter<'_>) -> Vec<Target> {
    let numbers: Vec<u16> = service.ports.iter().filter(|p| ports.takes(p)).map(|p| p.port).collect();
    if numbers.is_empty() && !matches!(ports, PortFilter::Any) {
        return Vec::new();
    }
    let target = |address: &IpAddr| Target { name: name.full(), address: *address, ports: numbers.clone() };
    service.cluster_ips.iter().map(target).collect()
}

fn endpoint_targets(
    name: &ServiceName<'_>,
    service: &ServiceEntry,
    endpoints: Vec<EndpointEntry>,
    label: Option<&str>,
    ports: &PortFilter<'_>,
) -> Vec<Target> {
    let mut targets = Vec::new();
    for endpoint in endpoints {
        let own = endpoint.label();
        if !(endpoint.ready || service.publish_not_ready) || label.is_some_and(|label| label != own) {
            continue;
        }
        let numbers: Vec<u16> = endpoint.ports.iter().filter(|p| ports.takes(p)).map(|p| p.port).collect();
        if !numbers.is_empty() || matches!(ports, PortFilter::Any) {
            let name = format!("{own}.{}", name.full());
            targets.push(Target { name, address: endpoint.address, ports: numbers });
        }
    }
    targets
}

fn servers(targets: &[Target]) -> Answer {
    let mut servers: Vec<(u16, &str)> = Vec::new();
    for target in targets {
        for port in &target.ports {
            if !servers.contains(&(*port, target.name.as_str())) {
                servers.push((*port, &target.name));
            }
        }
    }
    let weight = WEIGHT.checked_div(servers.len() as u16).map_or(WEIGHT, |weight| weight.max(1));
    let answers: Vec<Data> = servers
        .iter()
        .map(|(port, target)| Data::Srv { weight, port: *port, target: (*target).to_owned() })
        .collect();
    if answers.is_empty() {
        return Answer::NoData;
    }
    let additional =
        targets.iter().map(|t| Record { name: t.name.clone(), data: address_data(t.address) }).collect();
    Answer::Found { answers, additional }
}

fn pod(name: &str, kind: RecordKind) -> Answer {
    let dotted = name.replace('-', ".").parse::<Ipv4Addr>().map(IpAddr::V4);
    let address = dotted.or_else(|_| name.replace('-', ":").parse::<Ipv6Addr>().map(IpAddr::V6));
    match address {
        Ok(address) => found(of_kind(address, kind).into_iter().collect()),
        Err(_) => Answer::NoSuchName,
    }
}

fn reverse(address: IpAddr, kind: RecordKind, zone: &Zone, world: &impl World) -> Answer {
    let full = |(namespace, service): &(String, String)| zone.name(&format!("{service}.{namespace}.svc"));
    let mut names: Vec<String> = world.services_by_address(address).iter().map(full).collect();
    if names.is_empty() {
        for service in world.services_by_endpoint(address) {
            let endpoints = world.endpoints(&service.0, &service.1);
            let own = endpoints.iter().filter(|endpoint| endpoint.address == address && endpoint.ready);
            names.extend(own.map(|endpoint| format!("{}.{}", endpoint.label(), full(&service))));
        }
        names.dedup();
    }
    if names.is_empty() {
        return Answer::Elsewhere;
    }
    if kind == RecordKind::Ptr { found(names.into_iter().map(Data::Ptr).collect()) } else { Answer::NoData }
}

fn apex(kind: RecordKind, zone: &Zone) -> Answer {
    match kind {
        RecordKind::Soa => found(vec![Data::Soa]),
        RecordKind::Ns => found(vec![Data::Ns(zone.name("ns.dns"))]),
        _ => Answer::NoData,
    }
}

fn dns_version(kind: RecordKind) -> Answer {
    if kind == RecordKind::Txt { found(vec![Data::Txt(VERSION.into())]) } else { Answer::NoData }
}

/// The zone's server is the Service that pods ask.
fn name_server(kind: RecordKind, zone: &Zone, world: &impl World) -> Answer {
    let own = Question { labels: labels(&zone.name("kube-dns.kube-system.svc")), kind };
    answer(&own, zone, world)
}

fn found(answers: Vec<Data>) -> Answer {
    if answers.is_empty() { Answer::NoData } else { Answer::Found { answers, additional: Vec::new() } }
}

fn address_data(address: IpAddr) -> Data {
    match address {
        IpAddr::V4(address) => Data::A(address),
        IpAddr::V6(address) => Data::Aaaa(address),
    }
}

fn of_kind(address: IpAddr, kind: RecordKind) -> Option<Data> {
    match (address, kind) {
        (IpAddr::V4(address), RecordKind::A) => Some(Data::A(address)),
        (IpAddr::V6(address), RecordKind::Aaaa) => Some(Data::Aaaa(address)),
        _ => None,
    }
}
