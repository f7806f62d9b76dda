//! Annotations about AppArmor become the field that took their place (KEP-24).

use super::super::pod_template::{PREFIX_APPARMOR, app_armor};
use skiff_apimachinery::Document;

/// Gives containers the profile that the pod's annotations name.
pub(super) fn fill_in(pod: &mut Document) {
    let has_any = pod
        .annotations()
        .is_some_and(|annotations| annotations.keys().any(|key| key.starts_with(PREFIX_APPARMOR)));
    if !has_any || pod.str_at(&["spec", "os", "name"]) == "windows" {
        return;
    }
    let annotations = pod.at(&["metadata", "annotations"]).cloned().unwrap_or_default();
    let of_pod = pod.at(&["spec", "securityContext", "appArmorProfile"]).cloned();
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        let containers = pod.at_mut(&["spec", list]).and_then(Document::as_array_mut);
        for container in containers.into_iter().flatten() {
            let own = container.at(&["securityContext", "appArmorProfile"]);
            if own.is_some_and(|own| !own.is_null()) {
                continue;
            }
            let key = format!("{PREFIX_APPARMOR}{}", container.str_at(&["name"]));
            let note = annotations.get(&key).and_then(Document::as_str);
            let profile = note.and_then(app_armor::of_annotation);
            if let Some(profile) = profile.filter(|profile| Some(profile) != of_pod.as_ref()) {
                container.set(&["securityContext", "appArmorProfile"], profile);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn a_profile_of_an_annotation_is_given_to_a_container_without_one() {
        let cases = [
            ("unconfined", doc!({"type": "Unconfined"})),
            ("runtime/default", doc!({"type": "RuntimeDefault"})),
            ("localhost/p", doc!({"type": "Localhost", "localhostProfile": "p"})),
            ("localhost/", Document::NULL),
            ("what", Document::NULL),
        ];
        for (note, expected) in cases {
            let mut pod = doc!({
                "metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/c": note}},
                "spec": {"containers": [{"name": "c"}, {"name": "d"}]}
            });
            fill_in(&mut pod);
            let containers = pod.array_at(&["spec", "containers"]);
            let profile =
                containers[0].at(&["securityContext", "appArmorProfile"]).cloned().unwrap_or_default();
            assert_eq!(profile, expected, "{note}");
            assert_eq!(containers[1], doc!({"name": "d"}), "{note}");
        }
    }

    #[test]
    fn fields_win_over_annotations() {
        let spec = doc!({
            "securityContext": {"appArmorProfile": {"type": "Unconfined"}},
            "containers": [
                {"name": "c"},
                {"name": "d", "securityContext": {"appArmorProfile": {"type": "RuntimeDefault"}}}
            ]
        });
        let mut pod = doc!({
            "metadata": {"annotations": {
                "container.apparmor.security.beta.kubernetes.io/c": "unconfined",
                "container.apparmor.security.beta.kubernetes.io/d": "unconfined"
            }},
            "spec": spec.clone()
        });
        fill_in(&mut pod);
        assert_eq!(pod["spec"], spec);
    }
}
