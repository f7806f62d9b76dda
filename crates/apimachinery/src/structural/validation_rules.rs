//! What is wrong with `x-kubernetes-validations`; whether a rule compiles is for who evaluates it.

use super::field_path;
use crate::{Document, FieldError, FieldErrors, FieldPath};

/// Why a value is refused, as a rule may say it.
const REASONS: [&str; 4] =
    ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
const EMPTY: &str = "must be non-empty if specified";
const NO_BREAKS: &str = "must not contain line breaks";

/// What is wrong with one description's rules, those inside of it aside.
pub(super) fn check(schema: &Document, path: &FieldPath, out: &mut FieldErrors) {
    let rules = schema.array_at(&["x-kubernetes-validations"]);
    for (i, rule) in rules.iter().enumerate() {
        let path = path.child("x-kubernetes-validations").index(i);
        out.extend(rule_or_message(rule, &path));
        let expression = rule.str_at(&["messageExpression"]);
        if is_blank(expression) {
            let why = "messageExpression must be non-empty if specified";
            out.push(FieldError::required(&path.child("messageExpression"), why));
        }
        let reason = rule.get("reason").and_then(Document::as_str);
        if let Some(reason) = reason.filter(|reason| !REASONS.contains(reason)) {
            out.push(FieldError::not_supported(&path.child("reason"), reason, &REASONS));
        }
        field(schema, rule.str_at(&["fieldPath"]), &path.child("fieldPath"), out);
    }
}

fn rule_or_message(rule: &Document, path: &FieldPath) -> Option<FieldError> {
    let (expression, message) = (rule.str_at(&["rule"]).trim(), rule.str_at(&["message"]));
    let place = path.child("message");
    if expression.is_empty() {
        Some(FieldError::required(&path.child("rule"), "rule is not specified"))
    } else if is_blank(message) {
        Some(FieldError::invalid(&place, message, EMPTY))
    } else if has_breaks(message.trim()) {
        Some(FieldError::invalid(&place, message, NO_BREAKS))
    } else if has_breaks(expression) && message.is_empty() {
        Some(FieldError::required(&place, "message must be specified if rule contains line breaks"))
    } else {
        None
    }
}

fn field(schema: &Document, text: &str, path: &FieldPath, out: &mut FieldErrors) {
    if text.is_empty() {
        return;
    }
    if is_blank(text) {
        out.push(FieldError::invalid(path, text, EMPTY));
    }
    if has_breaks(text) {
        out.push(FieldError::invalid(path, text, NO_BREAKS));
    }
    if field_path::resolve(text, schema, true).is_err() {
        out.push(FieldError::invalid(path, text, "must be a valid path"));
    }
}

fn is_blank(text: &str) -> bool {
    !text.is_empty() && text.trim().is_empty()
}

fn has_breaks(text: &str) -> bool {
    text.contains(['\n', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc;

    #[test]
    fn rules_say_something_in_one_line() {
        let cases = [
            (doc!({"rule": "self > 0", "reason": "FieldValueInvalid", "fieldPath": ".a"}), vec![]),
            (doc!({"rule": " "}), vec!["v[0].rule: Required value: rule is not specified"]),
            (
                doc!({"rule": "a", "message": " ", "messageExpression": " "}),
                vec![
                    r#"v[0].message: Invalid value: " ": must be non-empty if specified"#,
                    "v[0].messageExpression: Required value: messageExpression must be non-empty if specified",
                ],
            ),
            (
                doc!({"rule": "a", "message": "b\nc"}),
                vec![r#"v[0].message: Invalid value: "b\nc": must not contain line breaks"#],
            ),
            (
                doc!({"rule": "a\n&& b"}),
                vec!["v[0].message: Required value: message must be specified if rule contains line breaks"],
            ),
            (
                doc!({"rule": "a", "reason": "Because", "fieldPath": ".x"}),
                vec![
                    r#"v[0].reason: Unsupported value: "Because": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired""#,
                    r#"v[0].fieldPath: Invalid value: ".x": must be a valid path"#,
                ],
            ),
        ];
        for (rule, expected) in cases {
            let schema = doc!({
                "type": "object", "properties": {"a": {"type": "string"}}, "x-kubernetes-validations": [(rule.clone())]
            });
            let mut out = FieldErrors::new();
            check(&schema, &FieldPath::root(), &mut out);
            let texts: Vec<String> =
                out.iter().map(|error| error.to_string().replace("x-kubernetes-validations", "v")).collect();
            assert_eq!(texts, expected, "{rule}");
        }
    }
}
