//! Affinity, tolerations and topology spread.

use super::{Case, check, of_old_spec, of_spec, parse};

#[test]
fn node_affinity_asks_for_labels_and_names() {
    const AT: &str =
        "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
    let at = |rest: &str| format!("{AT}{rest}");
    let none = at(": Required value: must have at least one node selector term");
    let no_values = at(
        "[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    );
    let values = at(
        "[0].matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
    );
    let single = at(
        "[0].matchExpressions[0].values: Required value: must be specified single value when `operator` is 'Lt' or 'Gt'",
    );
    let operator =
        at(r#"[0].matchExpressions[0].operator: Invalid value: "x": not a valid selector operator"#);
    let value =
        at(&format!(r#"[0].matchExpressions[0].values[1]: Invalid value: "-": {}"#, super::LABEL_VALUE));
    let field = at(r#"[0].matchFields[0].key: Invalid value: "x": not a valid field selector key"#);
    let one = at(
        "[0].matchFields[0].values: Required value: must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
    );
    let name = at(&format!(r#"[0].matchFields[0].values[0]: Invalid value: "A": {}"#, super::SUBDOMAIN));
    let cases: [(&str, &[&str]); 10] = [
        (r#"[{"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}]}]"#, &[]),
        ("[]", &[&none]),
        (r#"[{"matchExpressions": [{"key": "a", "operator": "In"}]}]"#, &[&no_values]),
        (r#"[{"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}]"#, &[&values]),
        (r#"[{"matchExpressions": [{"key": "a", "operator": "Lt", "values": ["1", "2"]}]}]"#, &[&single]),
        (r#"[{"matchExpressions": [{"key": "a", "operator": "x"}]}]"#, &[&operator]),
        (r#"[{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b", "-"]}]}]"#, &[&value]),
        (r#"[{"matchFields": [{"key": "x", "operator": "In", "values": ["b"]}]}]"#, &[&field]),
        (r#"[{"matchFields": [{"key": "metadata.name", "operator": "In"}]}]"#, &[&one]),
        (r#"[{"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["A"]}]}]"#, &[&name]),
    ];
    for (given, expected) in cases {
        let spec = format!(
            r#"{{"affinity": {{"nodeAffinity": {{"requiredDuringSchedulingIgnoredDuringExecution": {{"nodeSelectorTerms": {given}}}}}}}}}"#
        );
        check(&[(given, &spec, expected)], of_spec);
    }
}

#[test]
fn preferences_have_weights_and_take_any_value() {
    let cases: [Case<'_>; 2] = [
        (
            "nodes",
            r#"{"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 101, "preference": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["-"]}]}}
            ]}}}"#,
            &[
                "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 101: must be in the range 1-100",
            ],
        ),
        (
            "pods",
            r#"{"affinity": {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
                {"podAffinityTerm": {"topologyKey": "zone"}}
            ]}}}"#,
            &[
                "spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 0: must be in the range 1-100",
            ],
        ),
    ];
    check(&cases, of_spec);
}

#[test]
fn pod_affinity_names_a_topology_and_selects_pods() {
    const AT: &str = "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]";
    let at = |rest: &str| format!("{AT}{rest}");
    let no_key = at(".topologyKey: Required value: can not be empty");
    let empty_key = at(".topologyKey: Invalid value: \"\": name part must be non-empty");
    let malformed_key = at(&format!(".topologyKey: Invalid value: \"\": {}", super::QUALIFIED));
    let namespace = at(&format!(r#".namespace: Invalid value: "A": {}"#, super::LABEL));
    let operator = at(
        r#".namespaceSelector.matchExpressions[0].operator: Invalid value: "x": not a valid selector operator"#,
    );
    let no_selector = at(".matchLabelKeys: Forbidden: must not be specified when labelSelector is not set");
    let in_both =
        at(r#".matchLabelKeys[0]: Invalid value: "a": exists in both matchLabelKeys and mismatchLabelKeys"#);
    let in_selector = at(r#"[0]: Invalid value: "a": exists in both matchLabelKeys and labelSelector"#);
    let cases: [(&str, &[&str]); 7] = [
        (
            r#"{"topologyKey": "zone", "labelSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}, "matchLabelKeys": ["a"]}"#,
            &[],
        ),
        ("{}", &[&no_key, &empty_key, &malformed_key]),
        (r#"{"topologyKey": "zone", "namespaces": ["A"]}"#, &[&namespace]),
        (
            r#"{"topologyKey": "zone", "namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "x"}]}}"#,
            &[&operator],
        ),
        (r#"{"topologyKey": "zone", "matchLabelKeys": ["a"]}"#, &[&no_selector]),
        (
            r#"{"topologyKey": "zone", "labelSelector": {}, "matchLabelKeys": ["a"], "mismatchLabelKeys": ["a"]}"#,
            &[&in_both],
        ),
        (
            r#"{"topologyKey": "zone", "labelSelector": {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}, "matchLabelKeys": ["a"]}"#,
            &[&in_selector],
        ),
    ];
    for (given, expected) in cases {
        let spec = format!(
            r#"{{"affinity": {{"podAntiAffinity": {{"requiredDuringSchedulingIgnoredDuringExecution": [{given}]}}}}}}"#
        );
        check(&[(given, &spec, expected)], of_spec);
    }
}

#[test]
fn tolerations_say_what_they_tolerate() {
    let all = r#"spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means \"match all values and all keys\""#
        .replace('\\', "");
    let value = format!(r#"spec.tolerations[0].operator: Invalid value: "-": {}"#, super::LABEL_VALUE);
    let cases: [(&str, &[&str]); 8] = [
        (r#"{"operator": "Exists"}"#, &[]),
        (r#"{"key": "a", "value": "b", "effect": "NoExecute", "tolerationSeconds": 1}"#, &[]),
        ("{}", &[&all]),
        (r#"{"key": "a", "value": "-"}"#, &[&value]),
        (
            r#"{"key": "a", "operator": "Exists", "value": "b"}"#,
            &[
                r#"spec.tolerations[0].operator: Invalid value: "b": value must be empty when `operator` is 'Exists'"#,
            ],
        ),
        (
            r#"{"key": "a", "operator": "x"}"#,
            &[r#"spec.tolerations[0].operator: Unsupported value: "x": supported values: "Equal", "Exists""#],
        ),
        (
            r#"{"key": "a", "effect": "x"}"#,
            &[
                r#"spec.tolerations[0].effect: Unsupported value: "x": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute""#,
            ],
        ),
        (
            r#"{"key": "a", "tolerationSeconds": 1, "effect": "NoSchedule"}"#,
            &[
                r#"spec.tolerations[0].effect: Invalid value: "NoSchedule": effect must be 'NoExecute' when `tolerationSeconds` is set"#,
            ],
        ),
    ];
    for (given, expected) in cases {
        check(&[(given, &format!(r#"{{"tolerations": [{given}]}}"#), expected)], of_spec);
    }
}

#[test]
fn spread_constraints_are_each_of_a_kind() {
    const AT: &str = "spec.topologySpreadConstraints[0]";
    let at = |rest: &str| format!("{AT}{rest}");
    let skew = at(".maxSkew: Invalid value: 0: must be greater than zero");
    let key = at(".topologyKey: Required value: can not be empty");
    let action = at(
        r#".whenUnsatisfiable: Unsupported value: "": supported values: "DoNotSchedule", "ScheduleAnyway""#,
    );
    let twice = at(r#".{topologyKey, whenUnsatisfiable}: Duplicate value: "{k, DoNotSchedule}""#);
    let domains = at(".minDomains: Invalid value: 0: must be greater than zero");
    let anyway = at(
        ".minDomains: Invalid value: 0: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway",
    );
    let policy = at(r#".nodeTaintsPolicy: Unsupported value: "x": supported values: "Honor", "Ignore""#);
    let selector = at(
        r#".labelSelector.matchExpressions[0].operator: Invalid value: "x": not a valid selector operator"#,
    );
    let valid = r#"{"maxSkew": 1, "topologyKey": "k", "whenUnsatisfiable": "DoNotSchedule"}"#;
    let two = format!("{valid}, {valid}");
    let cases: [(&str, &[&str]); 6] = [
        (valid, &[]),
        ("{}", &[&skew, &key, &action]),
        (&two, &[&twice]),
        (
            r#"{"maxSkew": 1, "topologyKey": "k", "whenUnsatisfiable": "ScheduleAnyway", "minDomains": 0}"#,
            &[&domains, &anyway],
        ),
        (
            r#"{"maxSkew": 1, "topologyKey": "k", "whenUnsatisfiable": "DoNotSchedule", "nodeTaintsPolicy": "x"}"#,
            &[&policy],
        ),
        (
            r#"{"maxSkew": 1, "topologyKey": "k", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchExpressions": [{"key": "a", "operator": "x"}]}}"#,
            &[&selector],
        ),
    ];
    for (given, expected) in cases {
        check(&[(given, &format!(r#"{{"topologySpreadConstraints": [{given}]}}"#), expected)], of_spec);
    }
}

#[test]
fn what_was_let_in_before_the_rule_may_stay() {
    let cases = [
        r#"{"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "k", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchExpressions": [{"key": "a", "operator": "x"}]}}]}"#,
        r#"{"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["-"]}]}]}}}}"#,
        r#"{"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "k", "labelSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["-"]}]}}]}}}"#,
        r#"{"volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "../t"}}]}}]}"#,
        r#"{"hostNetwork": true, "securityContext": {"sysctls": [{"name": "net.a", "value": "1"}]}}"#,
    ];
    for given in cases {
        assert_eq!(of_spec(parse(given)).len(), 1, "{given}");
        assert_eq!(of_old_spec(parse(given)), [""; 0], "{given}");
    }
}
