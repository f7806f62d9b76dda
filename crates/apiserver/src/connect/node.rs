//! Where a node's server listens.

use super::{Destination, Security};
use skiff_apimachinery::{Document, Reason, Status};

/// Where it listens if the node does not say.
const DEFAULT_PORT: u16 = 10_250;
/// Kinds of address, preferred first.
const PREFERRED: [&str; 3] = ["InternalIP", "ExternalIP", "Hostname"];

/// The kubelet's server of a node.
///
/// # Errors
/// 500 if the node has no address that could be dialed.
pub(super) fn kubelet(node: &Document) -> Result<Destination, Status> {
    let addresses = node.array_at(&["status", "addresses"]);
    let of_type = |ty: &&str| addresses.iter().find(|address| address.str_at(&["type"]) == *ty);
    let address = PREFERRED.iter().find_map(of_type).ok_or_else(|| {
        let known: Vec<&str> = addresses.iter().map(|address| address.str_at(&["address"])).collect();
        let why = format!("no preferred addresses found; known addresses: [{}]", known.join(" "));
        Status::new(500, Reason::Unknown, why)
    })?;
    let port = node.i64_at(&["status", "daemonEndpoints", "kubeletEndpoint", "Port"]);
    Ok(Destination {
        node: node.name().to_owned(),
        host: address.str_at(&["address"]).to_owned(),
        port: port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0).unwrap_or(DEFAULT_PORT),
        security: Security::Node,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn the_internal_address_is_preferred_and_the_reported_port_used() {
        let node = doc!({"metadata": {"name": "n"}, "status": {
            "addresses": [{"type": "Hostname", "address": "n"}, {"type": "InternalIP", "address": "10.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10260}}
        }});
        let found = kubelet(&node).unwrap();
        assert_eq!((found.host.as_str(), found.port), ("10.0.0.1", 10_260));
    }

    #[test]
    fn a_node_without_addresses_cannot_be_reached() {
        let refused = kubelet(&doc!({"metadata": {"name": "n"}})).unwrap_err();
        assert_eq!(refused.message, "no preferred addresses found; known addresses: []");
    }
}
