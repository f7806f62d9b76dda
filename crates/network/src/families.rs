//! What differs between IPv4 and IPv6, in one place.

use ipnet::IpNet;
use skiff_nftables::Family;
use std::net::IpAddr;

/// Both families that pods can have.
pub(crate) const FAMILIES: [Family; 2] = [Family::Ip, Family::Ip6];

/// The family of an address.
pub(crate) fn of(address: IpAddr) -> Family {
    if address.is_ipv4() { Family::Ip } else { Family::Ip6 }
}

/// The whole address space of an address's family.
pub(crate) fn everything(address: IpAddr) -> IpNet {
    IpNet::new_assert(if address.is_ipv4() { IpAddr::from([0; 4]) } else { IpAddr::from([0; 16]) }, 0)
}

/// The address alone, as a network.
pub(crate) fn alone(address: IpAddr) -> IpNet {
    IpNet::from(address)
}
