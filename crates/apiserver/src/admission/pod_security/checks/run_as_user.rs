//! `runAsUser`: nobody asks for user 0. Since 1.23; from 1.35 on a pod with a user namespace of its own may,
//! because that user is nobody on the node.

use super::{Check, Level, Pod, Version, VersionedCheck, Violation};
use crate::admission::pod_security::setters::Setters;

/// The check.
pub const CHECK: Check = Check {
    id: "runAsUser",
    level: Level::Restricted,
    versions: &[
        VersionedCheck { minimum: Version::Minor(23), overrides: &[], check_pod: since_1_23 },
        VersionedCheck { minimum: Version::Minor(35), overrides: &[], check_pod: since_1_35 },
    ],
};

fn since_1_23(pod: Pod<'_>) -> Option<Violation> {
    let setters = Setters::find(pod, |context| context.i64_at(&["runAsUser"]) == Some(0))?;
    Some(Violation { reason: "runAsUser=0", detail: format!("{setters} must not set runAsUser=0") })
}

fn since_1_35(pod: Pod<'_>) -> Option<Violation> {
    if pod.has_user_namespace() { None } else { since_1_23(pod) }
}

#[cfg(test)]
mod tests {
    use super::super::table::{LATEST, containers, hold, in_user_namespace, pod};
    use super::*;
    use skiff_apimachinery::{Document, doc};

    const ROOT: &str = "runAsUser=0 (pod must not set runAsUser=0)";

    fn user(id: i64) -> Document {
        doc!({"runAsUser": id})
    }

    #[test]
    fn nobody_asks_for_root() {
        hold(
            &CHECK,
            LATEST,
            &[
                (containers([Document::NULL]), ""),
                (pod(user(1000), [user(1), Document::NULL]), ""),
                (pod(user(0), [user(1)]), ROOT),
                (containers([user(0)]), "runAsUser=0 (container \"a\" must not set runAsUser=0)"),
                (
                    pod(user(0), [user(0), user(1), user(0)]),
                    "runAsUser=0 (pod and containers \"a\", \"c\" must not set runAsUser=0)",
                ),
            ],
        );
    }

    #[test]
    fn the_rule_came_with_1_23_and_spares_user_namespaces_since_1_35() {
        hold(&CHECK, Version::Minor(22), &[(pod(user(0), []), "")]);
        hold(&CHECK, Version::Minor(34), &[(in_user_namespace(pod(user(0), [])), ROOT)]);
        hold(&CHECK, Version::Minor(35), &[(in_user_namespace(pod(user(0), [])), "")]);
    }
}
