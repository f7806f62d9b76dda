//! Changes of the status of pods.

use super::super::Pod;
use super::super::status::{keep, validate};
use super::{parse, pod, texts};
use crate::Strategy;
use crate::strategy::UpdateScope;
use skiff_apimachinery::{Document, doc};

/// What is wrong with a change from one status to the other.
fn change(spec: &str, old: &str, new: &str) -> Vec<String> {
    let with = |status: &str| {
        let mut pod = pod(spec);
        pod.insert("status", parse(status));
        pod
    };
    texts(&validate(&with(new), &with(old)))
}

#[test]
fn what_has_ended_for_good_does_not_run_again() {
    let ended = |list: &str, name: &str, code: i64| {
        format!(r#"{{"{list}": [{{"name": "{name}", "state": {{"terminated": {{"exitCode": {code}}}}}}}]}}"#)
    };
    let runs = |list: &str, name: &str| {
        format!(r#"{{"{list}": [{{"name": "{name}", "state": {{"running": {{}}}}}}]}}"#)
    };
    let never = r#"{"restartPolicy": "Never"}"#;
    let on_failure = r#"{"restartPolicy": "OnFailure"}"#;
    let own_policy = r#"{"restartPolicy": "Never", "containers": [{"name": "c", "image": "i", "restartPolicy": "Always"}]}"#;
    let own_rules = r#"{"restartPolicy": "Always", "containers": [{"name": "c", "image": "i", "restartPolicy": "Never",
        "restartPolicyRules": [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]}]}"#;
    let sidecar = r#"{"restartPolicy": "Never", "initContainers": [{"name": "s", "image": "i", "restartPolicy": "Always"}]}"#;
    let (regular, init, ephemeral) =
        ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses");
    let cases = [
        ("{}", regular, "c", 0, true),
        (never, regular, "c", 1, false),
        (on_failure, regular, "c", 0, false),
        (on_failure, regular, "c", 1, true),
        (own_policy, regular, "c", 0, true),
        (own_rules, regular, "c", 42, true),
        (own_rules, regular, "c", 1, false),
        (never, init, "s", 0, false),
        (sidecar, init, "s", 0, true),
        ("{}", ephemeral, "d", 0, false),
    ];
    for (spec, list, name, code, may) in cases {
        let found = change(spec, &ended(list, name, code), &runs(list, name));
        let expected =
            format!("status.{list}[0].state: Forbidden: may not be transitioned to non-terminated state");
        assert_eq!(found.join("; "), if may { "" } else { expected.as_str() }, "{spec} {list} {code}");
    }
}

