//! New pods.

use super::super::Pod;
use super::{parse, pod, texts};
use crate::Strategy;
use skiff_apimachinery::{Document, doc};

#[test]
fn only_new_pods_are_without_a_past() {
    let cases: [(&str, &[&str]); 5] = [
        ("{}", &[]),
        (
            r#"{"ephemeralContainers": [{"name": "d", "image": "i"}]}"#,
            &["spec.ephemeralContainers: Forbidden: cannot be set on create"],
        ),
        (
            r#"{"nodeName": "n", "schedulingGates": [{"name": "g"}]}"#,
            &["spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"],
        ),
        (
            r#"{"volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]}"#,
            &[
                "spec.volumes[0].projected.sources[0].serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set",
            ],
        ),
        (
            r#"{"containers": [{"name": "c", "image": "i "}], "initContainers": [{"name": "d", "image": " i"}]}"#,
            &[
                r#"spec.containers[0].image: Invalid value: "i ": must not have leading or trailing whitespace"#,
                r#"spec.initContainers[0].image: Invalid value: " i": must not have leading or trailing whitespace"#,
            ],
        ),
    ];
    for (given, expected) in cases {
        assert_eq!(texts(&Pod.validate_create(&pod(given))), expected, "{given}");
    }
}

#[test]
fn a_pod_that_a_subresource_changed_keeps_what_it_got_away_with() {
    let mut old =
        pod(r#"{"hostNetwork": true, "securityContext": {"sysctls": [{"name": "net.a", "value": "1"}]},
        "ephemeralContainers": [{"name": "d", "image": "i"}]}"#);
    assert_eq!(Pod.validate_create(&old).len(), 2);
    old.set(&["metadata", "generation"], 2);
    assert_eq!(texts(&Pod.validate_create(&old)), [""; 0]);
}

#[test]
fn annotations_and_fields_of_a_new_pod_agree() {
    let mut pod = pod(r#"{"securityContext": {"seccompProfile": {"type": "Unconfined"}}}"#);
    pod.set(
        &["metadata", "annotations"],
        doc!({"seccomp.security.alpha.kubernetes.io/pod": "runtime/default"}),
    );
    assert_eq!(
        texts(&Pod.validate_create(&pod)),
        [
            "spec.securityContext.seccompProfile.type: Forbidden: seccomp type in annotation and field must match"
        ]
    );
}

#[test]
fn a_new_pod_waits_and_what_is_off_is_dropped() {
    let mut pod =
        pod(r#"{"schedulingGates": [{"name": "g"}], "workloadRef": {"name": "w", "podGroup": "g"}}"#);
    pod.set(&["metadata", "creationTimestamp"], "2026-01-01T00:00:00Z");
    Pod.prepare_for_create(&mut pod);
    assert_eq!(
        pod["status"],
        parse(
            r#"{"phase": "Pending", "qosClass": "BestEffort", "conditions": [{
                "type": "PodScheduled", "status": "False", "lastProbeTime": null,
                "lastTransitionTime": "2026-01-01T00:00:00Z", "reason": "SchedulingGated",
                "message": "Scheduling is blocked due to non-empty scheduling gates"
            }]}"#
        )
    );
    assert!(pod.at(&["spec", "workloadRef"]).is_none());
    let mut free = doc!({"spec": {"containers": []}});
    Pod.prepare_for_create(&mut free);
    assert_eq!(free.at(&["status", "conditions"]), None::<&Document>);
}
