//! `allowPrivilegeEscalation`: no process may gain more privileges than its parent has.
//!
//! The field came with 1.8. From 1.25 on pods that run on Windows are left out, because it cannot be set for
//! them.

use super::{Check, Level, Pod, Version, VersionedCheck, Violation};
use crate::admission::pod_security::words::named_containers;

/// The check.
pub const CHECK: Check = Check {
    id: "allowPrivilegeEscalation",
    level: Level::Restricted,
    versions: &[
        VersionedCheck { minimum: Version::Minor(8), overrides: &[], check_pod: since_1_8 },
        VersionedCheck { minimum: Version::Minor(25), overrides: &[], check_pod: since_1_25 },
    ],
};

fn since_1_8(pod: Pod<'_>) -> Option<Violation> {
    let bad = pod.container_names_where(|container| {
        container.bool_at(&["securityContext", "allowPrivilegeEscalation"]) != Some(false)
    });
    (!bad.is_empty()).then(|| Violation {
        reason: "allowPrivilegeEscalation != false",
        detail: format!("{} must set securityContext.allowPrivilegeEscalation=false", named_containers(&bad)),
    })
}

fn since_1_25(pod: Pod<'_>) -> Option<Violation> {
    if pod.runs_on_windows() { None } else { since_1_8(pod) }
}

#[cfg(test)]
mod tests {
    use super::super::table::{LATEST, containers, hold, on_windows};
    use super::*;
    use skiff_apimachinery::{Document, doc};

    const SILENT: &str = "allowPrivilegeEscalation != false (containers \"b\", \"c\" must set \
                          securityContext.allowPrivilegeEscalation=false)";

    fn contexts() -> [Document; 3] {
        let says = |value: bool| doc!({"allowPrivilegeEscalation": value});
        [says(false), says(true), Document::NULL]
    }

    #[test]
    fn every_container_has_to_say_no() {
        let good = containers(contexts().into_iter().take(1));
        hold(&CHECK, LATEST, &[(good, ""), (containers(contexts()), SILENT)]);
        hold(&CHECK, Version::Minor(7), &[(containers(contexts()), "")]);
    }

    #[test]
    fn windows_is_left_out_since_1_25() {
        hold(&CHECK, Version::Minor(24), &[(on_windows(containers(contexts())), SILENT)]);
        hold(&CHECK, Version::Minor(25), &[(on_windows(containers(contexts())), "")]);
    }
}
