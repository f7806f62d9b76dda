//! `hostProbesAndHostLifecycle`: probes and lifecycle handlers reach for the pod itself, not for a host of
//! the author's choice, because it is the kubelet that connects. Asked for since 1.34.

use super::{Check, Level, Pod, Version, VersionedCheck, Violation};
use crate::admission::pod_security::words::{named_containers, plural, quoted};
use std::collections::BTreeSet;

/// The check.
pub const CHECK: Check = Check {
    id: "hostProbesAndHostLifecycle",
    level: Level::Baseline,
    versions: &[VersionedCheck { minimum: Version::Minor(34), overrides: &[], check_pod: since_1_34 }],
};

/// Where a container says what the kubelet does to it.
const HANDLERS: &[&[&str]] = &[
    &["livenessProbe"],
    &["readinessProbe"],
    &["startupProbe"],
    &["lifecycle", "postStart"],
    &["lifecycle", "preStop"],
];

fn since_1_34(pod: Pod<'_>) -> Option<Violation> {
    let mut hosts = BTreeSet::new();
    let mut bad = pod.container_names_where(|container| {
        let mut is_bad = false;
        for handler in HANDLERS.iter().filter_map(|path| container.at(path)) {
            for host in ["httpGet", "tcpSocket"].map(|action| handler.str_at(&[action, "host"])) {
                if !host.is_empty() {
                    hosts.insert(host);
                    is_bad = true;
                }
            }
        }
        is_bad
    });
    if bad.is_empty() {
        return None;
    }
    // Upstream lists these containers in order, unlike those of other checks.
    bad.sort_unstable();
    bad.dedup();
    Some(Violation {
        reason: "probe or lifecycle host",
        detail: format!(
            "{} {} {} {}",
            named_containers(&bad),
            plural(bad.len(), "uses", "use"),
            plural(hosts.len(), "probe or lifecycle host", "probe or lifecycle hosts"),
            quoted(&hosts)
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::super::table::{LATEST, hold};
    use super::*;
    use skiff_apimachinery::{Document, doc};

    fn bad_pod() -> Document {
        doc!({"spec": {"containers": [
            {"name": "b", "startupProbe": {"tcpSocket": {"host": "10.0.0.1"}}},
            {"name": "a", "lifecycle": {
                "postStart": {"httpGet": {"host": "b.example"}},
                "preStop": {"tcpSocket": {"host": "a.example"}}
            }}
        ]}})
    }

    #[test]
    fn the_kubelet_is_sent_to_no_other_host() {
        hold(
            &CHECK,
            LATEST,
            &[
                (doc!({"spec": {"containers": [{"name": "a"}]}}), ""),
                (
                    doc!({"spec": {"containers": [
                        {"name": "a", "livenessProbe": {"httpGet": {"port": 80, "host": ""}}}
                    ]}}),
                    "",
                ),
                (
                    doc!({"spec": {"containers": [
                        {"name": "a", "readinessProbe": {"httpGet": {"host": "127.0.0.1"}}}
                    ]}}),
                    "probe or lifecycle host (container \"a\" uses probe or lifecycle host \"127.0.0.1\")",
                ),
                (
                    bad_pod(),
                    "probe or lifecycle host (containers \"a\", \"b\" use probe or lifecycle hosts \
                     \"10.0.0.1\", \"a.example\", \"b.example\")",
                ),
            ],
        );
    }

    #[test]
    fn releases_before_1_34_did_not_ask() {
        hold(&CHECK, Version::Minor(33), &[(bad_pod(), "")]);
    }
}
