//! `appArmorProfile`: AppArmor confines as the runtime does by default, or by a profile of the node; in
//! fields or in the annotations that came before them.

use super::{Check, Level, Pod, Version, VersionedCheck, Violation};
use crate::admission::pod_security::profiles::ForbiddenProfiles;
use crate::admission::pod_security::words::{plural, quoted};

/// The check.
pub const CHECK: Check = Check {
    id: "appArmorProfile",
    level: Level::Baseline,
    versions: &[VersionedCheck { minimum: Version::Minor(0), overrides: &[], check_pod: since_1_0 }],
};

/// What stands before a container's name in an annotation.
const ANNOTATION_PREFIX: &str = "container.apparmor.security.beta.kubernetes.io/";

fn since_1_0(pod: Pod<'_>) -> Option<Violation> {
    let in_fields = ForbiddenProfiles::find(pod, "appArmorProfile");
    let in_annotations = forbidden_annotations(pod);
    let mut setters: Vec<String> = in_fields.setters.iter().map(ToString::to_string).collect();
    if !in_annotations.is_empty() {
        setters.push(plural(in_annotations.len(), "annotation", "annotations").to_owned());
    }
    if setters.is_empty() {
        return None;
    }
    let mut values: Vec<String> = in_fields.types.into_iter().map(str::to_owned).collect();
    values.extend(in_annotations);
    Some(Violation {
        reason: plural(values.len(), "forbidden AppArmor profile", "forbidden AppArmor profiles"),
        detail: format!(
            "{} must not set AppArmor profile type to {}",
            setters.join(" and "),
            quoted(&values)
        ),
    })
}

/// `key="value"`, in order.
fn forbidden_annotations(pod: Pod<'_>) -> Vec<String> {
    let mut out: Vec<String> = pod
        .annotations()
        .filter(|(key, value)| key.starts_with(ANNOTATION_PREFIX) && !may_be_annotated(value))
        .map(|(key, value)| format!("{key}={value:?}"))
        .collect();
    out.sort_unstable();
    out
}

fn may_be_annotated(profile: &str) -> bool {
    profile.is_empty() || profile == "runtime/default" || profile.starts_with("localhost/")
}

#[cfg(test)]
mod tests {
    use super::super::table::{LATEST, containers, hold, pod};
    use super::*;
    use skiff_apimachinery::{Document, doc};

    fn profile(kind: &str) -> Document {
        doc!({"appArmorProfile": {"type": kind}})
    }

    fn annotated(profiles: &[(&str, &str)]) -> Document {
        let annotations: Document =
            profiles.iter().map(|(name, value)| (format!("{ANNOTATION_PREFIX}{name}"), *value)).collect();
        doc!({"metadata": {"annotations": annotations}})
    }

    #[test]
    fn fields_name_the_default_or_a_profile_of_the_node() {
        hold(
            &CHECK,
            LATEST,
            &[
                (containers([Document::NULL]), ""),
                (pod(profile("RuntimeDefault"), [profile("Localhost")]), ""),
                (
                    pod(profile("Unconfined"), []),
                    "forbidden AppArmor profile (pod must not set AppArmor profile type to \"Unconfined\")",
                ),
                (
                    pod(profile("Unconfined"), [profile("Other"), profile("Unconfined")]),
                    "forbidden AppArmor profiles (pod and containers \"a\", \"b\" must not set AppArmor \
                     profile type to \"Other\", \"Unconfined\")",
                ),
            ],
        );
    }

    #[test]
    fn annotations_are_held_to_the_same() {
        hold(
            &CHECK,
            LATEST,
            &[
                (annotated(&[("a", "runtime/default"), ("b", "localhost/x"), ("c", "")]), ""),
                (
                    annotated(&[("a", "unconfined")]),
                    "forbidden AppArmor profile (annotation must not set AppArmor profile type to \
                     \"container.apparmor.security.beta.kubernetes.io/a=\"unconfined\"\")",
                ),
                (
                    annotated(&[("b", "bogus"), ("a", "unconfined")]),
                    "forbidden AppArmor profiles (annotations must not set AppArmor profile type to \
                     \"container.apparmor.security.beta.kubernetes.io/a=\"unconfined\"\", \
                     \"container.apparmor.security.beta.kubernetes.io/b=\"bogus\"\")",
                ),
            ],
        );
    }
}
