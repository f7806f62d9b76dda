//! What FlowSchemas and PriorityLevelConfigurations share: conditions, and objects whose content is fixed.

use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map};
use std::collections::HashSet;

/// Conditions have a type, and no two the same.
pub(super) fn condition_types(object: &Document) -> FieldErrors {
    let field = FieldPath::new("status").child("conditions");
    let mut seen = HashSet::new();
    let mut out = FieldErrors::new();
    for (i, condition) in object.array_at(&["status", "conditions"]).iter().enumerate() {
        let place = field.index(i).child("type");
        let ty = condition.str_at(&["type"]);
        if !seen.insert(ty) {
            out.push(FieldError::duplicate(&place, ty));
        }
        if ty.is_empty() {
            out.push(FieldError::required(&place, "must not be empty"));
        }
    }
    out
}

/// What is left when all that says nothing is taken away.
pub(super) fn meaning(value: &Document) -> Document {
    if let Some(map) = value.as_object() {
        let said = map.iter().filter(|(_, value)| !value.is_empty());
        return said.map(|(key, value)| (key, meaning(value))).collect::<Map>().into();
    }
    match value.as_array() {
        Some(list) => list.iter().map(meaning).collect(),
        None => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn conditions_have_types_of_their_own() {
        let object =
            doc!({"status": {"conditions": [{"type": "Dangling"}, {"type": "Dangling"}, {"type": ""}]}});
        let texts: Vec<String> = condition_types(&object).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                r#"status.conditions[1].type: Duplicate value: "Dangling""#,
                "status.conditions[2].type: Required value: must not be empty",
            ]
        );
    }

    #[test]
    fn empty_values_say_nothing() {
        let given = doc!({"a": null, "b": [], "c": {"d": 0, "e": [{"f": ""}]}, "g": 1});
        assert_eq!(meaning(&given), doc!({"c": {"e": [{}]}, "g": 1}));
    }
}
