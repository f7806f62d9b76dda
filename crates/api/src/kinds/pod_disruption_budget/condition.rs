//! Conditions as `metav1.Condition` has them: each type once, with a reason in one word and the time of its last change.

use crate::validation::{self, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashSet;

const STATUSES: [&str; 3] = ["False", "True", "Unknown"];
const LONGEST_REASON: usize = 1024;
const LONGEST_MESSAGE: usize = 32 * 1024;
const REASON: &str = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?";

/// What is wrong with a list of them.
pub(super) fn validate(conditions: &[Document], field: &FieldPath) -> FieldErrors {
    let mut seen = HashSet::new();
    let mut out = FieldErrors::new();
    for (i, condition) in conditions.iter().enumerate() {
        let at = field.index(i);
        let ty = condition.str_at(&["type"]);
        if !seen.insert(ty) {
            out.push(FieldError::duplicate(&at.child("type"), ty));
        }
        out.extend(one(condition, &at));
    }
    out
}

fn one(condition: &Document, field: &FieldPath) -> FieldErrors {
    let text = |name: &str| condition.str_at(&[name]);
    let mut out =
        validation::invalid(&field.child("type"), text("type"), names::qualified_name(text("type")));
    let status = text("status");
    if !STATUSES.contains(&status) {
        out.push(FieldError::not_supported(&field.child("status"), status, &STATUSES));
    }
    if let Some(generation) = condition.i64_at(&["observedGeneration"]).filter(|number| *number < 0) {
        let why = "must be greater than or equal to zero";
        out.push(FieldError::invalid(&field.child("observedGeneration"), generation, why));
    }
    if text("lastTransitionTime").is_empty() {
        out.push(FieldError::required(&field.child("lastTransitionTime"), "must be set"));
    }
    out.extend(reason(text("reason"), &field.child("reason")));
    if text("message").len() > LONGEST_MESSAGE {
        out.push(FieldError::too_long(&field.child("message"), LONGEST_MESSAGE));
    }
    out
}

fn reason(reason: &str, field: &FieldPath) -> FieldErrors {
    const RULE: &str = "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'";
    const EXAMPLES: [&str; 5] = ["my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB"];
    if reason.is_empty() {
        return vec![FieldError::required(field, "must be set")];
    }
    let mut out = FieldErrors::new();
    if !is_reason(reason.as_bytes()) {
        out.push(FieldError::invalid(field, reason, names::pattern_text(RULE, REASON, &EXAMPLES)));
    }
    if reason.len() > LONGEST_REASON {
        out.push(FieldError::too_long(field, LONGEST_REASON));
    }
    out
}

fn is_reason(text: &[u8]) -> bool {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    text.first().is_some_and(u8::is_ascii_alphabetic)
        && text.last().is_some_and(word)
        && text.iter().all(|byte| word(byte) || b",:".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn errors(name: &str, value: impl Into<Document>) -> String {
        let mut condition = doc!({
            "type": "DisruptionAllowed", "status": "True", "reason": "SufficientPods",
            "lastTransitionTime": "2024-01-01T00:00:00Z"
        });
        condition.insert(name, value);
        let errors = validate(&[condition], &FieldPath::new("c"));
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        texts.join("; ")
    }

    #[test]
    fn upstreams_messages_name_the_field() {
        let reason = |value: &str| {
            format!(
                "c[0].reason: Invalid value: {value:?}: a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')"
            )
        };
        assert_eq!(errors("reason", "A"), "");
        assert_eq!(errors("reason", "A:b_"), "");
        assert_eq!(errors("reason", ""), "c[0].reason: Required value: must be set");
        assert_eq!(errors("reason", "Two words"), reason("Two words"));
        assert_eq!(errors("reason", "End:"), reason("End:"));
        assert_eq!(errors("reason", "1st"), reason("1st"));
        assert_eq!(
            errors("reason", "a".repeat(1025)),
            "c[0].reason: Too long: may not be more than 1024 bytes"
        );
        assert_eq!(errors("message", "a".repeat(32 * 1024)), "");
        assert_eq!(
            errors("message", "a".repeat(32 * 1024 + 1)),
            "c[0].message: Too long: may not be more than 32768 bytes"
        );
        assert_eq!(errors("lastTransitionTime", ""), "c[0].lastTransitionTime: Required value: must be set");
        assert_eq!(
            errors("observedGeneration", -1),
            "c[0].observedGeneration: Invalid value: -1: must be greater than or equal to zero"
        );
        assert_eq!(
            errors("status", "Yes"),
            r#"c[0].status: Unsupported value: "Yes": supported values: "False", "True", "Unknown""#
        );
    }

    #[test]
    fn types_are_told_once() {
        let condition = doc!({"type": "A", "status": "True", "reason": "R", "lastTransitionTime": "2024-01-01T00:00:00Z"});
        let errors = validate(&[condition.clone(), condition], &FieldPath::new("c"));
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts, [r#"c[1].type: Duplicate value: "A""#]);
    }
}