#[test]
fn a_status_says_what_can_be() {
    let qualified = r#"metadata.conditions[0].Type: Invalid value: "-": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"#;
    let ip = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
    let bad_ip = format!(r#"status.podIPs[0]: Invalid value: "x": {ip}"#);
    let claims = r#"{"resourceClaims": [{"name": "a", "resourceClaimName": "x"}]}"#;
    let windows = r#"{"os": {"name": "windows"}}"#;
    let cases: [(&str, &str, &str, &[&str]); 14] = [
        ("{}", "{}", r#"{"conditions": [{"type": "a.b/c"}, {"type": "Ready"}], "phase": "Running"}"#, &[]),
        (
            "{}",
            "{}",
            r#"{"conditions": [{"type": "-", "observedGeneration": -1}]}"#,
            &[
                "metadata.conditions[0].observedGeneration: Invalid value: -1: must be a non-negative integer",
                qualified,
            ],
        ),
        (
            "{}",
            "{}",
            r#"{"observedGeneration": -1}"#,
            &["status.observedGeneration: Invalid value: -1: must be a non-negative integer"],
        ),
        ("{}", "{}", r#"{"nominatedNodeName": "n"}"#, &[]),
        (
            r#"{"nodeName": "n"}"#,
            "{}",
            r#"{"nominatedNodeName": "n"}"#,
            &["status.nominatedNodeName: Forbidden: may not be set on pods that are already bound to a node"],
        ),
        (r#"{"nodeName": "n"}"#, r#"{"nominatedNodeName": "n"}"#, "{}", &[]),
        (
            "{}",
            r#"{"qosClass": "Burstable"}"#,
            r#"{"qosClass": "BestEffort"}"#,
            &[r#"status.qosClass: Invalid value: "BestEffort": field is immutable"#],
        ),
        (
            claims,
            "{}",
            r#"{"resourceClaimStatuses": [{"name": "a"}, {"name": "a"}, {"name": "b"}]}"#,
            &[
                r#"status.resourceClaimStatuses[1].name: Duplicate value: "a""#,
                r#"status.resourceClaimStatuses[2].name: Invalid value: "b": must match the name of an entry in `spec.resourceClaims`"#,
            ],
        ),
        (
            "{}",
            "{}",
            r#"{"podIPs": [{"ip": "1.1.1.1"}, {"ip": "::1"}], "hostIP": "1.1.1.1", "hostIPs": [{"ip": "1.1.1.1"}]}"#,
            &[],
        ),
        ("{}", "{}", r#"{"podIPs": [{"ip": "x"}]}"#, &[&bad_ip]),
        ("{}", r#"{"podIPs": [{"ip": "x"}]}"#, r#"{"podIPs": [{"ip": "x"}], "phase": "Failed"}"#, &[]),
        (
            "{}",
            "{}",
            r#"{"podIPs": [{"ip": "1.1.1.1"}, {"ip": "1.1.1.1"}]}"#,
            &[
                r#"status.podIPs: Invalid value: [{"IP":"1.1.1.1"},{"IP":"1.1.1.1"}]: may specify no more than one IP for each IP family"#,
                r#"status.podIPs[1]: Duplicate value: {"IP":"1.1.1.1"}"#,
            ],
        ),
        (
            "{}",
            "{}",
            r#"{"hostIP": "1.1.1.2", "hostIPs": [{"ip": "1.1.1.1"}]}"#,
            &[r#"status.hostIPs[0].ip: Invalid value: "1.1.1.1": must be equal to `hostIP`"#],
        ),
        (
            windows,
            "{}",
            r#"{"containerStatuses": [{"name": "c", "user": {"linux": {"uid": 1, "gid": 1}}}]}"#,
            &["status.containerStatuses[0].linux: Forbidden: cannot be set for a windows pod"],
        ),
    ];
    for (spec, old, new, expected) in cases {
        assert_eq!(change(spec, old, new), expected, "{spec} {old} {new}");
    }
    let found = change(
        "{}",
        "{}",
        r#"{"containerStatuses": [{"name": "c", "user": {"linux": {"uid": -1, "gid": 1, "supplementalGroups": [-1]}}}]}"#,
    );
    let range = "must be between 0 and 2147483647, inclusive";
    assert_eq!(
        found,
        [
            format!("status.containerStatuses[0].linux.uid: Invalid value: -1: {range}"),
            format!("status.containerStatuses[0].linux.supplementalGroups[0]: Invalid value: -1: {range}")
        ]
    );
}

#[test]
fn addresses_that_are_none_are_of_no_family() {
    assert_eq!(
        change(
            "{}",
            r#"{"podIPs": [{"ip": "x"}, {"ip": "::1"}]}"#,
            r#"{"podIPs": [{"ip": "x"}, {"ip": "::1"}]}"#
        ),
        [
            "status.podIPs: Internal error: failed to check for dual stack with error:invalid IP[0]: x",
            r#"status.podIPs: Invalid value: [{"IP":"x"},{"IP":"::1"}]: may specify no more than one IP for each IP family"#
        ]
    );
}

#[test]
fn those_who_do_not_know_a_field_do_not_lose_it() {
    let old = doc!({"status": {
        "qosClass": "Burstable", "observedGeneration": 3,
        "conditions": [{"type": "Ready", "observedGeneration": 2}]
    }});
    let mut new = doc!({"status": {
        "phase": "Running", "resources": {},
        "conditions": [{"type": "Initialized"}, {"type": "Ready", "status": "True"}]
    }});
    keep(&mut new, &old);
    assert_eq!(
        new["status"],
        doc!({
            "phase": "Running", "qosClass": "Burstable", "observedGeneration": 3,
            "conditions": [{"type": "Initialized"}, {"type": "Ready", "status": "True", "observedGeneration": 2}]
        })
    );
}

#[test]
fn a_write_of_the_status_changes_nothing_else() {
    let mut old = pod("{}");
    old.set(&["metadata", "ownerReferences"], doc!([{"name": "o"}]));
    let mut new = pod(r#"{"nodeName": "n"}"#);
    new.set(&["metadata", "labels"], doc!({"a": "b"}));
    new.insert("status", doc!({"phase": "Running"}));
    Pod.prepare_for_update(UpdateScope::Status, &mut new, &old);
    assert_eq!(new.get("spec"), old.get("spec"));
    assert_eq!(new.owner_references(), old.owner_references());
    assert_eq!(new.label("a"), Some("b"));
    assert_eq!(new.get("status"), Some(&doc!({"phase": "Running"})));
    let none: Option<&Document> = None;
    assert_eq!(new.at(&["spec", "nodeName"]), none);
}
