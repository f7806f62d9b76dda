//! `privileged`: no container is given the whole node.

use super::{Check, Level, Pod, Version, VersionedCheck, Violation};
use crate::admission::pod_security::words::named_containers;

/// The check.
pub const CHECK: Check = Check {
    id: "privileged",
    level: Level::Baseline,
    versions: &[VersionedCheck { minimum: Version::Minor(0), overrides: &[], check_pod: since_1_0 }],
};

fn since_1_0(pod: Pod<'_>) -> Option<Violation> {
    let bad = pod.container_names_where(|container| {
        container.bool_at(&["securityContext", "privileged"]) == Some(true)
    });
    (!bad.is_empty()).then(|| Violation {
        reason: "privileged",
        detail: format!("{} must not set securityContext.privileged=true", named_containers(&bad)),
    })
}

#[cfg(test)]
mod tests {
    use super::super::table::{LATEST, containers, hold};
    use super::*;
    use skiff_apimachinery::{Document, doc};

    #[test]
    fn no_container_is_privileged() {
        let privileged = |value: bool| doc!({"privileged": value});
        hold(
            &CHECK,
            LATEST,
            &[
                (containers([Document::NULL, privileged(false)]), ""),
                (
                    containers([privileged(true)]),
                    "privileged (container \"a\" must not set securityContext.privileged=true)",
                ),
                (
                    containers([privileged(true), Document::NULL, privileged(true)]),
                    "privileged (containers \"a\", \"c\" must not set securityContext.privileged=true)",
                ),
            ],
        );
    }
}
