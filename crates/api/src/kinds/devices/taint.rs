//! Taints of devices, and tolerations of them (KEP-5055).

use crate::validation::{invalid, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

const EFFECTS: [&str; 3] = ["NoExecute", "NoSchedule", "None"];
const OPERATORS: [&str; 2] = ["Equal", "Exists"];

/// What is wrong with a taint; an effect that it had before is not checked again.
pub(crate) fn taint(field: &FieldPath, taint: &Document, old: Option<&Document>) -> FieldErrors {
    let [key, value, effect] = ["key", "value", "effect"].map(|name| taint.str_at(&[name]));
    let mut out = invalid(&field.child("key"), key, names::qualified_name(key));
    out.extend(invalid(&field.child("value"), value, names::label_value(value)));
    let field = field.child("effect");
    if old.is_some_and(|old| old.str_at(&["effect"]) == effect) {
        return out;
    }
    if effect.is_empty() {
        out.push(FieldError::required(&field, ""));
    } else if !EFFECTS.contains(&effect) {
        out.push(FieldError::not_supported(&field, effect, &EFFECTS));
    }
    out
}

/// What is wrong with tolerations.
pub(crate) fn tolerations(field: &FieldPath, tolerations: &[Document]) -> FieldErrors {
    tolerations.iter().enumerate().flat_map(|(i, one)| toleration(&field.index(i), one)).collect()
}

fn toleration(field: &FieldPath, toleration: &Document) -> FieldErrors {
    let [key, operator, value, effect] =
        ["key", "operator", "value", "effect"].map(|name| toleration.str_at(&[name]));
    let mut out = FieldErrors::new();
    if !key.is_empty() {
        out.extend(invalid(&field.child("key"), key, names::qualified_name(key)));
    }
    let at = field.child("operator");
    match operator {
        "Exists" if !value.is_empty() => {
            let why = "must be empty for operator `Exists`";
            out.push(FieldError::invalid(&field.child("value"), value, why));
        }
        "Exists" => {}
        "Equal" => out.extend(invalid(&field.child("value"), value, names::label_value(value))),
        "" => out.push(FieldError::required(&at, "")),
        other => out.push(FieldError::not_supported(&at, other, &OPERATORS)),
    }
    if !effect.is_empty() && !EFFECTS.contains(&effect) {
        out.push(FieldError::not_supported(&field.child("effect"), effect, &EFFECTS));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn taints_have_known_effects() {
        let field = FieldPath::new("t");
        let of = |effect: &str| doc!({"key": "a", "effect": effect});
        assert_eq!(taint(&field, &of("None"), None), []);
        assert_eq!(texts(&taint(&field, &of(""), None)), ["t.effect: Required value"]);
        let unknown =
            r#"t.effect: Unsupported value: "Later": supported values: "NoExecute", "NoSchedule", "None""#;
        assert_eq!(texts(&taint(&field, &of("Later"), Some(&of("None")))), [unknown]);
        assert_eq!(taint(&field, &of("Later"), Some(&of("Later"))), []);
    }

    #[test]
    fn tolerations_have_operators_that_suit_their_values() {
        let given = [
            doc!({"operator": "Exists"}),
            doc!({"key": "a", "operator": "Exists", "value": "b"}),
            doc!({"operator": ""}),
            doc!({"operator": "Like", "effect": "Later"}),
        ];
        assert_eq!(
            texts(&tolerations(&FieldPath::new("t"), &given)),
            [
                r#"t[1].value: Invalid value: "b": must be empty for operator `Exists`"#,
                "t[2].operator: Required value",
                r#"t[3].operator: Unsupported value: "Like": supported values: "Equal", "Exists""#,
                r#"t[3].effect: Unsupported value: "Later": supported values: "NoExecute", "NoSchedule", "None""#,
            ]
        );
    }
}
