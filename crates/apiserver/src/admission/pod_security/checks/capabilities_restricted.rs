//! `capabilities_restricted`: containers drop all capabilities and add none but that of binding low ports.
//!
//! Asked for since 1.22. From 1.25 on pods that run on Windows are left out, because capabilities cannot be
//! set for them.

use super::capabilities_baseline::{self, added_beyond};
use super::{Check, Level, Pod, Version, VersionedCheck, Violation};
use crate::admission::pod_security::words::named_containers;

/// The check.
pub const CHECK: Check = Check {
    id: "capabilities_restricted",
    level: Level::Restricted,
    versions: &[
        VersionedCheck {
            minimum: Version::Minor(22),
            overrides: &[capabilities_baseline::CHECK.id],
            check_pod: since_1_22,
        },
        VersionedCheck {
            minimum: Version::Minor(25),
            overrides: &[capabilities_baseline::CHECK.id],
            check_pod: since_1_25,
        },
    ],
};

fn since_1_22(pod: Pod<'_>) -> Option<Violation> {
    let details: Vec<String> =
        [not_dropping_all(pod), added_beyond(pod, &["NET_BIND_SERVICE"])].into_iter().flatten().collect();
    (!details.is_empty())
        .then(|| Violation { reason: "unrestricted capabilities", detail: details.join("; ") })
}

fn since_1_25(pod: Pod<'_>) -> Option<Violation> {
    if pod.runs_on_windows() { None } else { since_1_22(pod) }
}

fn not_dropping_all(pod: Pod<'_>) -> Option<String> {
    let bad = pod.container_names_where(|container| {
        let dropped = container.array_at(&["securityContext", "capabilities", "drop"]);
        !dropped.iter().any(|capability| capability.as_str() == Some("ALL"))
    });
    (!bad.is_empty())
        .then(|| format!("{} must set securityContext.capabilities.drop=[\"ALL\"]", named_containers(&bad)))
}

#[cfg(test)]
mod tests {
    use super::super::table::{LATEST, containers, hold, on_windows};
    use super::*;
    use skiff_apimachinery::{Document, doc};

    const SILENT: &str = "unrestricted capabilities (container \"a\" must set \
                          securityContext.capabilities.drop=[\"ALL\"])";

    #[test]
    fn all_is_dropped_and_nearly_nothing_added() {
        hold(
            &CHECK,
            LATEST,
            &[
                (containers([doc!({"capabilities": {"drop": ["ALL"]}})]), ""),
                (
                    containers([doc!({"capabilities": {"drop": ["X", "ALL"], "add": ["NET_BIND_SERVICE"]}})]),
                    "",
                ),
                (containers([Document::NULL]), SILENT),
                (
                    containers([
                        doc!({"capabilities": {"drop": ["NET_RAW"]}}),
                        doc!({"capabilities": {"drop": ["ALL"], "add": ["SYS_TIME", "CHOWN"]}}),
                    ]),
                    "unrestricted capabilities (container \"a\" must set \
                     securityContext.capabilities.drop=[\"ALL\"]; container \"b\" must not include \
                     \"CHOWN\", \"SYS_TIME\" in securityContext.capabilities.add)",
                ),
            ],
        );
    }

    #[test]
    fn windows_is_left_out_since_1_25() {
        let pod = || on_windows(containers([Document::NULL]));
        hold(&CHECK, Version::Minor(21), &[(pod(), "")]);
        hold(&CHECK, Version::Minor(24), &[(pod(), SILENT)]);
        hold(&CHECK, Version::Minor(25), &[(pod(), "")]);
    }
}
