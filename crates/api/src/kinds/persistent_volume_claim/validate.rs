//! What is wrong with a claim, and with its status.

use super::data_source;
use crate::kinds::persistent_volume::validate::{
    VOLUME_MODES, amounts, basic, class_name, exclusive_modes, positive,
};
use crate::validation::{invalid, labels, names, resources};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map, Quantity};

/// How far the growing of a volume has come.
const RESIZE_STATUSES: [&str; 5] = [
    "ControllerResizeInProgress",
    "ControllerResizeInfeasible",
    "NodeResizeInProgress",
    "NodeResizeInfeasible",
    "NodeResizePending",
];
/// The one resource of a claim that upstream gave its name.
const STORAGE: &str = "storage";

/// What is wrong with a claim; of a changed one the old state is given.
pub(super) fn claim(claim: &Document, old: Option<&Document>) -> FieldErrors {
    static EMPTY: Document = Document::NULL;
    let old = old.and_then(|old| old.get("spec"));
    spec(&FieldPath::new("spec"), claim.get("spec").unwrap_or(&EMPTY), old)
}

fn spec(field: &FieldPath, spec: &Document, old: Option<&Document>) -> FieldErrors {
    let modes = spec.array_at(&["accessModes"]);
    let mut out = FieldErrors::new();
    if modes.is_empty() {
        let why = "at least 1 access mode is required";
        out.push(FieldError::required(&field.child("accessModes"), why));
    }
    out.extend(selector(&field.child("selector"), spec.get("selector"), old));
    out.extend(exclusive_modes(&field.child("accessModes"), modes));
    out.extend(request(&field.child("resources").key(STORAGE), spec));
    out.extend(class_name(&field.child("storageClassName"), spec.str_at(&["storageClassName"])));
    if let Some(mode) = spec.get("volumeMode").and_then(Document::as_str)
        && !VOLUME_MODES.contains(&mode)
    {
        out.push(FieldError::not_supported(&field.child("volumeMode"), mode, &VOLUME_MODES));
    }
    let checks_group = old.is_none_or(|old| !data_source::has_group(old));
    out.extend(data_source::errors(field, spec, checks_group));
    let class = "volumeAttributesClassName";
    out.extend(class_name(&field.child(class), spec.str_at(&[class])));
    out
}

/// A selector that was wrong before may stay so in its values.
fn selector(field: &FieldPath, selector: Option<&Document>, old: Option<&Document>) -> FieldErrors {
    let Some(selector) = selector.filter(|selector| !selector.is_null()) else { return FieldErrors::new() };
    let errors = labels::selector(field, Some(selector));
    let old = old.and_then(|old| old.get("selector")).filter(|old| !old.is_null());
    if labels::selector(field, old).is_empty() {
        return errors;
    }
    let values = field.child("matchExpressions").as_str().to_owned();
    let of_value = |error: &FieldError| {
        error.field.as_str().starts_with(&values) && error.field.as_str().contains(".values[")
    };
    errors.into_iter().filter(|error| !of_value(error)).collect()
}

fn request(field: &FieldPath, spec: &Document) -> FieldErrors {
    let Some(amount) = spec.at(&["resources", "requests", STORAGE]).filter(|amount| !amount.is_null()) else {
        return vec![FieldError::required(field, "")];
    };
    let Some(Ok(amount)) = Quantity::from_document(amount) else { return FieldErrors::new() };
    match positive(field, amount) {
        Some(error) => vec![error],
        None => resources::amount(field, STORAGE, amount),
    }
}

/// What is wrong with a status that was written.
pub(super) fn status(claim: &Document) -> FieldErrors {
    let field = FieldPath::new("status");
    let list = |name: &str| claim.object_at(&["status", name]);
    let mut out = FieldErrors::new();
    for (name, amount) in amounts(list("capacity")) {
        out.extend(basic(&field.child("capacity").key(name), amount));
    }
    out.extend(resize_statuses(&field.child("allocatedResourceStatus"), list("allocatedResourceStatuses")));
    let at = field.child("allocatedResources");
    for (name, amount) in amounts(list("allocatedResources")) {
        let wrong = resource_name(&at, name);
        let amount_at = at.key(name);
        if !wrong.is_empty() {
            out.extend(wrong);
        } else if let Some(error) = basic(&amount_at, amount) {
            out.push(error);
        } else {
            out.extend(resources::amount(&amount_at, STORAGE, amount));
        }
    }
    out
}

