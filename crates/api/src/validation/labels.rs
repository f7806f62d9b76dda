//! Labels and label selectors in bodies (`matchLabels`, `matchExpressions`).

use super::{invalid, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map};

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

fn expression(field: &FieldPath, requirement: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let values = requirement.array_at(&["values"]);
    let operator = requirement.str_at(&["operator"]);
    match operator {
        "In" | "NotIn" if values.is_empty() => {
            let why = "must be specified when `operator` is 'In' or 'NotIn'";
            out.push(FieldError::required(&field.child("values"), why));
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            out.push(FieldError::forbidden(&field.child("values"), why));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        _ => {
            out.push(FieldError::invalid(&field.child("operator"), operator, "not a valid selector operator"))
        }
    }
    let key = requirement.str_at(&["key"]);
    out.extend(invalid(&field.child("key"), key, names::qualified_name(key)));
    for (i, value) in values.iter().enumerate() {
        let value = value.as_str().unwrap_or("");
        out.extend(invalid(&field.child("values").index(i), value, names::label_value(value)));
    }
    out
}

/// Whether a `metav1.LabelSelector` is there and selects nothing in particular.
pub fn is_empty_selector(selector: Option<&Document>) -> bool {
    selector.is_none_or(|s| {
        s.object_at(&["matchLabels"]).is_none_or(Map::is_empty)
            && s.array_at(&["matchExpressions"]).is_empty()
    })
}
