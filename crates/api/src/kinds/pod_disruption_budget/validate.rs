//! What is wrong with what a budget asks for.

use super::super::workload::{self, given};
use crate::validation::labels;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, doc};

const POLICIES: [&str; 2] = ["AlwaysAllow", "IfHealthyBudget"];
const LIMITS: [&str; 2] = ["minAvailable", "maxUnavailable"];

/// What is wrong with a budget.
pub(super) fn spec(budget: &Document) -> FieldErrors {
    let field = FieldPath::new("spec");
    let spec = &budget["spec"];
    let mut out = FieldErrors::new();
    if LIMITS.iter().all(|limit| given(spec, &[limit]).is_some()) {
        let why = "minAvailable and maxUnavailable cannot be both set";
        out.push(FieldError::invalid(&field, shown(spec), why));
    }
    for limit in LIMITS {
        if let Some(value) = given(spec, &[limit]) {
            let at = field.child(limit);
            out.extend(workload::count_or_percent(&at, value));
            out.extend(workload::at_most_all(&at, value));
        }
    }
    out.extend(labels::selector(&field.child("selector"), spec.get("selector")));
    if let Some(policy) = given(spec, &["unhealthyPodEvictionPolicy"]) {
        let policy = policy.as_str().unwrap_or("");
        if !POLICIES.contains(&policy) {
            let at = field.child("unhealthyPodEvictionPolicy");
            out.push(FieldError::not_supported(&at, policy, &POLICIES));
        }
    }
    out
}

/// The spec as upstream shows it: with the names of its own fields.
fn shown(spec: &Document) -> Document {
    doc!({
        "MinAvailable": spec.get("minAvailable").cloned(),
        "Selector": workload::shown_selector(spec.get("selector")),
        "MaxUnavailable": spec.get("maxUnavailable").cloned(),
        "UnhealthyPodEvictionPolicy": spec.get("unhealthyPodEvictionPolicy").cloned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstreams_messages_name_the_field() {
        let cases: [(Document, &[&str]); 9] = [
            (doc!({"minAvailable": 1, "selector": {}, "unhealthyPodEvictionPolicy": "AlwaysAllow"}), &[]),
            (doc!({"maxUnavailable": "100%"}), &[]),
            (
                doc!({"maxUnavailable": 1, "minAvailable": "5%", "selector": {"matchLabels": {"a": "b"}}}),
                &[
                    r#"spec: Invalid value: {"MinAvailable":"5%","Selector":{"matchLabels":{"a":"b"}},"MaxUnavailable":1,"UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set"#,
                ],
            ),
            (
                doc!({"minAvailable": -1}),
                &["spec.minAvailable: Invalid value: -1: must be greater than or equal to 0"],
            ),
            (
                doc!({"minAvailable": "101%"}),
                &[r#"spec.minAvailable: Invalid value: "101%": must not be greater than 100%"#],
            ),
            (
                doc!({"maxUnavailable": "half"}),
                &[
                    r#"spec.maxUnavailable: Invalid value: "half": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"#,
                ],
            ),
            (
                doc!({"selector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}),
                &[
                    "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
                ],
            ),
            (
                doc!({"unhealthyPodEvictionPolicy": "Never"}),
                &[
                    r#"spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget""#,
                ],
            ),
            (
                doc!({"unhealthyPodEvictionPolicy": ""}),
                &[
                    r#"spec.unhealthyPodEvictionPolicy: Unsupported value: "": supported values: "AlwaysAllow", "IfHealthyBudget""#,
                ],
            ),
        ];
        for (given, expected) in cases {
            let errors = spec(&doc!({"spec": given.clone()}));
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected, "{given}");
        }
    }
}
