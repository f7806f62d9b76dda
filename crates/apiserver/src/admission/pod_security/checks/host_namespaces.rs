//! `hostNamespaces`: pods do not share the node's network, processes or inter-process communication.

use super::{Check, Level, Pod, Version, VersionedCheck, Violation};

/// The check.
pub const CHECK: Check = Check {
    id: "hostNamespaces",
    level: Level::Baseline,
    versions: &[VersionedCheck { minimum: Version::Minor(0), overrides: &[], check_pod: since_1_0 }],
};

fn since_1_0(pod: Pod<'_>) -> Option<Violation> {
    let shared: Vec<String> = ["hostNetwork", "hostPID", "hostIPC"]
        .into_iter()
        .filter(|field| pod.spec().bool_at(&[*field]) == Some(true))
        .map(|field| format!("{field}=true"))
        .collect();
    (!shared.is_empty()).then(|| Violation { reason: "host namespaces", detail: shared.join(", ") })
}

#[cfg(test)]
mod tests {
    use super::super::table::{LATEST, hold};
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn no_namespace_of_the_node_is_shared() {
        hold(
            &CHECK,
            LATEST,
            &[
                (doc!({"spec": {}}), ""),
                (doc!({"spec": {"hostNetwork": false, "hostUsers": true}}), ""),
                (doc!({"spec": {"hostNetwork": true}}), "host namespaces (hostNetwork=true)"),
                (
                    doc!({"spec": {"hostIPC": true, "hostPID": true, "hostNetwork": true}}),
                    "host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)",
                ),
            ],
        );
    }
}
