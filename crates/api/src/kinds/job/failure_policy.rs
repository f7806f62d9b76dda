//! What a job makes of pods that fail, by exit codes and conditions.

use super::super::workload::given;
use super::invalid_whole;
use crate::validation::{self, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashSet;

const MOST_RULES: usize = 20;
const MOST_CONDITIONS: usize = 20;
const MOST_EXIT_CODES: usize = 255;
const ACTIONS: [&str; 4] = ["Count", "FailIndex", "FailJob", "Ignore"];
const OPERATORS: [&str; 2] = ["In", "NotIn"];
const STATUSES: [&str; 3] = ["False", "True", "Unknown"];

/// Fills in the status of conditions that are asked for without one.
pub(super) fn default(spec: &mut Document) {
    fn list<'a>(doc: &'a mut Document, path: &[&str]) -> impl Iterator<Item = &'a mut Document> {
        doc.at_mut(path).and_then(Document::as_array_mut).into_iter().flatten()
    }
    for rule in list(spec, &["podFailurePolicy", "rules"]) {
        for condition in list(rule, &["onPodConditions"]) {
            if condition.str_at(&["status"]).is_empty() {
                condition.set(&["status"], "True");
            }
        }
    }
}

/// What is wrong with the policy of this job.
pub(super) fn validate(spec: &Document, field: &FieldPath) -> FieldErrors {
    let Some(policy) = given(spec, &["podFailurePolicy"]) else { return FieldErrors::new() };
    let (rules, field) = (policy.array_at(&["rules"]), field.child("rules"));
    let mut out = FieldErrors::new();
    out.extend(at_most(MOST_RULES, rules, &field));
    let containers: HashSet<&str> = ["containers", "initContainers"]
        .into_iter()
        .flat_map(|list| spec.array_at(&["template", "spec", list]))
        .map(|container| container.str_at(&["name"]))
        .collect();
    let per_index = given(spec, &["backoffLimitPerIndex"]).is_some();
    for (i, rule) in rules.iter().enumerate() {
        out.extend(validate_rule(rule, per_index, &containers, &field.index(i)));
    }
    out
}

fn validate_rule(
    rule: &Document,
    per_index: bool,
    containers: &HashSet<&str>,
    field: &FieldPath,
) -> FieldErrors {
    let mut out = FieldErrors::new();
    let (action, at) = (rule.str_at(&["action"]), field.child("action"));
    if action == "FailIndex" && !per_index {
        out.push(FieldError::invalid(&at, action, "requires the backoffLimitPerIndex to be set"));
    }
    out.extend(one_of(action, &ACTIONS, &at));
    let codes = given(rule, &["onExitCodes"]);
    if let Some(codes) = codes {
        out.extend(exit_codes(codes, containers, &field.child("onExitCodes")));
    }
    let conditions = rule.array_at(&["onPodConditions"]);
    let at = field.child("onPodConditions");
    out.extend(at_most(MOST_CONDITIONS, conditions, &at));
    for (i, condition) in conditions.iter().enumerate() {
        let (at, ty) = (at.index(i), condition.str_at(&["type"]));
        out.extend(validation::invalid(&at.child("type"), ty, names::qualified_name(ty)));
        out.extend(one_of(condition.str_at(&["status"]), &STATUSES, &at.child("status")));
    }
    match (codes.is_some(), !conditions.is_empty()) {
        (true, true) => {
            let why = "specifying both OnExitCodes and OnPodConditions is not supported";
            out.push(invalid_whole(field, why));
        }
        (false, false) => {
            out.push(invalid_whole(field, "specifying one of OnExitCodes and OnPodConditions is required"));
        }
        _ => {}
    }
    out
}

fn exit_codes(codes: &Document, containers: &HashSet<&str>, field: &FieldPath) -> FieldErrors {
    let operator = codes.str_at(&["operator"]);
    let mut out: FieldErrors = one_of(operator, &OPERATORS, &field.child("operator")).into_iter().collect();
    if let Some(name) = given(codes, &["containerName"]).and_then(Document::as_str)
        && !containers.contains(name)
    {
        let why = "must be one of the container or initContainer names in the pod template";
        out.push(FieldError::invalid(&field.child("containerName"), name, why));
    }
    let (values, at) = (codes.array_at(&["values"]), field.child("values"));
    let shown = codes.get("values");
    if values.is_empty() {
        out.push(FieldError::invalid(&at, shown.cloned(), "at least one value is required"));
    }
    out.extend(at_most(MOST_EXIT_CODES, values, &at));
    let mut seen = HashSet::new();
    let numbers: Vec<i64> = values.iter().map(|value| value.as_i64().unwrap_or(0)).collect();
    for (i, number) in numbers.iter().enumerate() {
        if operator == "In" && *number == 0 {
            out.push(FieldError::invalid(&at.index(i), 0, "must not be 0 for the In operator"));
        }
        if !seen.insert(*number) {
            out.push(FieldError::duplicate(&at.index(i), *number));
        }
    }
    if !numbers.is_sorted() {
        out.push(FieldError::invalid(&at, shown.cloned(), "must be ordered"));
    }
    out
}

