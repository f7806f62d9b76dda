//! Cluster IPs of one address family.

use ipnet::IpNet;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Random tries before the range is searched in order.
const RANDOM_TRIES: usize = 16;
/// Addresses of an IPv6 range that are used: what a /108 holds, as upstream bounds it.
const MAX_SIZE: u128 = 1 << 20;

/// The addresses of a service CIDR and which are taken.
///
/// Dynamic allocation keeps off the lower part, which is for addresses that people choose (KEP-3070).
#[derive(Debug)]
pub struct AddressPool {
    cidr: IpNet,
    taken: HashSet<IpAddr>,
}

impl AddressPool {
    /// All of the range is free but its first (and, for IPv4, last) address.
    pub fn new(cidr: IpNet) -> Self {
        Self { cidr: cidr.trunc(), taken: HashSet::new() }
    }

    /// `IPv4` or `IPv6`.
    pub fn family(&self) -> &'static str {
        family(self.cidr.addr())
    }

    /// The range.
    pub fn cidr(&self) -> IpNet {
        self.cidr
    }

    /// Whether a Service may have the address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.offset(address).is_some_and(|offset| (1..=self.size()).contains(&offset))
    }

    /// Takes an address; false if it is taken already.
    pub fn take(&mut self, address: IpAddr) -> bool {
        self.taken.insert(address)
    }

    /// Gives an address back.
    pub fn release(&mut self, address: IpAddr) {
        self.taken.remove(&address);
    }

    /// Takes any free address: from the upper part of the range as long as it has one.
    pub fn take_any(&mut self) -> Option<IpAddr> {
        let (size, band) = (self.size(), self.static_band());
        for _ in 0..RANDOM_TRIES {
            let address = self.address(rand::random_range(band + 1..=size.max(band + 1)))?;
            if self.contains(address) && self.taken.insert(address) {
                return Some(address);
            }
        }
        let free = |pool: &Self, offset| pool.address(offset).filter(|address| !pool.taken.contains(address));
        let upper = (band + 1..=size).find_map(|offset| free(self, offset));
        let found = upper.or_else(|| (1..=band.min(size)).find_map(|offset| free(self, offset)))?;
        self.taken.insert(found);
        Some(found)
    }

    /// How many addresses there are, counted from offset 1.
    fn size(&self) -> u128 {
        let bits = u32::from(self.cidr.max_prefix_len() - self.cidr.prefix_len());
        let all = 1_u128.checked_shl(bits).unwrap_or(u128::MAX);
        let reserved = if self.cidr.addr().is_ipv4() { 2 } else { 1 };
        all.saturating_sub(reserved).min(MAX_SIZE)
    }

    /// Size of the lower part: a sixteenth of the range, at least 16, at most 256.
    fn static_band(&self) -> u128 {
        let size = self.size();
        if size <= 16 { 0 } else { (size / 16).clamp(16, 256) }
    }

    fn offset(&self, address: IpAddr) -> Option<u128> {
        match (self.cidr.addr(), address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                u128::from(u32::from(address)).checked_sub(u128::from(u32::from(base)))
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => u128::from(address).checked_sub(u128::from(base)),
            _ => None,
        }
    }

    fn address(&self, offset: u128) -> Option<IpAddr> {
        Some(match self.cidr.addr() {
            IpAddr::V4(base) => {
                IpAddr::V4(Ipv4Addr::from(u32::from(base).checked_add(u32::try_from(offset).ok()?)?))
            }
            IpAddr::V6(base) => IpAddr::V6(Ipv6Addr::from(u128::from(base).checked_add(offset)?)),
        })
    }
}

/// `IPv4` or `IPv6`, as `ipFamilies` writes it.
pub(super) fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "IPv4" } else { "IPv6" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_given_once() {
        let mut pool = AddressPool::new("10.0.0.0/28".parse().unwrap());
        let mut seen = HashSet::new();
        while let Some(address) = pool.take_any() {
            assert!(pool.contains(address) && seen.insert(address));
        }
        assert_eq!(seen.len(), 14);
        pool.release("10.0.0.3".parse().unwrap());
        assert_eq!(pool.take_any(), Some("10.0.0.3".parse().unwrap()));
    }

    #[test]
    fn the_lower_part_is_left_to_people() {
        let mut pool = AddressPool::new("10.43.0.0/16".parse().unwrap());
        for _ in 0..100 {
            let address = pool.take_any().unwrap();
            assert!(address > "10.43.1.0".parse::<IpAddr>().unwrap(), "{address}");
        }
        let mut six = AddressPool::new("fd00::/112".parse().unwrap());
        assert!(six.take_any().unwrap() > "fd00::100".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn network_and_broadcast_are_no_addresses() {
        let pool = AddressPool::new("10.0.0.0/24".parse().unwrap());
        assert!(!pool.contains("10.0.0.0".parse().unwrap()));
        assert!(pool.contains("10.0.0.1".parse().unwrap()));
        assert!(pool.contains("10.0.0.254".parse().unwrap()));
        assert!(!pool.contains("10.0.0.255".parse().unwrap()));
        assert!(!pool.contains("fd00::1".parse().unwrap()));
    }
}
