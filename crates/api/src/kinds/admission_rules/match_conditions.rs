//! What is wrong with match conditions: names and expressions that narrow what is matched. Whether an expression compiles
//! is for who evaluates it.

use crate::validation::{invalid, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashSet;

/// Most conditions of one webhook or policy.
const MAX: usize = 64;

/// What is wrong with the conditions.
pub(crate) fn match_conditions(field: &FieldPath, conditions: &[Document]) -> FieldErrors {
    let mut seen = HashSet::new();
    let mut out = FieldErrors::new();
    if conditions.len() > MAX {
        out.push(FieldError::too_many(field, conditions.len(), MAX));
    }
    for (i, condition) in conditions.iter().enumerate() {
        let field = field.index(i);
        if condition.str_at(&["expression"]).trim().is_empty() {
            out.push(FieldError::required(&field.child("expression"), ""));
        }
        let (place, name) = (field.child("name"), condition.str_at(&["name"]));
        if name.is_empty() {
            out.push(FieldError::required(&place, ""));
            continue;
        }
        out.extend(invalid(&place, name, names::qualified_name(name)));
        if !seen.insert(name) {
            out.push(FieldError::duplicate(&place, name));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn conditions_have_names_of_their_own_and_say_something() {
        let conditions = doc!([
            {"name": "a", "expression": "true"}, {"name": "a", "expression": " "}, {"name": "", "expression": "true"}
        ]);
        let errors = match_conditions(&FieldPath::new("c"), conditions.as_array().unwrap());
        assert_eq!(
            errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "c[1].expression: Required value",
                r#"c[1].name: Duplicate value: "a""#,
                "c[2].name: Required value",
            ]
        );
        let many: Vec<Document> =
            (0..65).map(|i| doc!({"name": format!("c{i}"), "expression": "true"})).collect();
        assert_eq!(
            match_conditions(&FieldPath::new("c"), &many)[0].to_string(),
            "c: Too many: 65: must have at most 64 items"
        );
    }
}
