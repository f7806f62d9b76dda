//! `seccompProfile_baseline`: nobody turns seccomp off. Told in annotations before 1.19, in fields since.

use super::{Check, Level, Pod, Version, VersionedCheck, Violation};
use crate::admission::pod_security::profiles::ForbiddenProfiles;
use crate::admission::pod_security::words::{plural, quoted};
use std::collections::BTreeSet;

/// The check.
pub const CHECK: Check = Check {
    id: "seccompProfile_baseline",
    level: Level::Baseline,
    versions: &[
        VersionedCheck { minimum: Version::Minor(0), overrides: &[], check_pod: since_1_0 },
        VersionedCheck { minimum: Version::Minor(19), overrides: &[], check_pod: since_1_19 },
    ],
};

/// The annotation for the whole pod.
const POD_ANNOTATION: &str = "seccomp.security.alpha.kubernetes.io/pod";
/// What stands before a container's name in an annotation.
const ANNOTATION_PREFIX: &str = "container.seccomp.security.alpha.kubernetes.io/";

fn since_1_0(pod: Pod<'_>) -> Option<Violation> {
    let of_containers =
        pod.container_names_where(|_| true).into_iter().map(|name| format!("{ANNOTATION_PREFIX}{name}"));
    let forbidden: BTreeSet<String> = std::iter::once(POD_ANNOTATION.to_owned())
        .chain(of_containers)
        .filter_map(|key| {
            let profile = pod.annotation(&key)?;
            (!may_be_annotated(profile)).then(|| format!("{key}={profile:?}"))
        })
        .collect();
    if forbidden.is_empty() {
        return None;
    }
    let forbidden: Vec<String> = forbidden.into_iter().collect();
    Some(Violation {
        reason: "seccompProfile",
        detail: format!(
            "forbidden {} {}",
            plural(forbidden.len(), "annotation", "annotations"),
            forbidden.join(", ")
        ),
    })
}

/// The rule about fields, which the restricted level builds on.
pub(super) fn since_1_19(pod: Pod<'_>) -> Option<Violation> {
    let ForbiddenProfiles { setters, types } = ForbiddenProfiles::find(pod, "seccompProfile");
    setters.map(|setters| Violation {
        reason: "seccompProfile",
        detail: format!("{setters} must not set securityContext.seccompProfile.type to {}", quoted(&types)),
    })
}

fn may_be_annotated(profile: &str) -> bool {
    matches!(profile, "runtime/default" | "docker/default") || profile.starts_with("localhost/")
}

#[cfg(test)]
mod tests {
    use super::super::table::{LATEST, containers, hold, pod};
    use super::*;
    use skiff_apimachinery::{Document, doc};

    fn profile(kind: &str) -> Document {
        doc!({"seccompProfile": {"type": kind}})
    }

    #[test]
    fn fields_do_not_turn_seccomp_off() {
        hold(
            &CHECK,
            LATEST,
            &[
                (containers([Document::NULL]), ""),
                (pod(profile("RuntimeDefault"), [profile("Localhost")]), ""),
                (
                    containers([profile("Unconfined")]),
                    "seccompProfile (container \"a\" must not set securityContext.seccompProfile.type to \
                     \"Unconfined\")",
                ),
                (
                    pod(profile("Unconfined"), [profile(""), profile("Localhost"), profile("Unconfined")]),
                    "seccompProfile (pod and containers \"a\", \"c\" must not set \
                     securityContext.seccompProfile.type to \"\", \"Unconfined\")",
                ),
            ],
        );
    }

    #[test]
    fn annotations_counted_before_1_19() {
        let annotated = |profiles: &[(&str, &str)]| {
            let annotations: Document = profiles.iter().copied().collect();
            doc!({"metadata": {"annotations": annotations}, "spec": {"containers": [{"name": "a"}]}})
        };
        let of_container = "container.seccomp.security.alpha.kubernetes.io/a";
        let of_other = "container.seccomp.security.alpha.kubernetes.io/other";
        let bad = || annotated(&[(POD_ANNOTATION, "unconfined"), (of_container, "x")]);
        hold(
            &CHECK,
            Version::Minor(18),
            &[
                (annotated(&[]), ""),
                (annotated(&[(POD_ANNOTATION, "docker/default"), (of_container, "localhost/x")]), ""),
                (annotated(&[(POD_ANNOTATION, "runtime/default"), (of_other, "unconfined")]), ""),
                (
                    annotated(&[(of_container, "unconfined")]),
                    "seccompProfile (forbidden annotation \
                     container.seccomp.security.alpha.kubernetes.io/a=\"unconfined\")",
                ),
                (
                    bad(),
                    "seccompProfile (forbidden annotations \
                     container.seccomp.security.alpha.kubernetes.io/a=\"x\", \
                     seccomp.security.alpha.kubernetes.io/pod=\"unconfined\")",
                ),
            ],
        );
        hold(&CHECK, Version::Minor(19), &[(bad(), "")]);
    }
}
