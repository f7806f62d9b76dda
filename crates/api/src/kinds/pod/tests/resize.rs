//! Resources that change while containers run.

use super::super::resize::validate;
use super::{pod, texts};

/// A pod of a container with these resources.
fn with(resources: &str) -> String {
    format!(r#"{{"containers": [{{"name": "c", "image": "i", "resources": {resources}}}]}}"#)
}

#[test]
fn cpu_and_memory_change_and_nothing_else() {
    let half = with(r#"{"requests": {"cpu": "500m"}}"#);
    let whole = with(r#"{"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}}"#);
    let storage = with(r#"{"requests": {"cpu": "500m", "ephemeral-storage": "1Gi"}}"#);
    let limited = with(r#"{"requests": {"cpu": "500m"}, "limits": {"cpu": "1"}}"#);
    let init = |resources: &str, policy: &str| {
        format!(
            r#"{{"containers": [{{"name": "c", "image": "i", "resources": {{"requests": {{"cpu": "1"}}}}}}], "initContainers": [{{"name": "s", "image": "i", "resources": {resources}{policy}}}]}}"#
        )
    };
    let always = r#", "restartPolicy": "Always""#;
    let [small, large] = [r#"{"requests": {"cpu": "1"}}"#, r#"{"requests": {"cpu": "2"}}"#];
    let renamed =
        r#"{"containers": [{"name": "d", "image": "i", "resources": {"requests": {"cpu": "500m"}}}]}"#;
    let two = r#"{"containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "500m"}}}, {"name": "d", "image": "i"}]}"#;
    let cases: [(&str, &str, &[&str]); 12] = [
        (&half, &half, &[]),
        (&half, &whole, &[]),
        (
            &limited,
            &half,
            &["spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed"],
        ),
        (&half, &storage, &["spec: Forbidden: only cpu and memory resources are mutable"]),
        (
            &half,
            &with("{}"),
            &[
                "spec: Invalid value: \"\": Pod QOS Class may not change as a result of resizing",
                "spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed",
            ],
        ),
        (
            &half,
            renamed,
            &["spec.containers: Forbidden: containers may not be renamed or reordered on resize"],
        ),
        (&half, two, &["spec.containers: Forbidden: containers may not be added or removed on resize"]),
        (&init(small, always), &init(large, always), &[]),
        (
            &init(small, ""),
            &init(large, ""),
            &["spec: Forbidden: resources for non-sidecar init containers are immutable"],
        ),
        (
            &init(small, always),
            &init(r#"{"requests": {"cpu": "1", "ephemeral-storage": "1"}}"#, always),
            &["spec: Forbidden: only cpu and memory resources for sidecar containers are mutable"],
        ),
        (
            &half,
            r#"{"resources": {"requests": {"cpu": "1"}}}"#,
            &["[]: Forbidden: pods with pod-level resources cannot be resized"],
        ),
        (
            r#"{"os": {"name": "windows"}}"#,
            r#"{"os": {"name": "windows"}}"#,
            &["[]: Forbidden: windows pods cannot be resized"],
        ),
    ];
    for (old, new, expected) in cases {
        assert_eq!(texts(&validate(&pod(new), &pod(old))), expected, "{old} {new}");
    }
}

#[test]
fn a_kubelet_that_knows_nothing_of_it_is_not_asked() {
    let status = |container: &str| {
        let mut pod = pod(&with(r#"{"requests": {"cpu": "1"}}"#));
        pod.insert("status", super::parse(&format!(r#"{{"containerStatuses": [{container}]}}"#)));
        texts(&validate(&pod, &pod)).join("; ")
    };
    assert_eq!(
        status(r#"{"name": "c", "state": {"running": {}}}"#),
        "spec: Forbidden: Pod running on node without support for resize"
    );
    assert_eq!(status(r#"{"name": "c", "state": {"running": {}}, "resources": {}}"#), "");
    assert_eq!(status(r#"{"name": "c", "state": {"waiting": {}}}"#), "");
}

#[test]
fn a_mirror_pod_is_not_resized() {
    let mut old = pod(r#"{"nodeName": "n"}"#);
    old.set(&["metadata", "annotations", "kubernetes.io/config.mirror"], "x");
    assert_eq!(texts(&validate(&old, &old)), ["[]: Forbidden: static pods cannot be resized"]);
}
