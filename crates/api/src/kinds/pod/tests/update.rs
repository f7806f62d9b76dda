//! Changes of pods.

use super::super::update::validate;
use super::{parse, pod, texts};
use crate::Strategy;
use skiff_apimachinery::{Document, doc};

const ONLY: &str = "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n";

/// What is wrong with a change from one spec to the other.
fn change(old: &str, new: &str) -> Vec<String> {
    texts(&validate(&pod(new), &pod(old)))
}

#[test]
fn some_fields_change_and_the_others_do_not() {
    let cases: [(&str, &str, &[&str]); 14] = [
        ("{}", "{}", &[]),
        ("{}", r#"{"containers": [{"name": "c", "image": "i:2", "imagePullPolicy": "IfNotPresent"}]}"#, &[]),
        (
            "{}",
            r#"{"containers": [{"name": "c", "image": " i:2", "imagePullPolicy": "IfNotPresent"}]}"#,
            &[
                r#"spec.containers[0].image: Invalid value: " i:2": must not have leading or trailing whitespace"#,
                r#"spec.containers[0].image: Invalid value: " i:2": must not have leading or trailing whitespace"#,
            ],
        ),
        (
            "{}",
            r#"{"containers": [{"name": "c", "image": "i:1"}, {"name": "d", "image": "i:1"}]}"#,
            &["spec.containers: Forbidden: pod updates may not add or remove containers"],
        ),
        ("{}", r#"{"activeDeadlineSeconds": 5}"#, &[]),
        (r#"{"activeDeadlineSeconds": 5}"#, r#"{"activeDeadlineSeconds": 4}"#, &[]),
        (
            r#"{"activeDeadlineSeconds": 5}"#,
            r#"{"activeDeadlineSeconds": 6}"#,
            &["spec.activeDeadlineSeconds: Invalid value: 6: must be less than or equal to previous value"],
        ),
        (
            r#"{"activeDeadlineSeconds": 5}"#,
            "{}",
            &[
                "spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value",
            ],
        ),
        (r#"{"terminationGracePeriodSeconds": -1}"#, r#"{"terminationGracePeriodSeconds": 1}"#, &[]),
        (
            r#"{"tolerations": [{"key": "a", "effect": "NoExecute", "tolerationSeconds": 1}]}"#,
            r#"{"tolerations": [{"key": "b"}, {"key": "a", "effect": "NoExecute", "tolerationSeconds": 2}]}"#,
            &[],
        ),
        (
            r#"{"tolerations": [{"key": "a"}]}"#,
            r#"{"tolerations": [{"key": "a", "value": "b"}]}"#,
            &[
                "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds",
            ],
        ),
        (
            r#"{"schedulingGates": [{"name": "a"}, {"name": "b"}]}"#,
            r#"{"schedulingGates": [{"name": "b"}]}"#,
            &[],
        ),
        (
            r#"{"schedulingGates": [{"name": "a"}]}"#,
            r#"{"schedulingGates": [{"name": "a"}, {"name": "b"}]}"#,
            &[
                "spec.schedulingGates[1].name: Forbidden: only deletion is allowed, but found new scheduling gate 'b'",
            ],
        ),
        (
            r#"{"hostNetwork": true, "securityContext": {"sysctls": [{"name": "net.a", "value": "1"}]}}"#,
            r#"{"hostNetwork": true, "securityContext": {"sysctls": [{"name": "net.a", "value": "1"}]}, "activeDeadlineSeconds": 5}"#,
            &[],
        ),
    ];
    for (old, new, expected) in cases {
        assert_eq!(change(old, new), expected, "{old} {new}");
    }
}

#[test]
fn a_change_that_is_not_allowed_is_shown() {
    let found = change("{}", r#"{"hostname": "h"}"#);
    assert_eq!(found.len(), 1);
    let diff = found[0].strip_prefix(ONLY).unwrap();
    assert!(diff.starts_with("@@ -"), "{diff}");
    assert_eq!(
        diff.lines().filter(|line| line.starts_with(['+', '-'])).collect::<Vec<_>>(),
        ["+ \"hostname\": \"h\","]
    );
    assert!(
        change(r#"{"terminationGracePeriodSeconds": 2}"#, r#"{"terminationGracePeriodSeconds": 1}"#)[0]
            .starts_with(ONLY)
    );
}

fn affinity(terms: &str) -> String {
    format!(
        r#"{{"schedulingGates": [{{"name": "g"}}], "affinity": {{"nodeAffinity": {{"requiredDuringSchedulingIgnoredDuringExecution": {{"nodeSelectorTerms": {terms}}}}}}}}}"#
    )
}

#[test]
fn a_gated_pod_may_be_narrowed() {
    const TERMS: &str =
        "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
    let gated = r#"{"schedulingGates": [{"name": "g"}]}"#;
    let a = r#"[{"matchExpressions": [{"key": "a", "operator": "Exists"}]}]"#;
    let a_and_b =
        r#"[{"matchExpressions": [{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Exists"}]}]"#;
    let a_or_b = r#"[{"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {"matchExpressions": [{"key": "b", "operator": "Exists"}]}]"#;
    let shown_a =
        r#"{"MatchExpressions":[{"Key":"a","Operator":"Exists","Values":null}],"MatchFields":null}"#;
    let shown_b =
        r#"{"MatchExpressions":[{"Key":"b","Operator":"Exists","Values":null}],"MatchFields":null}"#;
    let widened = format!(
        "{TERMS}: Invalid value: [{shown_a},{shown_b}]: no additions/deletions to non-empty NodeSelectorTerms list are allowed"
    );
    let changed = format!(
        "{TERMS}[0]: Invalid value: {shown_a}: only additions are allowed (no mutations or deletions)"
    );
    let gone = format!(
        "{TERMS}: Invalid value: null: no additions/deletions to non-empty NodeSelectorTerms list are allowed"
    );
    let cases: [(&str, &str, &[&str]); 7] = [
        (gated, r#"{"schedulingGates": [{"name": "g"}], "nodeSelector": {"a": "b"}}"#, &[]),
        (
            r#"{"schedulingGates": [{"name": "g"}], "nodeSelector": {"a": "b"}}"#,
            r#"{"schedulingGates": [{"name": "g"}], "nodeSelector": {"a": "c"}}"#,
            &[
                r#"spec.nodeSelector: Invalid value: {"a":"c"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)"#,
            ],
        ),
        (gated, &affinity(a), &[]),
        (&affinity(a), &affinity(a_and_b), &[]),
        (&affinity(a), &affinity(a_or_b), &[&widened]),
        (&affinity(a_and_b), &affinity(a), &[&changed]),
        (&affinity(a), gated, &[&gone]),
    ];
    for (old, new, expected) in cases {
        assert_eq!(change(old, new), expected, "{old} {new}");
    }
    let free = change("{}", r#"{"nodeSelector": {"a": "b"}}"#);
    assert!(free[0].starts_with(ONLY), "{free:?}");
}

#[test]
fn annotations_of_the_kubelet_and_of_app_armor_stay() {
    let with = |annotations: &str| {
        let mut pod = pod(r#"{"nodeName": "n"}"#);
        pod.set(&["metadata", "annotations"], parse(annotations));
        pod
    };
    let mirror = "metadata.annotations[kubernetes.io/config.mirror]: Forbidden: may not";
    let armor = "metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: Forbidden: may not";
    let cases = [
        ("{}", r#"{"kubernetes.io/config.mirror": "a"}"#, format!("{mirror} add mirror pod annotation")),
        (
            r#"{"kubernetes.io/config.mirror": "a"}"#,
            r#"{"kubernetes.io/config.mirror": "b"}"#,
            format!("{mirror} remove or update mirror pod annotation"),
        ),
        (
            r#"{"container.apparmor.security.beta.kubernetes.io/c": "unconfined"}"#,
            "{}",
            format!("{armor} remove or update AppArmor annotations"),
        ),
        (
            "{}",
            r#"{"container.apparmor.security.beta.kubernetes.io/c": "unconfined"}"#,
            format!("{armor} add AppArmor annotations"),
        ),
        (r#"{"a": "b"}"#, r#"{"a": "c", "controller.kubernetes.io/pod-deletion-cost": "1"}"#, String::new()),
    ];
    for (old, new, expected) in cases {
        assert_eq!(texts(&validate(&with(new), &with(old))).join("; "), expected, "{old} {new}");
    }
}

#[test]
fn the_status_is_kept_and_what_is_off_is_dropped() {
    let mut old = pod("{}");
    old.insert("status", doc!({"phase": "Running"}));
    let mut new = pod(r#"{"workloadRef": {"name": "w", "podGroup": "g"}}"#);
    new.insert("status", doc!({"phase": "Failed"}));
    super::super::Pod.prepare_for_update(crate::strategy::UpdateScope::Main, &mut new, &old);
    assert_eq!(new, old);
    let none: Option<&Document> = None;
    assert_eq!(new.at(&["spec", "workloadRef"]), none);
}
