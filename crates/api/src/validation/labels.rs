//! Labels and label selectors in bodies (`matchLabels`, `matchExpressions`).

use super::{invalid, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map};

/// The operators of a label selector's requirements.
const OPERATORS: [&str; 4] = ["In", "NotIn", "Exists", "DoesNotExist"];

/// What is wrong with a map of labels.
pub fn labels(field: &FieldPath, labels: Option<&Map>) -> FieldErrors {
    let mut out = FieldErrors::new();
    for (key, value) in labels.into_iter().flat_map(Map::iter) {
        out.extend(invalid(field, key, names::qualified_name(key)));
        let value = value.as_str().unwrap_or("");
        out.extend(invalid(field, value, names::label_value(value)));
    }
    out
}

/// What is wrong with a `metav1.LabelSelector`.
pub fn selector(field: &FieldPath, selector: Option<&Document>) -> FieldErrors {
    let Some(selector) = selector else { return FieldErrors::new() };
    let mut out = labels(&field.child("matchLabels"), selector.object_at(&["matchLabels"]));
    for (i, requirement) in selector.array_at(&["matchExpressions"]).iter().enumerate() {
        out.extend(expression(&field.child("matchExpressions").index(i), requirement));
    }
    out
}

fn expression(field: &FieldPath, given: &Document) -> FieldErrors {
    let operator = given.str_at(&["operator"]);
    let mut out = FieldErrors::new();
    if !OPERATORS.contains(&operator) {
        out.push(FieldError::invalid(&field.child("operator"), operator, "not a valid selector operator"));
    }
    out.extend(requirement(field, given));
    out
}

/// What is wrong with one requirement of a label selector, whose operator may be one that is not known.
pub fn requirement(field: &FieldPath, given: &Document) -> FieldErrors {
    let mut out: FieldErrors = values_of_operator(field, given).into_iter().collect();
    let key = given.str_at(&["key"]);
    out.extend(invalid(&field.child("key"), key, names::qualified_name(key)));
    for (i, value) in given.array_at(&["values"]).iter().enumerate() {
        let value = value.as_str().unwrap_or("");
        out.extend(invalid(&field.child("values").index(i), value, names::label_value(value)));
    }
    out
}

/// What is wrong with how many values a selector's requirement has: some operators need them, others take none.
pub fn values_of_operator(field: &FieldPath, requirement: &Document) -> Option<FieldError> {
    let has_values = !requirement.array_at(&["values"]).is_empty();
    let field = field.child("values");
    match requirement.str_at(&["operator"]) {
        "In" | "NotIn" if !has_values => {
            Some(FieldError::required(&field, "must be specified when `operator` is 'In' or 'NotIn'"))
        }
        "Exists" | "DoesNotExist" if has_values => {
            let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            Some(FieldError::forbidden(&field, why))
        }
        _ => None,
    }
}

/// Whether a `metav1.LabelSelector` is there and selects nothing in particular.
pub fn is_empty_selector(selector: Option<&Document>) -> bool {
    selector.is_none_or(|s| {
        s.object_at(&["matchLabels"]).is_none_or(Map::is_empty)
            && s.array_at(&["matchExpressions"]).is_empty()
    })
}
