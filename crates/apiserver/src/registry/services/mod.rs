//! What Services are given by the API server: cluster IPs and node ports.
//!
//! Input: Services on their way through create, update and delete; output: the same with what they lacked filled in. The
//! store decides who has what: an `IPAddress` object records a cluster IP (KEP-1880), a key of its own a node port, both
//! written before the Service is stored and erased after it is gone (`records`). What this process believes to be taken
//! (`taken`) only keeps it from asking in vain. A write takes first and gives back what was not stored ([`Reservation`]).

mod allocate;
mod cluster_ips;
mod families;
mod node_ports;
mod plan;
mod ports;
mod ranges;
mod records;
mod repair;
mod taken;

pub(crate) use ranges::DEFAULT_CIDR;
pub use taken::Reservation;

use super::{Registry, Target};
use crate::objects::Objects;
use ipnet::IpNet;
use plan::{Failure, Plan};
use ports::PortRange;
use ranges::Ranges;
use skiff_api::kinds::service::allocation::{needs_cluster_ip, node_ports};
use skiff_api::validation::network;
use skiff_apimachinery::{Document, GroupResource};
use std::collections::HashSet;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use taken::{Taken, Thing};

/// Addresses and ports that Services may have.
#[derive(Debug, Clone)]
pub struct ServiceNetwork {
    /// The default ServiceCIDR: a block for each address family, the default family first.
    pub cidrs: Vec<IpNet>,
    /// Node ports.
    pub node_ports: RangeInclusive<u16>,
}

impl Default for ServiceNetwork {
    fn default() -> Self {
        let cidr = IpNet::new_assert(IpAddr::from([10, 43, 0, 0]), 16);
        Self { cidrs: vec![cidr], node_ports: 30_000..=32_767 }
    }
}

/// What Services of one cluster are given, as far as one server knows.
pub struct Allocators {
    cidrs: Vec<IpNet>,
    ports: PortRange,
    taken: Arc<Mutex<Taken>>,
}

impl Allocators {
    /// Nothing is taken yet.
    pub fn new(network: &ServiceNetwork) -> Self {
        Self {
            cidrs: network.cidrs.iter().map(IpNet::trunc).collect(),
            ports: PortRange::new(network.node_ports.clone()),
            taken: Arc::default(),
        }
    }

    /// The blocks of the default ServiceCIDR.
    pub(crate) fn default_cidrs(&self) -> &[IpNet] {
        &self.cidrs
    }

    /// Notes what a stored Service has.
    pub fn learn(&self, service: &Document) {
        let mut taken = self.lock();
        for thing in held(service) {
            taken.keep(thing);
        }
    }

    /// Fills in what a Service needs beyond what it had, out of what seems to be free.
    fn plan(
        &self,
        ranges: &Ranges,
        service: &mut Document,
        old: Option<&Document>,
        dry_run: bool,
    ) -> Result<Reservation, Failure> {
        let families: Vec<&'static str> =
            self.cidrs.iter().map(|cidr| network::family(cidr.addr())).collect();
        let mut taken = self.lock();
        let mut plan = Plan { ranges, ports: &self.ports, taken: &mut taken, dry_run, claims: Vec::new() };
        let result = allocate::for_service(&mut plan, &families, service, old);
        let claims = plan.claims;
        drop(taken);
        // Without a plan this gives back at once.
        let reservation = Reservation::new(self.taken.clone(), claims);
        result.map(|()| reservation)
    }

    fn nothing(&self) -> Reservation {
        Reservation::new(self.taken.clone(), Vec::new())
    }

    fn release(&self, thing: Thing) {
        self.lock().release(thing);
    }

    fn relearn(&self, things: HashSet<Thing>) {
        self.lock().relearn(things);
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    /// The blocks that cluster IPs come from now.
    fn usable_ranges(&self) -> Ranges {
        Ranges::usable(&self.allocators.cidrs, &self.service_cidrs())
    }

    /// The blocks that cluster IPs may be of.
    fn configured_ranges(&self) -> Ranges {
        Ranges::configured(&self.allocators.cidrs, &self.service_cidrs())
    }

    fn service_cidrs(&self) -> Vec<Arc<Document>> {
        self.caches.list(&GroupResource::new("networking.k8s.io", "servicecidrs"), "")
    }

    fn services(&self) -> Vec<Arc<Document>> {
        self.caches.list(&GroupResource::new("", "services"), "")
    }
}

fn is_service(target: &Target) -> bool {
    target.hub.gvk.group.is_empty() && target.hub.plural == "services"
}

/// The cluster IPs that a Service has.
fn held_addresses(service: &Document) -> Vec<IpAddr> {
    if !needs_cluster_ip(service) {
        return Vec::new();
    }
    let list = service.array_at(&["spec", "clusterIPs"]).iter().filter_map(Document::as_str);
    let mut all: Vec<IpAddr> =
        list.chain([service.str_at(&["spec", "clusterIP"])]).filter_map(network::ip).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The node ports that a Service has.
fn held_ports(service: &Document) -> Vec<u16> {
    let mut all: Vec<u16> = node_ports(service)
        .chain(service.i64_at(&["spec", "healthCheckNodePort"]))
        .filter_map(|port| u16::try_from(port).ok())
        .filter(|port| *port != 0)
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// All that a Service has.
fn held(service: &Document) -> Vec<Thing> {
    let addresses = held_addresses(service).into_iter().map(Thing::Address);
    addresses.chain(held_ports(service).into_iter().map(Thing::Port)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn a_service_holds_what_it_says() {
        let cases: [(Document, &[&str], &[u16]); 4] = [
            (
                doc!({"type": "ClusterIP", "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1", "FD00::1"]}),
                &["10.0.0.1", "fd00::1"],
                &[],
            ),
            (doc!({"type": "ClusterIP", "clusterIP": "None", "clusterIPs": ["None"]}), &[], &[]),
            (doc!({"type": "ExternalName", "externalName": "10.0.0.1"}), &[], &[]),
            (
                doc!({
                    "type": "LoadBalancer", "healthCheckNodePort": 30_003,
                    "ports": [{"nodePort": 30_002}, {"nodePort": 30_002}, {"port": 1}]
                }),
                &[],
                &[30_002, 30_003],
            ),
        ];
        for (spec, addresses, ports) in cases {
            let service = doc!({"spec": spec});
            let texts: Vec<String> = held_addresses(&service).iter().map(ToString::to_string).collect();
            assert_eq!(texts, addresses, "{service:?}");
            assert_eq!(held_ports(&service), ports, "{service:?}");
        }
    }

    #[test]
    fn a_plan_that_fails_takes_nothing() {
        let network = ServiceNetwork { node_ports: 30_000..=30_000, ..ServiceNetwork::default() };
        let allocators = Allocators::new(&network);
        let ranges = Ranges::usable(&allocators.cidrs, &[]);
        let mut service = doc!({"spec": {"type": "NodePort", "ports": [{"port": 1}, {"port": 2}]}});
        assert!(matches!(allocators.plan(&ranges, &mut service, None, false), Err(Failure::Full(_))));
        assert_eq!(allocators.lock().count(), 0);
        let mut service = doc!({"spec": {"type": "NodePort", "ports": [{"port": 1}]}});
        let reservation = allocators.plan(&ranges, &mut service, None, false);
        assert_eq!(allocators.lock().count(), 2);
        drop(reservation);
        assert_eq!(allocators.lock().count(), 0);
        allocators.learn(&service);
        assert_eq!(allocators.lock().count(), 2);
    }
}
