//! Which of a port's endpoints take traffic: upstream's rules for readiness, termination, locality and hints.

use crate::facts::{Endpoint, NodeFacts};
use std::net::SocketAddr;

/// The endpoints that take traffic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reachable {
    /// Under policy Cluster.
    pub(crate) cluster: Vec<SocketAddr>,
    /// Under policy Local.
    pub(crate) local: Vec<SocketAddr>,
}

/// Chooses. Where no endpoint is ready, those that still serve while they terminate do (KEP-1669).
pub(crate) fn reachable(endpoints: &[&Endpoint], node: &NodeFacts) -> Reachable {
    let ready: Vec<&Endpoint> = endpoints.iter().copied().filter(|e| e.ready).collect();
    let hinted = by_hints(ready, node);
    let cluster = or_terminating(hinted, endpoints, |_| true);
    let local_ready = endpoints.iter().copied().filter(|e| e.ready && e.local).collect();
    let local = or_terminating(local_ready, endpoints, |e| e.local);
    Reachable { cluster: addresses(&cluster), local: addresses(&local) }
}

fn or_terminating<'a>(
    ready: Vec<&'a Endpoint>,
    all: &[&'a Endpoint],
    eligible: impl Fn(&Endpoint) -> bool,
) -> Vec<&'a Endpoint> {
    if !ready.is_empty() {
        return ready;
    }
    all.iter().copied().filter(|e| e.serving && e.terminating && eligible(e)).collect()
}

/// Keeps the endpoints meant for this node, or else for its zone; all of them where a hint is missing or none is meant.
fn by_hints<'a>(ready: Vec<&'a Endpoint>, node: &NodeFacts) -> Vec<&'a Endpoint> {
    let meant = |hints: fn(&Endpoint) -> &Vec<String>, name: &String| -> Option<Vec<&'a Endpoint>> {
        if name.is_empty() || ready.iter().any(|e| hints(e).is_empty()) {
            return None;
        }
        let chosen: Vec<_> = ready.iter().copied().filter(|e| hints(e).contains(name)).collect();
        (!chosen.is_empty()).then_some(chosen)
    };
    meant(|e| &e.for_nodes, &node.name).or_else(|| meant(|e| &e.for_zones, &node.zone)).unwrap_or(ready)
}

fn addresses(endpoints: &[&Endpoint]) -> Vec<SocketAddr> {
    endpoints.iter().map(|endpoint| endpoint.address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `r` ready, `t` terminating and serving, `x` not ready; `L` local; `z=`, `n=` hints.
    fn endpoint(last: u8, text: &str) -> Endpoint {
        let hints = |key: &str| -> Vec<String> {
            text.split(' ').filter_map(|w| w.strip_prefix(key)).map(str::to_owned).collect()
        };
        let has = |word: &str| text.split(' ').any(|w| w == word);
        Endpoint {
            address: SocketAddr::new([10, 0, 0, last].into(), 80),
            ready: has("r"),
            serving: has("r") || has("t"),
            terminating: has("t"),
            local: has("L"),
            for_zones: hints("z="),
            for_nodes: hints("n="),
        }
    }

    #[track_caller]
    fn check(endpoints: &[&str], cluster: &[u8], local: &[u8]) {
        let endpoints: Vec<Endpoint> = (1..).zip(endpoints).map(|(i, text)| endpoint(i, text)).collect();
        let node = NodeFacts { name: "a".into(), zone: "one".into(), ..NodeFacts::default() };
        let chosen = reachable(&endpoints.iter().collect::<Vec<_>>(), &node);
        let last = |list: &[SocketAddr]| -> Vec<u8> {
            list.iter()
                .map(|a| if let std::net::IpAddr::V4(ip) = a.ip() { ip.octets()[3] } else { 0 })
                .collect()
        };
        assert_eq!((last(&chosen.cluster), last(&chosen.local)), (cluster.to_vec(), local.to_vec()));
    }

    #[test]
    fn ready_endpoints_take_traffic_and_terminating_ones_only_without_them() {
        check(&["r L", "r", "x", "t"], &[1, 2], &[1]);
        check(&["t L", "t", "x"], &[1, 2], &[1]);
        check(&["r", "t L"], &[1], &[2]);
        check(&["x", "x L"], &[], &[]);
    }

    #[test]
    fn hints_choose_the_node_then_the_zone() {
        check(&["r n=a z=one", "r n=b z=one", "r n=b z=two"], &[1], &[]);
        check(&["r n=c z=one", "r n=b z=one", "r n=b z=two"], &[1, 2], &[]);
        check(&["r z=one", "r", "r z=two"], &[1, 2, 3], &[]);
        check(&["r z=two", "r z=two"], &[1, 2], &[]);
    }
}
