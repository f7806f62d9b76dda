//! What Services are given by the API server: cluster IPs and node ports.
//!
//! Input: Services on their way through create, update and delete; output: the same with addresses filled in. What is taken
//! follows from the stored Services, read once before the server is ready; a write reserves first and gives back what was
//! not stored ([`Reservation`]). Cluster IPs are recorded in the store before their Service is (`records`).

mod addresses;
mod allocate;
mod ports;
mod records;

pub use addresses::AddressPool;
pub use ports::PortPool;

use super::Target;
use ipnet::IpNet;
use skiff_apimachinery::{Document, Status};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Addresses and ports that Services may have.
#[derive(Debug, Clone)]
pub struct ServiceNetwork {
    /// Service CIDRs, one for each address family, the default family first.
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

/// The allocators of one cluster.
pub struct Allocators {
    pools: Arc<Mutex<Pools>>,
}

/// What is taken.
pub(super) struct Pools {
    pub(super) addresses: Vec<AddressPool>,
    pub(super) ports: PortPool,
}

/// What a write took, given back unless the write is stored.
#[must_use]
pub struct Reservation {
    pools: Arc<Mutex<Pools>>,
    addresses: Vec<IpAddr>,
    ports: Vec<u16>,
}

impl Allocators {
    /// Nothing is taken yet.
    pub fn new(network: &ServiceNetwork) -> Self {
        let addresses = network.cidrs.iter().map(|cidr| AddressPool::new(*cidr)).collect();
        let ports = PortPool::new(network.node_ports.clone());
        Self { pools: Arc::new(Mutex::new(Pools { addresses, ports })) }
    }

    /// Notes what a stored Service has.
    pub fn learn(&self, service: &Document) {
        let mut pools = self.lock();
        for address in held_addresses(service) {
            pools.take_address(address);
        }
        for port in held_ports(service) {
            pools.ports.take(port);
        }
    }

    /// Fills in what a new Service needs.
    ///
    /// # Errors
    /// 422 if a wanted address or port is taken or outside, 500 if none is left.
    pub(super) fn on_create(&self, target: &Target, object: &mut Document) -> Result<Reservation, Status> {
        let mut reservation = self.nothing();
        if is_service(target) {
            let mut pools = self.lock();
            allocate::for_service(&mut pools, object, None, &mut reservation)?;
        }
        Ok(reservation)
    }

    /// Fills in what a changed Service needs beyond what it had.
    ///
    /// # Errors
    /// As [`Allocators::on_create`].
    pub(super) fn on_update(
        &self,
        target: &Target,
        object: &mut Document,
        old: &Document,
    ) -> Result<Reservation, Status> {
        let mut reservation = self.nothing();
        if is_service(target) && target.subresource.is_empty() {
            let mut pools = self.lock();
            allocate::for_service(&mut pools, object, Some(old), &mut reservation)?;
        }
        Ok(reservation)
    }

    /// Gives back what an update let go.
    pub(super) fn after_update(&self, target: &Target, new: &Document, old: &Document) {
        if !is_service(target) || !target.subresource.is_empty() {
            return;
        }
        let (kept_addresses, kept_ports) = (held_addresses(new), held_ports(new));
        let mut pools = self.lock();
        for address in held_addresses(old).into_iter().filter(|a| !kept_addresses.contains(a)) {
            pools.release_address(address);
        }
        for port in held_ports(old).into_iter().filter(|p| !kept_ports.contains(p)) {
            pools.ports.release(port);
        }
    }

    /// Gives back what a removed Service had.
    pub(super) fn on_delete(&self, target: &Target, old: &Document) {
        if !is_service(target) {
            return;
        }
        let mut pools = self.lock();
        for address in held_addresses(old) {
            pools.release_address(address);
        }
        for port in held_ports(old) {
            pools.ports.release(port);
        }
    }

    /// Notes that nothing holds an address any more.
    fn forget(&self, address: IpAddr) {
        self.lock().release_address(address);
    }

    fn nothing(&self) -> Reservation {
        Reservation { pools: self.pools.clone(), addresses: Vec::new(), ports: Vec::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Pools> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pools {
    pub(super) fn take_address(&mut self, address: IpAddr) -> bool {
        self.addresses.iter_mut().any(|pool| pool.contains(address) && pool.take(address))
    }

    fn release_address(&mut self, address: IpAddr) {
        for pool in &mut self.addresses {
            pool.release(address);
        }
    }
}

impl Reservation {
    /// The write is stored: what it took stays taken.
    pub fn keep_unless(mut self, dry_run: bool) {
        if !dry_run {
            self.addresses.clear();
            self.ports.clear();
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.addresses.is_empty() && self.ports.is_empty() {
            return;
        }
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        for address in self.addresses.drain(..) {
            pools.release_address(address);
        }
        for port in self.ports.drain(..) {
            pools.ports.release(port);
        }
    }
}

fn is_service(target: &Target) -> bool {
    target.hub.gvk.group.is_empty() && target.hub.plural == "services"
}

/// The cluster IPs that a Service has.
fn held_addresses(service: &Document) -> Vec<IpAddr> {
    let list =
        service.array_at(&["spec", "clusterIPs"]).iter().filter_map(skiff_apimachinery::Document::as_str);
    let mut all: Vec<IpAddr> = list
        .chain(std::iter::once(service.str_at(&["spec", "clusterIP"])))
        .filter_map(|text| text.parse().ok())
        .collect();
    all.dedup();
    all
}

/// The node ports that a Service has.
fn held_ports(service: &Document) -> Vec<u16> {
    let listed = service.array_at(&["spec", "ports"]).iter().filter_map(|port| port.i64_at(&["nodePort"]));
    listed
        .chain(service.i64_at(&["spec", "healthCheckNodePort"]))
        .filter_map(|port| u16::try_from(port).ok())
        .filter(|port| *port != 0)
        .collect()
}
