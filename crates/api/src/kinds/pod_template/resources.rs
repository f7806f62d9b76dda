//! Resource requests and limits.

use crate::validation::invalid;
use skiff_apimachinery::quantity::Quantity;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map, names};

/// Resources with names of their own.
const STANDARD: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

/// Whether amounts above what is there may be promised: not for huge pages and devices.
fn may_overcommit(name: &str) -> bool {
    STANDARD.contains(&name)
}

/// The `resources` of a container or pod.
pub(super) fn requirements(resources: Option<&Document>, field: &FieldPath) -> FieldErrors {
    static NONE: Document = Document::NULL;
    let resources = resources.unwrap_or(&NONE);
    let mut out = FieldErrors::new();
    let (limits, requests) = (resources.object_at(&["limits"]), resources.object_at(&["requests"]));
    for (which, list) in [("limits", limits), ("requests", requests)] {
        for (name, amount) in list.into_iter().flat_map(Map::iter) {
            out.extend(amount_errors(name, amount, &field.child(which).key(name)));
        }
    }
    for (name, request) in requests.into_iter().flat_map(Map::iter) {
        let at = field.child("requests");
        match limits.and_then(|limits| limits.get(name)) {
            Some(limit) => out.extend(compare(name, request, limit, &at)),
            None if !may_overcommit(name) => {
                let why = format!("Limit must be set for non overcommitable resources: {name}");
                out.push(FieldError::required(&field.child("limits"), why));
            }
            None => {}
        }
    }
    out
}

fn amount_errors(name: &str, amount: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = invalid(field, name, names::qualified_name(name));
    if out.is_empty() && !name.contains('/') && !STANDARD.contains(&name) && !name.starts_with("hugepages-") {
        out.push(FieldError::invalid(field, name, "must be a standard resource for containers"));
    }
    match Quantity::from_document(amount) {
        Some(Ok(quantity)) if quantity.is_negative() => {
            out.push(FieldError::invalid(field, amount, "must be greater than or equal to 0"));
        }
        Some(Ok(quantity)) if !may_overcommit(name) && !quantity.is_whole() => {
            out.push(FieldError::invalid(field, amount, "must be an integer"));
        }
        Some(Ok(_)) => {}
        _ => out.push(FieldError::invalid(
            field,
            amount,
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        )),
    }
    out
}

fn compare(name: &str, request: &Document, limit: &Document, field: &FieldPath) -> Option<FieldError> {
    let (Some(Ok(asked)), Some(Ok(allowed))) =
        (Quantity::from_document(request), Quantity::from_document(limit))
    else {
        return None;
    };
    if !may_overcommit(name) && asked != allowed {
        let why = format!("must be equal to {name} limit of {}", text(limit));
        return Some(FieldError::invalid(field, text(request), why));
    }
    (asked > allowed).then(|| {
        let why = format!("must be less than or equal to {name} limit of {}", text(limit));
        FieldError::invalid(field, text(request), why)
    })
}

fn text(amount: &Document) -> String {
    amount.as_str().map_or_else(|| amount.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn messages(resources: Document) -> Vec<String> {
        requirements(Some(&resources), &FieldPath::new("r")).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn requests_stay_below_limits_and_devices_equal_them() {
        assert_eq!(
            messages(doc!({"requests": {"cpu": "2"}, "limits": {"cpu": "1"}})),
            [r#"r.requests: Invalid value: "2": must be less than or equal to cpu limit of 1"#]
        );
        assert_eq!(
            messages(doc!({"requests": {"example.com/gpu": "1"}})),
            ["r.limits: Required value: Limit must be set for non overcommitable resources: example.com/gpu"]
        );
        assert!(
            messages(doc!({"requests": {"cpu": "1"}, "limits": {"cpu": "1000m", "memory": "1Gi"}}))
                .is_empty()
        );
        assert_eq!(
            messages(doc!({"limits": {"cpu": "-1"}})),
            [r#"r.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0"#]
        );
    }
}