fn one_of(value: &str, allowed: &[&str], field: &FieldPath) -> Option<FieldError> {
    if value.is_empty() {
        let quoted: Vec<String> = allowed.iter().map(|value| format!("{value:?}")).collect();
        return Some(FieldError::required(field, format!("valid values: [{}]", quoted.join(" "))));
    }
    (!allowed.contains(&value)).then(|| FieldError::not_supported(field, value, allowed))
}

fn at_most(most: usize, list: &[Document], field: &FieldPath) -> Option<FieldError> {
    (list.len() > most).then(|| FieldError::too_many(field, list.len(), most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn errors(rules: Document) -> Vec<String> {
        let spec = doc!({
            "podFailurePolicy": {"rules": rules},
            "template": {"spec": {"containers": [{"name": "a"}], "initContainers": [{"name": "b"}]}}
        });
        validate(&spec, &FieldPath::new("p")).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn rules_are_checked_in_upstreams_words() {
        let codes = |values: Vec<i64>| doc!({"operator": "In", "values": values});
        let on_codes = |codes: Document| doc!({"action": "FailJob", "onExitCodes": codes});
        let cases: [(Document, &[&str]); 14] = [
            (on_codes(doc!({"operator": "NotIn", "values": [0, 1], "containerName": "b"})), &[]),
            (doc!({"action": "Count", "onPodConditions": [{"type": "a.b/C", "status": "True"}]}), &[]),
            (
                doc!({"onExitCodes": codes(vec![1])}),
                &[
                    r#"p.rules[0].action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]"#,
                ],
            ),
            (
                doc!({"action": "Retry", "onExitCodes": codes(vec![1])}),
                &[
                    r#"p.rules[0].action: Unsupported value: "Retry": supported values: "Count", "FailIndex", "FailJob", "Ignore""#,
                ],
            ),
            (
                doc!({"action": "FailIndex", "onExitCodes": codes(vec![1])}),
                &[
                    r#"p.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set"#,
                ],
            ),
            (
                on_codes(doc!({"values": [1]})),
                &[r#"p.rules[0].onExitCodes.operator: Required value: valid values: ["In" "NotIn"]"#],
            ),
            (
                on_codes(doc!({"operator": "In", "values": [1], "containerName": "c"})),
                &[
                    r#"p.rules[0].onExitCodes.containerName: Invalid value: "c": must be one of the container or initContainer names in the pod template"#,
                ],
            ),
            (
                on_codes(doc!({"operator": "In"})),
                &["p.rules[0].onExitCodes.values: Invalid value: null: at least one value is required"],
            ),
            (
                on_codes(codes((1..=256).collect())),
                &["p.rules[0].onExitCodes.values: Too many: 256: must have at most 255 items"],
            ),
            (
                on_codes(codes(vec![2, 0, 2])),
                &[
                    "p.rules[0].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator",
                    "p.rules[0].onExitCodes.values[2]: Duplicate value: 2",
                    "p.rules[0].onExitCodes.values: Invalid value: [2,0,2]: must be ordered",
                ],
            ),
            (
                doc!({"action": "Ignore", "onPodConditions": [{"type": "Ready", "status": ""}]}),
                &[
                    r#"p.rules[0].onPodConditions[0].status: Required value: valid values: ["False" "True" "Unknown"]"#,
                ],
            ),
            (
                doc!({"action": "Ignore", "onPodConditions": [{"type": "Ready", "status": "No"}]}),
                &[
                    r#"p.rules[0].onPodConditions[0].status: Unsupported value: "No": supported values: "False", "True", "Unknown""#,
                ],
            ),
            (
                doc!({"action": "Ignore"}),
                &["p.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required"],
            ),
            (
                doc!({
                    "action": "Ignore", "onExitCodes": codes(vec![1]),
                    "onPodConditions": [{"type": "Ready", "status": "True"}]
                }),
                &[
                    "p.rules[0]: Invalid value: specifying both OnExitCodes and OnPodConditions is not supported",
                ],
            ),
        ];
        for (rule, expected) in cases {
            assert_eq!(errors(doc!([rule.clone()])), expected, "{rule}");
        }
    }

    #[test]
    fn rules_are_few() {
        let rule = doc!({"action": "Ignore", "onExitCodes": {"operator": "In", "values": [1]}});
        assert_eq!(errors(vec![rule; 21].into()), ["p.rules: Too many: 21: must have at most 20 items"]);
        let conditions = vec![doc!({"type": "Ready", "status": "True"}); 21];
        assert_eq!(
            errors(doc!([{"action": "Ignore", "onPodConditions": conditions}])),
            ["p.rules[0].onPodConditions: Too many: 21: must have at most 20 items"]
        );
    }

    #[test]
    fn conditions_are_asked_to_be_true() {
        let mut spec = doc!({"podFailurePolicy": {"rules": [
            {"onPodConditions": [{"type": "A"}, {"type": "B", "status": "False"}]}
        ]}});
        default(&mut spec);
        let status = |i: usize| {
            spec["podFailurePolicy"].array_at(&["rules"])[0].array_at(&["onPodConditions"])[i]
                .str_at(&["status"])
        };
        assert_eq!([status(0), status(1)], ["True", "False"]);
    }
}
