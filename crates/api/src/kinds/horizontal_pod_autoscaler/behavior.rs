//! How fast an autoscaler scales, up and down.

use super::super::workload::given;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Quantity, doc};

const LONGEST_WINDOW: i64 = 3600;
const LONGEST_PERIOD: i64 = 1800;
const SELECTIONS: [&str; 3] = ["Disabled", "Max", "Min"];
const POLICIES: [&str; 2] = ["Percent", "Pods"];

/// Fills in both directions.
pub(super) fn default(behavior: &mut Document) {
    if behavior.is_null() {
        return;
    }
    let percent = || doc!({"type": "Percent", "value": 100, "periodSeconds": 15});
    let pods = doc!({"type": "Pods", "value": 4, "periodSeconds": 15});
    behavior.set_default(&["scaleUp", "stabilizationWindowSeconds"], 0);
    for (direction, policies) in [("scaleUp", vec![pods, percent()]), ("scaleDown", vec![percent()])] {
        behavior.set_default(&[direction, "selectPolicy"], "Max");
        behavior.set_default(&[direction, "policies"], policies);
    }
}

/// What is wrong with both directions.
pub(super) fn validate(behavior: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    for direction in ["scaleUp", "scaleDown"] {
        if let Some(rules) = given(behavior, &[direction]) {
            out.extend(direction_errors(rules, &field.child(direction)));
        }
    }
    out
}

fn direction_errors(rules: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    if let Some(window) = rules.i64_at(&["stabilizationWindowSeconds"]) {
        let at = field.child("stabilizationWindowSeconds");
        if window < 0 {
            out.push(FieldError::invalid(&at, window, "must be greater than or equal to zero"));
        }
        out.extend(at_most(LONGEST_WINDOW, window, &at));
    }
    if let Some(selection) = given(rules, &["selectPolicy"]) {
        out.extend(one_of(selection.as_str().unwrap_or(""), &SELECTIONS, &field.child("selectPolicy")));
    }
    let (policies, at) = (rules.array_at(&["policies"]), field.child("policies"));
    if policies.is_empty() {
        out.push(FieldError::required(&at, "must specify at least one Policy"));
    }
    for (i, policy) in policies.iter().enumerate() {
        out.extend(policy_errors(policy, &at.index(i)));
    }
    let tolerance = rules.get("tolerance").and_then(Quantity::from_document).and_then(Result::ok);
    if let Some(tolerance) = tolerance.filter(|tolerance| tolerance.is_negative()) {
        let why = "must be greater than or equal to 0";
        out.push(FieldError::invalid(&field.child("tolerance"), tolerance, why));
    }
    out
}

fn policy_errors(policy: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    out.extend(one_of(policy.str_at(&["type"]), &POLICIES, &field.child("type")));
    for name in ["value", "periodSeconds"] {
        let number = policy.i64_at(&[name]).unwrap_or(0);
        if number <= 0 {
            out.push(FieldError::invalid(&field.child(name), number, "must be greater than zero"));
        }
    }
    let period = policy.i64_at(&["periodSeconds"]).unwrap_or(0);
    out.extend(at_most(LONGEST_PERIOD, period, &field.child("periodSeconds")));
    out
}

fn one_of(value: &str, allowed: &[&str], field: &FieldPath) -> Option<FieldError> {
    (!allowed.contains(&value)).then(|| FieldError::not_supported(field, value, allowed))
}

fn at_most(most: i64, value: i64, field: &FieldPath) -> Option<FieldError> {
    (value > most).then(|| FieldError::invalid(field, value, format!("must be less than or equal to {most}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstreams_messages_name_the_field() {
        let cases: [(&[&str], Document, &[&str]); 12] = [
            (&["stabilizationWindowSeconds"], 3600.into(), &[]),
            (&["tolerance"], "50m".into(), &[]),
            (
                &["stabilizationWindowSeconds"],
                (-1).into(),
                &[
                    "b.scaleUp.stabilizationWindowSeconds: Invalid value: -1: must be greater than or equal to zero",
                ],
            ),
            (
                &["stabilizationWindowSeconds"],
                3601.into(),
                &[
                    "b.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600",
                ],
            ),
            (
                &["selectPolicy"],
                "Random".into(),
                &[
                    r#"b.scaleUp.selectPolicy: Unsupported value: "Random": supported values: "Disabled", "Max", "Min""#,
                ],
            ),
            (
                &["policies"],
                Document::array(),
                &["b.scaleUp.policies: Required value: must specify at least one Policy"],
            ),
            (
                &["policies"],
                doc!([{"type": "Nodes", "value": 1, "periodSeconds": 1}]),
                &[
                    r#"b.scaleUp.policies[0].type: Unsupported value: "Nodes": supported values: "Percent", "Pods""#,
                ],
            ),
            (
                &["policies"],
                doc!([{"type": "Pods", "value": 0, "periodSeconds": 1}]),
                &["b.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero"],
            ),
            (
                &["policies"],
                doc!([{"type": "Pods", "value": 1}]),
                &["b.scaleUp.policies[0].periodSeconds: Invalid value: 0: must be greater than zero"],
            ),
            (&["policies"], doc!([{"type": "Percent", "value": 1000, "periodSeconds": 1800}]), &[]),
            (
                &["policies"],
                doc!([{"type": "Pods", "value": 1, "periodSeconds": 1801}]),
                &[
                    "b.scaleUp.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800",
                ],
            ),
            (
                &["tolerance"],
                "-0.1".into(),
                &[r#"b.scaleUp.tolerance: Invalid value: "-100m": must be greater than or equal to 0"#],
            ),
        ];
        for (path, value, expected) in cases {
            let mut behavior = Document::object();
            default(&mut behavior);
            behavior.set(&[&["scaleUp"][..], path].concat(), value);
            let errors = validate(&behavior, &FieldPath::new("b"));
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected, "{path:?}");
        }
    }
}
