//! What is wrong with the status of a validating policy: warnings of its expressions, conditions.

use crate::validation::conditions;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// What is wrong with the status.
pub(super) fn errors(object: &Document) -> FieldErrors {
    let field = FieldPath::new("status");
    let place = field.child("typeChecking").child("expressionWarnings");
    let mut out = FieldErrors::new();
    let warnings = object.array_at(&["status", "typeChecking", "expressionWarnings"]);
    for (i, warning) in warnings.iter().enumerate() {
        for key in ["warning", "fieldRef"] {
            if warning.str_at(&[key]).trim().is_empty() {
                out.push(FieldError::required(&place.index(i).child(key), ""));
            }
        }
    }
    out.extend(conditions::errors(&field.child("conditions"), object.array_at(&["status", "conditions"])));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn warnings_say_what_and_where() {
        let object =
            doc!({"status": {"typeChecking": {"expressionWarnings": [{"warning": "", "fieldRef": " "}]}}});
        let texts: Vec<String> = errors(&object).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "status.typeChecking.expressionWarnings[0].warning: Required value",
                "status.typeChecking.expressionWarnings[0].fieldRef: Required value",
            ]
        );
    }
}
