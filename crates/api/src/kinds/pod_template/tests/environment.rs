//! Environment variables and what they show.

use super::{Case, check, of_container, of_spec};

#[test]
fn variables_have_names_and_one_source() {
    const AT: &str = "spec.containers[0].env[0]";
    let of_name = format!(
        r#"{AT}.name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than '='"#
    );
    let no_source = format!(
        r#"{AT}.valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"#
    );
    let with_value =
        format!(r#"{AT}.valueFrom: Invalid value: "": may not be specified when `value` is not empty"#);
    let two =
        format!(r#"{AT}.valueFrom: Invalid value: "": may not have more than one field specified at a time"#);
    let no_name = format!(r#"{AT}.valueFrom.secretKeyRef.name: Invalid value: "": {}"#, super::SUBDOMAIN);
    let cases: [Case<'_>; 8] = [
        ("a valid one", r#"{"env": [{"name": "a b", "value": "x"}]}"#, &[]),
        ("no name", r#"{"env": [{"value": "x"}]}"#, &["spec.containers[0].env[0].name: Required value"]),
        ("a bad name", r#"{"env": [{"name": "a=b"}]}"#, &[&of_name]),
        ("no source", r#"{"env": [{"name": "a", "valueFrom": {}}]}"#, &[&no_source]),
        (
            "a value too",
            r#"{"env": [{"name": "a", "value": "b", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}"#,
            &[&with_value],
        ),
        (
            "two sources",
            r#"{"env": [{"name": "a", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}, "configMapKeyRef": {"name": "m", "key": "k"}}}]}"#,
            &[&two],
        ),
        (
            "no key",
            r#"{"env": [{"name": "a", "valueFrom": {"configMapKeyRef": {"name": "m"}}}]}"#,
            &["spec.containers[0].env[0].valueFrom.configMapKeyRef.key: Required value"],
        ),
        (
            "no name of the secret",
            r#"{"env": [{"name": "a", "valueFrom": {"secretKeyRef": {"key": "k"}}}]}"#,
            &[&no_name],
        ),
    ];
    check(&cases, of_container);
}

#[test]
fn bulk_sources_have_a_name() {
    let cases: [Case<'_>; 4] = [
        ("a name that goes on", r#"{"envFrom": [{"configMapRef": {"name": "ab-"}, "prefix": "a"}]}"#, &[]),
        (
            "no name",
            r#"{"envFrom": [{"secretRef": {}}]}"#,
            &["spec.containers[0].envFrom[0].secretRef.name: Required value"],
        ),
        (
            "nothing",
            r#"{"envFrom": [{}]}"#,
            &[
                r#"spec.containers[0].envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`"#,
            ],
        ),
        (
            "both",
            r#"{"envFrom": [{"configMapRef": {"name": "a"}, "secretRef": {"name": "b"}}]}"#,
            &[
                r#"spec.containers[0].envFrom: Invalid value: "": may not have more than one field specified at a time"#,
            ],
        ),
    ];
    check(&cases, of_container);
}

#[test]
fn fields_of_the_pod_are_those_that_variables_may_show() {
    const AT: &str = "spec.containers[0].env[0].valueFrom.fieldRef";
    let path = |why: &str| format!("{AT}.fieldPath: {why}");
    let unknown =
        path(r#"Invalid value: "spec.x": error converting fieldPath: field label not supported: spec.x"#);
    let no_subscript = path(
        r#"Invalid value: "metadata.name['x']": error converting fieldPath: field label does not support subscript: metadata.name['x']"#,
    );
    let whole = path(
        r#"Unsupported value: "metadata.labels": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs""#,
    );
    let version =
        path(r#"Invalid value: "metadata.name": error converting fieldPath: unsupported pod version: v2"#);
    let key = format!("{AT}: Invalid value: \"-\": {}", super::QUALIFIED);
    let required = path("Required value");
    let cases: [(&str, &[&str]); 8] = [
        (r#"{"fieldPath": "metadata.labels['a/B']"}"#, &[]),
        (r#"{"fieldPath": "metadata.annotations['A/B']"}"#, &[]),
        (r#"{"fieldPath": "metadata.labels['-']"}"#, &[&key]),
        (r#"{"fieldPath": ""}"#, &[&required]),
        (r#"{"fieldPath": "spec.x"}"#, &[&unknown]),
        (r#"{"fieldPath": "metadata.name['x']"}"#, &[&no_subscript]),
        (r#"{"fieldPath": "metadata.labels"}"#, &[&whole]),
        (r#"{"fieldPath": "metadata.name", "apiVersion": "v2"}"#, &[&version]),
    ];
    for (given, expected) in cases {
        let container = format!(r#"{{"env": [{{"name": "a", "valueFrom": {{"fieldRef": {given}}}}}]}}"#);
        check(&[(given, &container, expected)], of_container);
    }
}

#[test]
fn resources_are_shown_in_units_that_fit() {
    const AT: &str = "spec.containers[0].env[0].valueFrom.resourceFieldRef";
    let names = format!(
        r#"{AT}.resource: Unsupported value: "limits.pods": supported values: "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory""#
    );
    let of_cpu = format!(
        r#"{AT}.divisor: Invalid value: "limits.cpu": only divisor's values 1m and 1 are supported with the cpu resource"#
    );
    let bytes = "only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the";
    let of_storage = format!(
        r#"{AT}.divisor: Invalid value: "requests.ephemeral-storage": {bytes} local ephemeral storage resource"#
    );
    let of_pages =
        format!(r#"{AT}.divisor: Invalid value: "limits.hugepages-2Mi": {bytes} hugepages resource"#);
    let required = format!("{AT}.resource: Required value");
    let cases: [(&str, &[&str]); 7] = [
        (r#"{"resource": "limits.cpu", "divisor": "1m"}"#, &[]),
        (r#"{"resource": "requests.memory", "divisor": "1Mi"}"#, &[]),
        (r#"{}"#, &[&required]),
        (r#"{"resource": "limits.pods"}"#, &[&names]),
        (r#"{"resource": "limits.cpu", "divisor": "2"}"#, &[&of_cpu]),
        (r#"{"resource": "requests.ephemeral-storage", "divisor": "2Mi"}"#, &[&of_storage]),
        (r#"{"resource": "limits.hugepages-2Mi", "divisor": "10"}"#, &[&of_pages]),
    ];
    for (given, expected) in cases {
        let container =
            format!(r#"{{"env": [{{"name": "a", "valueFrom": {{"resourceFieldRef": {given}}}}}]}}"#);
        check(&[(given, &container, expected)], of_container);
    }
}

#[test]
fn files_come_from_empty_directories() {
    const AT: &str = "spec.containers[0].env[0].valueFrom.fileKeyRef";
    let gone = format!(r#"{AT}.volumeName: Not found: "gone""#);
    let wrong = format!(r#"{AT}.volumeName: Invalid value: "h": referenced volume must be of type emptyDir"#);
    let up = format!(r#"{AT}.path: Invalid value: "../f": must not contain '..'"#);
    let missing = ["key", "volumeName", "path"].map(|field| format!("{AT}.{field}: Required value"));
    let not_found = format!(r#"{AT}.volumeName: Not found: """#);
    let cases: [(&str, &[&str]); 5] = [
        (r#"{"volumeName": "v", "path": "f", "key": "K"}"#, &[]),
        (r#"{"volumeName": "gone", "path": "f", "key": "K"}"#, &[&gone]),
        (r#"{"volumeName": "h", "path": "f", "key": "K"}"#, &[&wrong]),
        (r#"{"volumeName": "v", "path": "../f", "key": "K"}"#, &[&up]),
        (r#"{}"#, &[&missing[0], &missing[1], &missing[2], &not_found]),
    ];
    for (given, expected) in cases {
        let spec = format!(
            r#"{{"volumes": [{{"name": "v"}}, {{"name": "h", "hostPath": {{"path": "/h"}}}}], "containers": [{{"name": "c", "image": "i", "env": [{{"name": "a", "valueFrom": {{"fileKeyRef": {given}}}}}]}}]}}"#
        );
        check(&[(given, &spec, expected)], of_spec);
    }
}
