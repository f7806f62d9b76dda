//! What is wrong with the spec of a binding.

use super::super::admission_rules::match_resources;
use super::AdmissionPolicyBinding;
use super::policy::immutable_operations;
use crate::validation::{invalid, labels, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashSet;

const ACTIONS: [&str; 3] = ["Audit", "Deny", "Warn"];
/// What happens without a parameter.
const NOT_FOUND_ACTIONS: [&str; 2] = ["Deny", "Allow"];

/// What is wrong with the binding.
pub(super) fn errors(kind: &AdmissionPolicyBinding, spec: &Document) -> FieldErrors {
    let field = FieldPath::new("spec");
    let given = |key: &str| spec.get(key).filter(|value| !value.is_null());
    let mut out = FieldErrors::new();
    let (place, policy) = (field.child("policyName"), spec.str_at(&["policyName"]));
    if policy.is_empty() {
        out.push(FieldError::required(&place, ""));
    } else {
        out.extend(invalid(&place, policy, names::dns1123_subdomain(policy)));
    }
    out.extend(given("paramRef").into_iter().flat_map(|of| parameter(&field.child("paramRef"), of)));
    let place = field.child("matchResources");
    out.extend(given("matchResources").into_iter().flat_map(|matcher| match_resources(&place, matcher)));
    match kind {
        AdmissionPolicyBinding::Validating => {
            out.extend(actions(&field.child("validationActions"), spec.array_at(&["validationActions"])));
        }
        AdmissionPolicyBinding::Mutating => {
            out.extend(immutable_operations(&place, &spec["matchResources"]));
        }
    }
    out
}

/// Parameters are named or selected.
fn parameter(field: &FieldPath, parameter: &Document) -> FieldErrors {
    const EXCLUSIVE: &str = "name and selector are mutually exclusive";
    let selector = parameter.get("selector").filter(|selector| !selector.is_null());
    let (place, name) = (field.child("name"), parameter.str_at(&["name"]));
    let mut out = FieldErrors::new();
    if !name.is_empty() {
        out.extend(invalid(&place, name, names::path_segment(name)));
        if selector.is_some() {
            out.push(FieldError::forbidden(&place, EXCLUSIVE));
        }
    }
    let place = field.child("selector");
    out.extend(labels::selector(&place, selector));
    if selector.is_some() && !name.is_empty() {
        out.push(FieldError::forbidden(&place, EXCLUSIVE));
    }
    if selector.is_none() && name.is_empty() {
        out.push(FieldError::required(field, "one of name or selector must be specified"));
    }
    let (place, action) =
        (field.child("parameterNotFoundAction"), parameter.str_at(&["parameterNotFoundAction"]));
    if action.is_empty() {
        out.push(FieldError::required(&place, ""));
    } else if !NOT_FOUND_ACTIONS.contains(&action) {
        out.push(FieldError::not_supported(&place, action, &NOT_FOUND_ACTIONS));
    }
    out
}

fn actions(field: &FieldPath, actions: &[Document]) -> FieldErrors {
    let mut seen = HashSet::new();
    let mut out = FieldErrors::new();
    for (i, action) in actions.iter().filter_map(Document::as_str).enumerate() {
        if !ACTIONS.contains(&action) {
            out.push(FieldError::not_supported(&field.index(i), action, &ACTIONS));
        }
        if !seen.insert(action) {
            out.push(FieldError::duplicate(&field.index(i), action));
        }
    }
    if seen.contains("Deny") && seen.contains("Warn") {
        let why = "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)";
        out.push(FieldError::invalid(field, actions.to_vec(), why));
    }
    if seen.is_empty() {
        out.push(FieldError::required(field, "at least one validation action is required"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn complaints(spec: Document) -> Vec<String> {
        errors(&AdmissionPolicyBinding::Validating, &spec).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_binding_names_a_policy_and_what_it_does() {
        assert_eq!(
            complaints(doc!({"policyName": "p", "validationActions": ["Deny", "Audit"]})),
            Vec::<String>::new()
        );
        assert_eq!(
            complaints(doc!({})),
            [
                "spec.policyName: Required value",
                "spec.validationActions: Required value: at least one validation action is required",
            ]
        );
        assert_eq!(
            complaints(doc!({"policyName": "p", "validationActions": ["Deny", "Warn", "Deny", "Log"]})),
            [
                r#"spec.validationActions[2]: Duplicate value: "Deny""#,
                r#"spec.validationActions[3]: Unsupported value: "Log": supported values: "Audit", "Deny", "Warn""#,
                r#"spec.validationActions: Invalid value: ["Deny","Warn","Deny","Log"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)"#,
            ]
        );
    }

    #[test]
    fn parameters_are_named_or_selected() {
        let of = |parameter: Document| {
            complaints(doc!({"policyName": "p", "validationActions": ["Deny"], "paramRef": parameter}))
        };
        assert_eq!(of(doc!({"name": "a", "parameterNotFoundAction": "Deny"})), Vec::<String>::new());
        assert_eq!(
            of(doc!({"name": "a", "selector": {}, "parameterNotFoundAction": "Ask"})),
            [
                "spec.paramRef.name: Forbidden: name and selector are mutually exclusive",
                "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
                r#"spec.paramRef.parameterNotFoundAction: Unsupported value: "Ask": supported values: "Deny", "Allow""#,
            ]
        );
        assert_eq!(
            of(doc!({})),
            [
                "spec.paramRef: Required value: one of name or selector must be specified",
                "spec.paramRef.parameterNotFoundAction: Required value",
            ]
        );
    }
}
