//! `hostPorts`: containers take no ports of the node.

use super::{Check, Level, Pod, Version, VersionedCheck, Violation};
use crate::admission::pod_security::words::{named_containers, plural};
use std::collections::BTreeSet;

/// The check.
pub const CHECK: Check = Check {
    id: "hostPorts",
    level: Level::Baseline,
    versions: &[VersionedCheck { minimum: Version::Minor(0), overrides: &[], check_pod: since_1_0 }],
};

fn since_1_0(pod: Pod<'_>) -> Option<Violation> {
    // Texts, because upstream lists ports in the order of their digits.
    let mut ports: BTreeSet<String> = BTreeSet::new();
    let bad = pod.container_names_where(|container| {
        let taken = container.array_at(&["ports"]).iter().filter_map(|port| port.i64_at(&["hostPort"]));
        let taken: Vec<String> = taken.filter(|port| *port != 0).map(|port| port.to_string()).collect();
        let is_bad = !taken.is_empty();
        ports.extend(taken);
        is_bad
    });
    if bad.is_empty() {
        return None;
    }
    let ports: Vec<String> = ports.into_iter().collect();
    Some(Violation {
        reason: "hostPort",
        detail: format!(
            "{} {} {} {}",
            named_containers(&bad),
            plural(bad.len(), "uses", "use"),
            plural(ports.len(), "hostPort", "hostPorts"),
            ports.join(", ")
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::super::table::{LATEST, hold};
    use super::*;
    use skiff_apimachinery::{Document, doc};

    #[test]
    fn no_port_of_the_node_is_taken() {
        let one = |ports: Document| doc!({"spec": {"containers": [{"name": "a", "ports": ports}]}});
        hold(
            &CHECK,
            LATEST,
            &[
                (one(doc!([{"containerPort": 80}])), ""),
                (one(doc!([{"hostPort": 0}])), ""),
                (
                    one(doc!([{"hostPort": 80}, {"hostPort": 80}])),
                    "hostPort (container \"a\" uses hostPort 80)",
                ),
                (
                    doc!({"spec": {
                        "containers": [{"name": "a", "ports": [{"hostPort": 9090}, {"hostPort": 80}]}],
                        "ephemeralContainers": [{"name": "b", "ports": [{"hostPort": 10000}]}]
                    }}),
                    "hostPort (containers \"a\", \"b\" use hostPorts 10000, 80, 9090)",
                ),
            ],
        );
    }
}
