//! Conditions in the form of `metav1.Condition`: what is wrong with a list of them.

use crate::validation::{invalid, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashSet;

const STATUSES: [&str; 3] = ["False", "True", "Unknown"];
const MAX_REASON: usize = 1024;
const MAX_MESSAGE: usize = 32 << 10;

/// What is wrong with the conditions.
pub(crate) fn errors(field: &FieldPath, conditions: &[Document]) -> FieldErrors {
    let mut seen = HashSet::new();
    let mut out = FieldErrors::new();
    for (i, condition) in conditions.iter().enumerate() {
        let field = field.index(i);
        let ty = condition.str_at(&["type"]);
        if !seen.insert(ty) {
            out.push(FieldError::duplicate(&field.child("type"), ty));
        }
        out.extend(invalid(&field.child("type"), ty, names::qualified_name(ty)));
        out.extend(one(&field, condition));
    }
    out
}

fn one(field: &FieldPath, condition: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let text = |name: &str| condition.str_at(&[name]);
    if !STATUSES.contains(&text("status")) {
        out.push(FieldError::not_supported(&field.child("status"), text("status"), &STATUSES));
    }
    if let Some(generation) = condition.i64_at(&["observedGeneration"]).filter(|n| *n < 0) {
        let why = "must be greater than or equal to zero";
        out.push(FieldError::invalid(&field.child("observedGeneration"), generation, why));
    }
    if text("lastTransitionTime").is_empty() {
        out.push(FieldError::required(&field.child("lastTransitionTime"), ""));
    }
    out.extend(reason(&field.child("reason"), text("reason")));
    if text("message").len() > MAX_MESSAGE {
        out.push(FieldError::too_long(&field.child("message"), MAX_MESSAGE));
    }
    out
}

fn reason(field: &FieldPath, reason: &str) -> FieldErrors {
    if reason.is_empty() {
        return vec![FieldError::required(field, "")];
    }
    let mut out = FieldErrors::new();
    if !is_reason(reason) {
        let why = names::pattern_text(
            "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
            "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?",
            &["my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB"],
        );
        out.push(FieldError::invalid(field, reason, why));
    }
    if reason.len() > MAX_REASON {
        out.push(FieldError::too_long(field, MAX_REASON));
    }
    out
}

fn is_reason(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = text.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.last().is_some_and(|last| word(*last))
        && bytes.iter().all(|byte| word(*byte) || matches!(byte, b',' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn conditions_are_complete_and_of_different_types() {
        let fine = doc!({
            "type": "Ready", "status": "True", "lastTransitionTime": "2026-01-02T03:04:05Z", "reason": "A:B", "message": ""
        });
        let with = |name: &str, value: Document| {
            let mut condition = fine.clone();
            condition.insert(name, value);
            condition
        };
        let cases = [
            ("fine", vec![fine.clone()], vec![]),
            ("twice", vec![fine.clone(), fine.clone()], vec![r#"c[1].type: Duplicate value: "Ready""#]),
            (
                "status",
                vec![with("status", doc!("Yes"))],
                vec![
                    r#"c[0].status: Unsupported value: "Yes": supported values: "False", "True", "Unknown""#,
                ],
            ),
            (
                "generation",
                vec![with("observedGeneration", doc!(-1))],
                vec!["c[0].observedGeneration: Invalid value: -1: must be greater than or equal to zero"],
            ),
            (
                "empty",
                vec![with("lastTransitionTime", doc!("")), with("type", doc!("Other"))],
                vec!["c[0].lastTransitionTime: Required value"],
            ),
            (
                "reason",
                vec![with("reason", doc!("1st"))],
                vec![
                    r#"c[0].reason: Invalid value: "1st": a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')"#,
                ],
            ),
        ];
        for (name, conditions, expected) in cases {
            let found = errors(&FieldPath::new("c"), &conditions);
            let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected, "{name}");
        }
    }
}
