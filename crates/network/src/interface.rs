//! Names and hardware addresses of the interfaces that we make.

use sha2::{Digest, Sha256};
use std::net::IpAddr;

/// Name of a sandbox's interface inside.
pub(crate) const INSIDE: &str = "eth0";
/// How names of a sandbox's interface on the node begin.
pub(crate) const VETH_PREFIX: &str = "veth";

/// Name of a sandbox's interface on the node: the same for the same sandbox, always.
pub(crate) fn outside(sandbox: &str) -> String {
    let digest = Sha256::digest(sandbox);
    let mut name = String::from(VETH_PREFIX);
    for byte in &digest[..5] {
        name.push_str(&format!("{byte:02x}"));
    }
    name
}

/// A hardware address made from an IP address, so that a neighbour's memory of the address's last owner stays right.
pub(crate) fn hardware_address(address: IpAddr) -> Vec<u8> {
    let tail: [u8; 4] = match address {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(address) => {
            let digest = Sha256::digest(address.octets());
            [digest[0], digest[1], digest[2], digest[3]]
        }
    };
    // 0a: locally administered, unicast
    [&[0x0a, 0x58], tail.as_slice()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_and_differ() {
        let one = outside(&"a".repeat(64));
        assert_eq!(one.len(), 14);
        assert_ne!(one, outside("b"));
    }
}
