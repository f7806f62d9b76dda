//! Which address goes to which sandbox: pure bookkeeping over the node's pod CIDRs.
//!
//! The first address of a CIDR is the gateway's. Addresses are handed out in turn, so that one that was freed comes
//! back as late as possible and nobody's memory of its last owner does harm.

use crate::{Error, Result};
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Addresses of one CIDR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pool {
    cidr: IpNet,
}

impl Pool {
    pub(crate) fn new(cidr: IpNet) -> Result<Self> {
        let pool = Self { cidr: cidr.trunc() };
        if pool.size() < 2 { Err(Error::InvalidCidr(cidr.to_string())) } else { Ok(pool) }
    }

    /// The CIDR.
    pub(crate) fn cidr(self) -> IpNet {
        self.cidr
    }

    /// The bridge's own address.
    pub(crate) fn gateway(self) -> IpAddr {
        self.at(0)
    }

    /// The next free address after the one that was handed out last.
    pub(crate) fn allocate(self, taken: &BTreeSet<IpAddr>, last: Option<IpAddr>) -> Result<IpAddr> {
        let size = self.size();
        let start = last.and_then(|last| self.position(last)).unwrap_or(0);
        // One more candidate than there are taken ones is enough to find a free one.
        let tries = (size - 1).min(taken.len() as u128 + 1);
        (1..=tries)
            .map(|step| self.at(1 + (start + step - 1) % (size - 1)))
            .find(|address| !taken.contains(address))
            .ok_or(Error::Exhausted(self.cidr))
    }

    /// How many addresses there are for hosts, the gateway included.
    fn size(self) -> u128 {
        let bits = u32::from(self.cidr.max_prefix_len() - self.cidr.prefix_len());
        let all = 1u128.checked_shl(bits).unwrap_or(u128::MAX);
        // without the network's own address and, in IPv4, the broadcast address
        all.saturating_sub(if self.cidr.addr().is_ipv4() { 2 } else { 1 })
    }

    fn at(self, position: u128) -> IpAddr {
        match self.cidr.network() {
            IpAddr::V4(network) => IpAddr::V4((u32::from(network) + 1 + position as u32).into()),
            IpAddr::V6(network) => IpAddr::V6((u128::from(network) + 1 + position).into()),
        }
    }

    fn position(self, address: IpAddr) -> Option<u128> {
        if !self.cidr.contains(&address) {
            return None;
        }
        let number = |address| match address {
            IpAddr::V4(address) => u128::from(u32::from(address)),
            IpAddr::V6(address) => u128::from(address),
        };
        number(address).checked_sub(number(self.cidr.network()) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(cidr: &str) -> Pool {
        Pool::new(cidr.parse().unwrap()).unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_go_round_and_skip_the_gateway_and_the_taken() {
        let pool = pool("10.42.3.0/29");
        let mut taken = BTreeSet::new();
        let mut last = None;
        let mut given = Vec::new();
        while let Ok(address) = pool.allocate(&taken, last) {
            taken.insert(address);
            last = Some(address);
            given.push(address.to_string());
        }
        assert_eq!(pool.gateway(), ip("10.42.3.1"));
        assert_eq!(given, ["10.42.3.2", "10.42.3.3", "10.42.3.4", "10.42.3.5", "10.42.3.6"]);
        taken.remove(&ip("10.42.3.3"));
        assert_eq!(pool.allocate(&taken, last).unwrap(), ip("10.42.3.3"));
    }

    #[test]
    fn a_freed_address_comes_back_last() {
        let next = pool("10.42.0.0/24").allocate(&BTreeSet::new(), Some(ip("10.42.0.2")));
        assert_eq!(next.unwrap(), ip("10.42.0.3"));
    }

    #[test]
    fn a_last_address_of_another_cidr_is_ignored() {
        let next = pool("10.42.1.0/24").allocate(&BTreeSet::new(), Some(ip("10.42.0.9")));
        assert_eq!(next.unwrap(), ip("10.42.1.2"));
    }

    #[test]
    fn ipv6_works_and_tiny_networks_are_refused() {
        let pool = pool("fd00:42::/64");
        assert_eq!(pool.gateway(), ip("fd00:42::1"));
        assert_eq!(pool.allocate(&BTreeSet::new(), None).unwrap(), ip("fd00:42::2"));
        assert!(Pool::new("10.0.0.0/31".parse().unwrap()).is_err());
        assert!(Pool::new("10.0.0.0/30".parse().unwrap()).is_ok());
    }
}
