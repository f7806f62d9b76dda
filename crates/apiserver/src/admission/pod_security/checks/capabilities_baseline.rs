//! `capabilities_baseline`: containers add no capabilities but those that container runtimes give anyway.

use super::{Check, Level, Pod, Version, VersionedCheck, Violation};
use crate::admission::pod_security::words::{named_containers, quoted};
use skiff_apimachinery::Document;
use std::collections::BTreeSet;

/// The check.
pub const CHECK: Check = Check {
    id: "capabilities_baseline",
    level: Level::Baseline,
    versions: &[VersionedCheck { minimum: Version::Minor(0), overrides: &[], check_pod: since_1_0 }],
};

const ALLOWED: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

fn since_1_0(pod: Pod<'_>) -> Option<Violation> {
    Some(Violation { reason: "non-default capabilities", detail: added_beyond(pod, ALLOWED)? })
}

/// Who adds which capabilities that are not among these; `None` if nobody does.
pub(super) fn added_beyond(pod: Pod<'_>, allowed: &[&str]) -> Option<String> {
    let mut forbidden = BTreeSet::new();
    let containers = pod.container_names_where(|container| {
        let added = container.array_at(&["securityContext", "capabilities", "add"]);
        let mut is_bad = false;
        for capability in added.iter().filter_map(Document::as_str) {
            if !allowed.contains(&capability) {
                forbidden.insert(capability);
                is_bad = true;
            }
        }
        is_bad
    });
    (!containers.is_empty()).then(|| {
        format!(
            "{} must not include {} in securityContext.capabilities.add",
            named_containers(&containers),
            quoted(&forbidden)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::table::{LATEST, containers, hold};
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn only_default_capabilities_may_be_added() {
        let add = |names: &[&str]| {
            let names: Vec<&str> = names.to_vec();
            doc!({"capabilities": {"add": names}})
        };
        hold(
            &CHECK,
            LATEST,
            &[
                (containers([Document::NULL, doc!({"capabilities": {"drop": ["ALL"]}}), add(ALLOWED)]), ""),
                (
                    containers([add(&["NET_RAW"])]),
                    "non-default capabilities (container \"a\" must not include \"NET_RAW\" in \
                     securityContext.capabilities.add)",
                ),
                (
                    containers([add(&["SYS_ADMIN", "CHOWN"]), add(&["chown", "ALL"])]),
                    "non-default capabilities (containers \"a\", \"b\" must not include \"ALL\", \
                     \"SYS_ADMIN\", \"chown\" in securityContext.capabilities.add)",
                ),
            ],
        );
    }
}
