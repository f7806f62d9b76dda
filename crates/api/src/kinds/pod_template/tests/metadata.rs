//! Annotations of pods.

use super::super::{Leniency, field_matches, specific};
use super::{parse, with};
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldPath, doc};

fn of_annotations(annotations: &str, leniency: Leniency) -> Vec<String> {
    let mut pod = super::pod(doc!({}));
    pod.set(&["metadata", "annotations"], parse(annotations));
    let field = FieldPath::new("metadata.annotations");
    let errors = specific(&pod, &pod["spec"], &Place::at(&field), leniency);
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn annotations_that_mean_something_say_something() {
    const AT: &str = "metadata.annotations";
    let at = |rest: &str| format!("{AT}{rest}");
    let mirror = at(
        r#"[kubernetes.io/config.mirror]: Invalid value: "x": must set spec.nodeName if mirror pod annotation is set"#,
    );
    let cost = |cost: &str| {
        at(&format!(
            r#"[controller.kubernetes.io/pod-deletion-cost]: Invalid value: "{cost}": must be a 32bit integer"#
        ))
    };
    let [plus, zero, large] = ["+1", "01", "2147483648"].map(cost);
    let effect = at(
        r#".scheduler.alpha.kubernetes.io/tolerations[0].effect: Unsupported value: "x": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute""#,
    );
    let kind = at(
        r#": Invalid value: "scheduler.alpha.kubernetes.io/tolerations": json: cannot unmarshal object into Go value of type []core.Toleration"#,
    );
    let seccomp = at(
        r#".seccomp.security.alpha.kubernetes.io/pod: Invalid value: "x": must be a valid seccomp profile"#,
    );
    let seccomp_path = at(
        r#".container.seccomp.security.alpha.kubernetes.io/c: Invalid value: "/a": must be a relative path"#,
    );
    let gone = at(
        r#"[container.apparmor.security.beta.kubernetes.io/gone]: Invalid value: "gone": container not found"#,
    );
    let profile = at(
        r#"[container.apparmor.security.beta.kubernetes.io/c]: Invalid value: "x": invalid AppArmor profile name: "x""#,
    );
    let cases: [(&str, &[&str]); 12] = [
        (r#"{"controller.kubernetes.io/pod-deletion-cost": "-10", "a": "b"}"#, &[]),
        (r#"{"controller.kubernetes.io/pod-deletion-cost": "0"}"#, &[]),
        (r#"{"kubernetes.io/config.mirror": "x"}"#, &[&mirror]),
        (r#"{"controller.kubernetes.io/pod-deletion-cost": "+1"}"#, &[&plus]),
        (r#"{"controller.kubernetes.io/pod-deletion-cost": "01"}"#, &[&zero]),
        (r#"{"controller.kubernetes.io/pod-deletion-cost": "2147483648"}"#, &[&large]),
        (
            r#"{"scheduler.alpha.kubernetes.io/tolerations": "[{\"key\": \"a\", \"effect\": \"x\"}]"}"#,
            &[&effect],
        ),
        (r#"{"scheduler.alpha.kubernetes.io/tolerations": "{}"}"#, &[&kind]),
        (r#"{"seccomp.security.alpha.kubernetes.io/pod": "x"}"#, &[&seccomp]),
        (r#"{"container.seccomp.security.alpha.kubernetes.io/c": "localhost//a"}"#, &[&seccomp_path]),
        (r#"{"container.apparmor.security.beta.kubernetes.io/gone": "unconfined"}"#, &[&gone]),
        (r#"{"container.apparmor.security.beta.kubernetes.io/c": "x"}"#, &[&profile]),
    ];
    for (given, expected) in cases {
        assert_eq!(of_annotations(given, Leniency::default()), expected, "{given}");
    }
}

#[test]
fn a_deletion_cost_that_was_let_in_may_stay() {
    let old = doc!({"metadata": {"annotations": {"controller.kubernetes.io/pod-deletion-cost": "x"}}});
    let given = r#"{"controller.kubernetes.io/pod-deletion-cost": "y"}"#;
    assert_eq!(of_annotations(given, Leniency::towards(&old)), [""; 0]);
}

#[test]
fn annotations_and_fields_say_the_same() {
    let of = |annotations: &str, spec: Document| {
        let pod = with(super::pod(spec), doc!({"metadata": {"annotations": parse(annotations)}}));
        let field = FieldPath::new("spec");
        let errors = field_matches(&pod, &pod["spec"], &Place::at(&field));
        errors.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let on_pod = |field: &str, profile: Document| {
        let context: Document = [(field, profile)].into_iter().collect();
        doc!({"securityContext": context})
    };
    let seccomp = "seccomp.security.alpha.kubernetes.io/pod";
    let armor = "container.apparmor.security.beta.kubernetes.io/c";
    let local = || doc!({"type": "Localhost", "localhostProfile": "a"});
    let cases = [
        (seccomp, "unconfined", on_pod("seccompProfile", doc!({"type": "Unconfined"})), ""),
        (seccomp, "docker/default", on_pod("seccompProfile", doc!({"type": "RuntimeDefault"})), ""),
        (
            seccomp,
            "unconfined",
            on_pod("seccompProfile", doc!({"type": "RuntimeDefault"})),
            "spec.securityContext.seccompProfile.type: Forbidden: seccomp type in annotation and field must match",
        ),
        (
            seccomp,
            "localhost/b",
            on_pod("seccompProfile", local()),
            "spec.securityContext.seccompProfile.localhostProfile: Forbidden: seccomp profile in annotation and field must match",
        ),
        (armor, "localhost/a", on_pod("appArmorProfile", local()), ""),
        (
            armor,
            "runtime/default",
            on_pod("appArmorProfile", local()),
            "spec.containers[0].securityContext.appArmorProfile.type: Forbidden: apparmor type in annotation and field must match",
        ),
        (
            armor,
            "localhost/b",
            on_pod("appArmorProfile", local()),
            "spec.containers[0].securityContext.appArmorProfile.localhostProfile: Forbidden: apparmor profile in annotation and field must match",
        ),
    ];
    for (key, note, spec, expected) in cases {
        let found = of(&format!(r#"{{"{key}": "{note}"}}"#), spec);
        assert_eq!(found.join("; "), expected, "{key} {note}");
    }
}
