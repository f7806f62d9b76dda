//! UDP flows whose translation is no longer right.
//!
//! The connection tracker keeps sending a UDP flow where its first packet went. A flow of a Service's destination is
//! stale when it leads to anything but a present endpoint: to one that is gone, or (begun before there were endpoints)
//! nowhere.

use crate::facts::Family;
use crate::ruleset::Destination;
use skiff_nftables::conntrack::{self, Flow};
use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};

/// A UDP destination and the endpoints that its flows may lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frontend {
    /// The destination.
    pub destination: Destination,
    /// The endpoints.
    pub endpoints: BTreeSet<SocketAddr>,
}

/// The destinations of `old` and `new` whose flows must be looked at: those that lost endpoints, and those that got
/// their first. What is gone from `new` may lead nowhere any more.
pub(crate) fn to_check(old: &[Frontend], new: &[Frontend]) -> Vec<Frontend> {
    let endpoints_of = |list: &[Frontend], destination| {
        list.iter().find(|f| f.destination == destination).map(|f| f.endpoints.clone())
    };
    let mut checks: Vec<Frontend> = new
        .iter()
        .filter(|frontend| match endpoints_of(old, frontend.destination) {
            Some(before) => {
                before.is_empty() != frontend.endpoints.is_empty() || !before.is_subset(&frontend.endpoints)
            }
            None => true,
        })
        .cloned()
        .collect();
    let gone = old.iter().filter(|frontend| endpoints_of(new, frontend.destination).is_none());
    checks.extend(gone.map(|f| Frontend { destination: f.destination, endpoints: BTreeSet::new() }));
    checks
}

/// Deletes the stale flows of these destinations.
pub(crate) fn delete_stale(
    family: Family,
    checks: &[Frontend],
    node: &[IpAddr],
) -> skiff_nftables::Result<usize> {
    let endpoints: HashMap<Destination, &BTreeSet<SocketAddr>> =
        checks.iter().map(|frontend| (frontend.destination, &frontend.endpoints)).collect();
    let family = match family {
        Family::V4 => skiff_nftables::Family::Ip,
        Family::V6 => skiff_nftables::Family::Ip6,
    };
    conntrack::delete_flows(family, conntrack::UDP, |flow| is_stale(flow, &endpoints, node))
}

fn is_stale(flow: &Flow, endpoints: &HashMap<Destination, &BTreeSet<SocketAddr>>, node: &[IpAddr]) -> bool {
    let to = flow.original.destination;
    let destination =
        |address| Destination { address, protocol: crate::facts::Protocol::Udp, port: to.port() };
    let by_node_port = || endpoints.get(&destination(None)).filter(|_| node.contains(&to.ip()));
    let allowed = endpoints.get(&destination(Some(to.ip()))).or_else(by_node_port);
    allowed.is_some_and(|allowed| !allowed.contains(&flow.reply.source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Protocol;
    use skiff_nftables::conntrack::Tuple;

    fn frontend(address: Option<&str>, port: u16, endpoints: &[&str]) -> Frontend {
        let address = address.map(|a| a.parse().unwrap());
        let destination = Destination { address, protocol: Protocol::Udp, port };
        Frontend { destination, endpoints: endpoints.iter().map(|e| e.parse().unwrap()).collect() }
    }

    #[test]
    fn destinations_that_lose_endpoints_or_get_their_first_are_checked() {
        let of = |endpoints: &[&str]| [frontend(Some("10.43.0.1"), 53, endpoints)];
        let (none, one, two) = (of(&[]), of(&["10.0.0.1:53"]), of(&["10.0.0.1:53", "10.0.0.2:53"]));
        assert_eq!(to_check(&one, &two), []);
        assert_eq!(to_check(&one, &one), []);
        assert_eq!(to_check(&two, &one), one);
        assert_eq!(to_check(&none, &one), one);
        assert_eq!(to_check(&[], &one), one);
        assert_eq!(to_check(&one, &[]), none);
    }

    #[test]
    fn a_flow_is_stale_if_it_leads_to_no_present_endpoint() {
        let frontends =
            [frontend(Some("10.43.0.1"), 53, &["10.0.0.1:53"]), frontend(None, 30053, &["10.0.0.1:53"])];
        let endpoints = frontends.iter().map(|f| (f.destination, &f.endpoints)).collect();
        let node: [IpAddr; 1] = ["192.0.2.2".parse().unwrap()];
        let stale = |to: &str, translated: &str| {
            let client: SocketAddr = "10.0.0.9:999".parse().unwrap();
            let original = Tuple { source: client, destination: to.parse().unwrap() };
            let reply = Tuple { source: translated.parse().unwrap(), destination: client };
            is_stale(&Flow { protocol: 17, original, reply }, &endpoints, &node)
        };
        assert!(!stale("10.43.0.1:53", "10.0.0.1:53"));
        assert!(stale("10.43.0.1:53", "10.0.0.2:53"));
        assert!(stale("10.43.0.1:53", "10.43.0.1:53"));
        assert!(!stale("10.43.0.1:54", "10.0.0.2:53"));
        assert!(stale("192.0.2.2:30053", "10.0.0.2:53"));
        assert!(!stale("192.0.2.3:30053", "10.0.0.2:53"));
    }
}
