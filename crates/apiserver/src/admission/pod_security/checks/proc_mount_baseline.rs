//! `procMount`: parts of `/proc` stay hidden. From 1.35 on a pod with a user namespace of its own may see
//! all, because what it sees there belongs to nobody else.

use super::{Check, Level, Pod, Version, VersionedCheck, Violation};
use crate::admission::pod_security::words::{named_containers, quoted};
use skiff_apimachinery::Document;
use std::collections::BTreeSet;

/// The check.
pub const CHECK: Check = Check {
    id: "procMount",
    level: Level::Baseline,
    versions: &[
        VersionedCheck { minimum: Version::Minor(0), overrides: &[], check_pod: since_1_0 },
        VersionedCheck { minimum: Version::Minor(35), overrides: &[], check_pod: since_1_35 },
    ],
};

/// The rule without an exception, which the restricted level keeps.
pub(super) fn since_1_0(pod: Pod<'_>) -> Option<Violation> {
    let mut kinds: BTreeSet<&str> = BTreeSet::new();
    let bad = pod.container_names_where(|container| {
        let kind = container.at(&["securityContext", "procMount"]).and_then(Document::as_str);
        let forbidden = kind.filter(|kind| *kind != "Default");
        kinds.extend(forbidden);
        forbidden.is_some()
    });
    (!bad.is_empty()).then(|| Violation {
        reason: "procMount",
        detail: format!(
            "{} must not set securityContext.procMount to {}",
            named_containers(&bad),
            quoted(&kinds)
        ),
    })
}

fn since_1_35(pod: Pod<'_>) -> Option<Violation> {
    if pod.has_user_namespace() { None } else { since_1_0(pod) }
}

#[cfg(test)]
mod tests {
    use super::super::table::{LATEST, containers, hold, in_user_namespace};
    use super::*;
    use skiff_apimachinery::doc;

    const UNMASKED: &str =
        "procMount (container \"a\" must not set securityContext.procMount to \"Unmasked\")";

    fn mount(kind: &str) -> Document {
        doc!({"procMount": kind})
    }

    #[test]
    fn proc_stays_masked() {
        hold(
            &CHECK,
            LATEST,
            &[
                (containers([Document::NULL, mount("Default")]), ""),
                (containers([mount("Unmasked")]), UNMASKED),
                (
                    containers([mount("Unmasked"), mount("Other")]),
                    "procMount (containers \"a\", \"b\" must not set securityContext.procMount to \"Other\", \
                     \"Unmasked\")",
                ),
            ],
        );
    }

    #[test]
    fn a_user_namespace_sees_its_own_proc_since_1_35() {
        let pod = || in_user_namespace(containers([mount("Unmasked")]));
        hold(&CHECK, Version::Minor(34), &[(pod(), UNMASKED)]);
        hold(&CHECK, Version::Minor(35), &[(pod(), "")]);
    }
}