fn resize_statuses(field: &FieldPath, statuses: Option<&Map>) -> FieldErrors {
    let mut statuses: Vec<(&str, &Document)> = statuses.into_iter().flat_map(Map::iter).collect();
    statuses.sort_unstable_by_key(|(name, _)| *name);
    let mut out = FieldErrors::new();
    for (name, status) in statuses {
        out.extend(resource_name(field, name));
        if !RESIZE_STATUSES.contains(&status.as_str().unwrap_or("")) {
            // Upstream shows the resource and not its status.
            out.push(FieldError::not_supported(field, name, &RESIZE_STATUSES));
        }
    }
    out
}

/// What is wrong with the name of a resource that a claim was given.
fn resource_name(field: &FieldPath, name: &str) -> FieldErrors {
    let mut out = invalid(field, name, names::qualified_name(name));
    let native = !name.contains('/') || name.contains("kubernetes.io/");
    if out.is_empty() && native && name != STORAGE {
        out.push(FieldError::not_supported(field, name, &[STORAGE]));
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

    /// A valid claim with some fields replaced; null removes one.
    fn changed(changes: &Document) -> Document {
        let mut spec =
            doc!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
        for (name, value) in changes.as_object().unwrap().iter() {
            spec.insert(name, value);
        }
        doc!({"spec": spec})
    }

    #[test]
    fn claims_say_how_much_and_how_it_is_used() {
        let cases = [
            ("fine", doc!({"storageClassName": "", "volumeAttributesClassName": ""}), vec![]),
            (
                "nothing",
                doc!({"accessModes": null, "resources": null}),
                vec![
                    "spec.accessModes: Required value: at least 1 access mode is required",
                    "spec.resources[storage]: Required value",
                ],
            ),
            (
                "amount",
                doc!({"resources": {"requests": {"storage": "0"}}}),
                vec![r#"spec.resources[storage]: Invalid value: "0": must be greater than zero"#],
            ),
            (
                "modes",
                doc!({"accessModes": ["ReadWriteOncePod", "ReadOnlyMany"]}),
                vec!["spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes"],
            ),
            (
                "mode",
                doc!({"volumeMode": "Tape"}),
                vec![
                    r#"spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem""#,
                ],
            ),
            (
                "selector",
                doc!({"selector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}}),
                vec![
                    r#"spec.selector.matchExpressions[0].operator: Invalid value: "Like": not a valid selector operator"#,
                ],
            ),
        ];
        for (name, changes, expected) in cases {
            assert_eq!(texts(&claim(&changed(&changes), None)), expected, "{name}");
        }
        let class = changed(&doc!({"storageClassName": "A"}));
        assert!(
            texts(&claim(&class, None))[0]
                .starts_with(r#"spec.storageClassName: Invalid value: "A": a lowercase RFC 1123"#)
        );
    }

    #[test]
    fn values_of_selectors_may_stay_as_wrong_as_they_were() {
        let strange = changed(&doc!({
            "selector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["-"]}]}
        }));
        assert_eq!(claim(&strange, None).len(), 1);
        assert_eq!(claim(&strange, Some(&strange)), []);
    }

    #[test]
    fn told_sizes_are_possible_and_of_storage() {
        let claim = doc!({"status": {
            "capacity": {"storage": "-1"},
            "allocatedResources": {"storage": "1Gi", "cpu": "1", "example.com/x": "1"},
            "allocatedResourceStatuses": {"storage": "Growing"}
        }});
        assert_eq!(
            texts(&status(&claim)),
            [
                "status.capacity[storage]: Invalid value: -1: must be a valid resource quantity",
                r#"status.allocatedResourceStatus: Unsupported value: "storage": supported values: "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending""#,
                r#"status.allocatedResources: Unsupported value: "cpu": supported values: "storage""#,
            ]
        );
    }
}
