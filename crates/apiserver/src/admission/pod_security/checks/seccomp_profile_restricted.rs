//! `seccompProfile_restricted`: the pod or each container says which seccomp profile it runs under.
//!
//! Asked for since 1.19. From 1.25 on pods that run on Windows are left out, because profiles cannot be set
//! for them.

use super::{Check, Level, Pod, Version, VersionedCheck, Violation, seccomp_profile_baseline};
use crate::admission::pod_security::pod::present;
use crate::admission::pod_security::words::named_containers;
use skiff_apimachinery::Document;

/// The check.
pub const CHECK: Check = Check {
    id: "seccompProfile_restricted",
    level: Level::Restricted,
    versions: &[
        VersionedCheck {
            minimum: Version::Minor(19),
            overrides: &[seccomp_profile_baseline::CHECK.id],
            check_pod: since_1_19,
        },
        VersionedCheck {
            minimum: Version::Minor(25),
            overrides: &[seccomp_profile_baseline::CHECK.id],
            check_pod: since_1_25,
        },
    ],
};

fn since_1_19(pod: Pod<'_>) -> Option<Violation> {
    seccomp_profile_baseline::since_1_19(pod).or_else(|| without_profile(pod))
}

fn since_1_25(pod: Pod<'_>) -> Option<Violation> {
    if pod.runs_on_windows() { None } else { since_1_19(pod) }
}

fn without_profile(pod: Pod<'_>) -> Option<Violation> {
    let has_profile = |context: &Document| present(context, "seccompProfile").is_some();
    if has_profile(pod.security_context()) {
        return None;
    }
    let silent = pod.container_names_where(|container| !has_profile(&container["securityContext"]));
    (!silent.is_empty()).then(|| Violation {
        reason: "seccompProfile",
        detail: format!(
            "pod or {} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"",
            named_containers(&silent)
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::super::table::{LATEST, containers, hold, on_windows, pod};
    use super::*;
    use skiff_apimachinery::doc;

    const SILENT: &str = "seccompProfile (pod or container \"a\" must set \
                          securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")";

    fn profile(kind: &str) -> Document {
        doc!({"seccompProfile": {"type": kind}})
    }

    #[test]
    fn the_pod_or_every_container_has_a_profile() {
        hold(
            &CHECK,
            LATEST,
            &[
                (pod(profile("RuntimeDefault"), [Document::NULL]), ""),
                (containers([profile("Localhost"), profile("RuntimeDefault")]), ""),
                (containers([Document::NULL, profile("Localhost")]), SILENT),
                (
                    pod(doc!({}), [Document::NULL, doc!({})]),
                    "seccompProfile (pod or containers \"a\", \"b\" must set \
                     securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")",
                ),
                (
                    pod(profile("Unconfined"), [Document::NULL, profile("Unconfined")]),
                    "seccompProfile (pod and container \"b\" must not set \
                     securityContext.seccompProfile.type to \"Unconfined\")",
                ),
            ],
        );
    }

    #[test]
    fn windows_is_left_out_since_1_25() {
        let pod = || on_windows(containers([Document::NULL]));
        hold(&CHECK, Version::Minor(18), &[(pod(), "")]);
        hold(&CHECK, Version::Minor(24), &[(pod(), SILENT)]);
        hold(&CHECK, Version::Minor(25), &[(pod(), "")]);
    }
}
