//! Conditions of the shape that most kinds share (`metav1.Condition`).

use super::{invalid, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashSet;

const STATUSES: [&str; 3] = ["False", "True", "Unknown"];
const MAX_REASON: usize = 1 << 10;
const MAX_MESSAGE: usize = 32 << 10;

/// What is wrong with a list of conditions.
pub(crate) fn errors(field: &FieldPath, conditions: &[Document]) -> FieldErrors {
    let mut seen = HashSet::new();
    let mut out = FieldErrors::new();
    for (i, condition) in conditions.iter().enumerate() {
        let (field, ty) = (field.index(i), condition.str_at(&["type"]));
        if !seen.insert(ty) {
            out.push(FieldError::duplicate(&field.child("type"), ty));
        }
        out.extend(invalid(&field.child("type"), ty, names::qualified_name(ty)));
        out.extend(state(&field, condition));
        out.extend(explanation(&field, condition));
    }
    out
}

fn state(field: &FieldPath, condition: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let status = condition.str_at(&["status"]);
    if !STATUSES.contains(&status) {
        out.push(FieldError::not_supported(&field.child("status"), status, &STATUSES));
    }
    if let Some(generation) = condition.i64_at(&["observedGeneration"]).filter(|generation| *generation < 0) {
        let why = "must be greater than or equal to zero";
        out.push(FieldError::invalid(&field.child("observedGeneration"), generation, why));
    }
    if condition.str_at(&["lastTransitionTime"]).is_empty() {
        out.push(FieldError::required(&field.child("lastTransitionTime"), "must be set"));
    }
    out
}

fn explanation(field: &FieldPath, condition: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let (place, reason) = (field.child("reason"), condition.str_at(&["reason"]));
    if reason.is_empty() {
        out.push(FieldError::required(&place, "must be set"));
    } else {
        if !is_reason(reason) {
            out.push(FieldError::invalid(&place, reason, reason_rule()));
        }
        if reason.len() > MAX_REASON {
            out.push(FieldError::too_long(&place, MAX_REASON));
        }
    }
    if condition.str_at(&["message"]).len() > MAX_MESSAGE {
        out.push(FieldError::too_long(&field.child("message"), MAX_MESSAGE));
    }
    out
}

fn is_reason(text: &str) -> bool {
    let bytes = text.as_bytes();
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.last().is_some_and(word)
        && bytes.iter().all(|byte| word(byte) || matches!(byte, b',' | b':'))
}

fn reason_rule() -> String {
    names::pattern_text(
        "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
        "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?",
        &["my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB"],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn conditions_are_whole() {
        let fine = doc!({
            "type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z", "reason": "A:B", "message": "m"
        });
        let field = FieldPath::new("c");
        assert_eq!(errors(&field, std::slice::from_ref(&fine)), []);
        let bare = doc!({"type": "Ready", "status": "Maybe", "observedGeneration": -1});
        let mut told = errors(&field, &[fine.clone(), bare]).into_iter().map(|error| error.to_string());
        let expected = [
            r#"c[1].type: Duplicate value: "Ready""#,
            r#"c[1].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown""#,
            "c[1].observedGeneration: Invalid value: -1: must be greater than or equal to zero",
            "c[1].lastTransitionTime: Required value: must be set",
            "c[1].reason: Required value: must be set",
        ];
        for text in expected {
            assert_eq!(told.next().as_deref(), Some(text));
        }
        assert_eq!(told.next(), None);
        let mut odd = fine;
        odd.insert("reason", "not a reason");
        assert!(errors(&field, &[odd])[0].detail.starts_with("a condition reason must start with"));
    }
}
