//! Names of chains, as upstream's nftables proxier makes them: readable, with a hash in front that keeps cut ones apart.

use crate::facts::{PortFacts, ServiceName};
use sha2::{Digest, Sha256};
use std::net::SocketAddr;

/// nf_tables allows 256 bytes; the longest prefix and some room go off.
const BASE_MAX: usize = 240 - "endpoint-".len();

/// Names of the chains of one port of a Service.
#[derive(Debug, Clone)]
pub(crate) struct ChainNames {
    readable: String,
    base: String,
}

impl ChainNames {
    pub(crate) fn new(service: &ServiceName, port: &PortFacts) -> Self {
        let readable =
            format!("{}/{}/{}/{}", service.namespace, service.name, port.protocol.name(), port.name);
        let base = hash_and_truncate(&readable);
        Self { readable, base }
    }

    /// Chain of the endpoints under policy Cluster.
    pub(crate) fn service(&self) -> String {
        format!("service-{}", self.base)
    }

    /// Chain of the endpoints under policy Local.
    pub(crate) fn local(&self) -> String {
        format!("local-{}", self.base)
    }

    /// Chain of traffic from outside.
    pub(crate) fn external(&self) -> String {
        format!("external-{}", self.base)
    }

    /// Chain that checks the source ranges.
    pub(crate) fn firewall(&self) -> String {
        format!("firewall-{}", self.base)
    }

    /// Chain of an endpoint that clients stick to.
    pub(crate) fn endpoint(&self, endpoint: SocketAddr) -> String {
        format!("endpoint-{}", self.endpoint_base(endpoint))
    }

    /// Set of the clients that stick to an endpoint.
    pub(crate) fn affinity(&self, endpoint: SocketAddr) -> String {
        format!("affinity-{}", self.endpoint_base(endpoint))
    }

    fn endpoint_base(&self, endpoint: SocketAddr) -> String {
        let address = endpoint.ip().to_string().replace(':', ".");
        hash_and_truncate(&format!("{}__{address}/{}", self.readable, endpoint.port()))
    }
}

/// Chain that chooses among so many endpoints of whatever destination.
pub(crate) fn choose(count: usize) -> String {
    format!("endpoints-{count}")
}

fn hash_and_truncate(name: &str) -> String {
    let mut full = format!("{}-{name}", &base32(&Sha256::digest(name)[..5]));
    if full.len() > BASE_MAX {
        full.truncate(full.floor_char_boundary(BASE_MAX - 3));
        full.push_str("...");
    }
    full
}

/// Base 32 of five bytes, eight digits.
fn base32(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let number = bytes.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    (0..8).rev().map(|i| char::from(DIGITS[(number >> (5 * i)) as usize & 31])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Protocol;

    #[test]
    fn names_are_upstreams() {
        let port = PortFacts { name: "p80".into(), protocol: Protocol::Tcp, port: 80, node_port: None };
        let names = ChainNames::new(&ServiceName::new("ns1", "svc1"), &port);
        assert_eq!(names.service(), "service-ULMVA6XW-ns1/svc1/tcp/p80");
        let endpoint = "10.180.0.1:80".parse().unwrap();
        assert_eq!(names.endpoint(endpoint), "endpoint-5OJB2KTY-ns1/svc1/tcp/p80__10.180.0.1/80");
        let endpoint = "[fd00::1]:80".parse().unwrap();
        assert!(names.affinity(endpoint).ends_with("__fd00..1/80"));
    }

    #[test]
    fn long_names_fit() {
        let port = PortFacts { name: "p".repeat(63), protocol: Protocol::Sctp, port: 80, node_port: None };
        let names = ChainNames::new(&ServiceName::new("n".repeat(63), "s".repeat(253)), &port);
        assert!(names.service().len() <= 255);
        assert!(names.endpoint("10.0.0.1:80".parse().unwrap()).len() <= 255);
    }
}
