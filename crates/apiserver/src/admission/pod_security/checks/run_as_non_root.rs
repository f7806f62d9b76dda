//! `runAsNonRoot`: no container may run as root. From 1.35 on a pod with a user namespace of its own may,
//! because root there is nobody on the node.

use super::{Check, Level, Pod, Version, VersionedCheck, Violation};
use crate::admission::pod_security::setters::Setters;
use crate::admission::pod_security::words::named_containers;
use skiff_apimachinery::Document;

/// The check.
pub const CHECK: Check = Check {
    id: "runAsNonRoot",
    level: Level::Restricted,
    versions: &[
        VersionedCheck { minimum: Version::Minor(0), overrides: &[], check_pod: since_1_0 },
        VersionedCheck { minimum: Version::Minor(35), overrides: &[], check_pod: since_1_35 },
    ],
};

const REASON: &str = "runAsNonRoot != true";

fn since_1_0(pod: Pod<'_>) -> Option<Violation> {
    if let Some(setters) = Setters::find(pod, |context| choice(context) == Some(false)) {
        let detail = format!("{setters} must not set securityContext.runAsNonRoot=false");
        return Some(Violation { reason: REASON, detail });
    }
    if choice(pod.security_context()) == Some(true) {
        return None;
    }
    let silent = pod.container_names_where(|container| choice(&container["securityContext"]).is_none());
    (!silent.is_empty()).then(|| Violation {
        reason: REASON,
        detail: format!("pod or {} must set securityContext.runAsNonRoot=true", named_containers(&silent)),
    })
}

fn since_1_35(pod: Pod<'_>) -> Option<Violation> {
    if pod.has_user_namespace() { None } else { since_1_0(pod) }
}

/// What a security context says; `None` if it leaves the choice to the pod or the image.
fn choice(context: &Document) -> Option<bool> {
    context.bool_at(&["runAsNonRoot"])
}

#[cfg(test)]
mod tests {
    use super::super::table::{LATEST, containers, hold, in_user_namespace, pod};
    use super::*;
    use skiff_apimachinery::doc;

    const SILENT: &str =
        "runAsNonRoot != true (pod or container \"a\" must set securityContext.runAsNonRoot=true)";

    fn says(value: bool) -> Document {
        doc!({"runAsNonRoot": value})
    }

    #[test]
    fn the_pod_or_every_container_says_so() {
        hold(
            &CHECK,
            LATEST,
            &[
                (pod(says(true), [Document::NULL, says(true)]), ""),
                (containers([says(true), says(true)]), ""),
                (containers([Document::NULL, says(true)]), SILENT),
                (
                    containers([Document::NULL, Document::NULL]),
                    "runAsNonRoot != true (pod or containers \"a\", \"b\" must set \
                     securityContext.runAsNonRoot=true)",
                ),
            ],
        );
    }

    #[test]
    fn nobody_says_the_opposite() {
        hold(
            &CHECK,
            LATEST,
            &[
                (
                    pod(says(false), [says(true)]),
                    "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)",
                ),
                (
                    pod(says(true), [Document::NULL, says(false)]),
                    "runAsNonRoot != true (container \"b\" must not set securityContext.runAsNonRoot=false)",
                ),
                (
                    pod(says(false), [says(false), says(false)]),
                    "runAsNonRoot != true (pod and containers \"a\", \"b\" must not set \
                     securityContext.runAsNonRoot=false)",
                ),
            ],
        );
    }

    #[test]
    fn a_user_namespace_may_have_its_root_since_1_35() {
        let pod = || in_user_namespace(containers([Document::NULL]));
        hold(&CHECK, Version::Minor(34), &[(pod(), SILENT)]);
        hold(&CHECK, Version::Minor(35), &[(pod(), "")]);
    }
}
