//! Addresses of this machine and of blocks.

use ipnet::IpNet;
use std::net::{IpAddr, UdpSocket};

/// The address that packets to elsewhere would carry. Connecting a UDP socket asks the routing table and sends nothing.
pub(crate) fn of_default_route() -> Option<IpAddr> {
    for (bind, towards) in [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")] {
        let local = UdpSocket::bind(bind).and_then(|socket| {
            socket.connect(towards)?;
            socket.local_addr()
        });
        if let Ok(address) = local
            && !address.ip().is_unspecified()
        {
            return Some(address.ip());
        }
    }
    None
}

/// The n-th address of a block, counted from its network address.
pub(crate) fn nth(block: &IpNet, n: u32) -> Option<IpAddr> {
    let address = match block.network() {
        IpAddr::V4(network) => IpAddr::from(u32::from(network).checked_add(n)?.to_be_bytes()),
        IpAddr::V6(network) => IpAddr::from(u128::from(network).checked_add(n.into())?.to_be_bytes()),
    };
    block.contains(&address).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_address_stays_in_its_block() {
        assert_eq!(nth(&"10.43.0.0/16".parse().unwrap(), 10), Some("10.43.0.10".parse().unwrap()));
        assert_eq!(nth(&"10.43.0.0/30".parse().unwrap(), 10), None);
        assert_eq!(nth(&"fd00::/64".parse().unwrap(), 1), Some("fd00::1".parse().unwrap()));
    }
}
