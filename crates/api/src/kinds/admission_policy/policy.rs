//! What is wrong with the spec of a policy.

use super::super::admission_rules::{failure_policy, match_conditions, match_resources, reinvocation_policy};
use super::AdmissionPolicy;
use super::steps;
use crate::validation::names;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// Operations whose objects can be changed.
const MUTABLE: [&str; 4] = ["*", "CONNECT", "CREATE", "UPDATE"];
/// Words that the expression language keeps for itself.
const RESERVED: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// What is wrong with the policy. Match conditions that did not change were looked at before.
pub(super) fn errors(kind: &AdmissionPolicy, object: &Document, old: Option<&Document>) -> FieldErrors {
    let field = FieldPath::new("spec");
    let spec = &object["spec"];
    let given = |key: &str| spec.get(key).filter(|value| !value.is_null());
    let mut out = FieldErrors::new();
    if given("failurePolicy").is_none() {
        out.push(FieldError::required(&field.child("failurePolicy"), ""));
    }
    out.extend(failure_policy(&field, spec));
    out.extend(given("paramKind").into_iter().flat_map(|kind| param_kind(&field.child("paramKind"), kind)));
    out.extend(constraints(kind, &field.child("matchConstraints"), given("matchConstraints")));
    let same = |key: &str| old.is_some_and(|old| old["spec"][key] == spec[key]);
    if !(same("paramKind") && same("matchConditions")) {
        let conditions = spec.array_at(&["matchConditions"]);
        out.extend(match_conditions(&field.child("matchConditions"), conditions));
    }
    for (i, variable) in spec.array_at(&["variables"]).iter().enumerate() {
        out.extend(variable_errors(&field.child("variables").index(i), variable));
    }
    match kind {
        AdmissionPolicy::Validating => out.extend(steps::validations(&field, object.name(), spec)),
        AdmissionPolicy::Mutating => {
            out.extend(steps::mutations(&field.child("mutations"), spec.array_at(&["mutations"])));
            if spec.str_at(&["reinvocationPolicy"]).is_empty() {
                out.push(FieldError::required(&field.child("reinvocationPolicy"), ""));
            } else {
                out.extend(reinvocation_policy(&field, spec));
            }
        }
    }
    out
}

fn constraints(kind: &AdmissionPolicy, field: &FieldPath, matcher: Option<&Document>) -> FieldErrors {
    let Some(matcher) = matcher else { return vec![FieldError::required(field, "")] };
    let mut out = match_resources(field, matcher);
    if matcher.array_at(&["resourceRules"]).is_empty() {
        out.push(FieldError::required(&field.child("resourceRules"), ""));
    }
    if matches!(kind, AdmissionPolicy::Mutating) {
        out.extend(immutable_operations(field, matcher));
    }
    out
}

/// Operations of rules whose objects cannot be changed.
pub(super) fn immutable_operations(field: &FieldPath, matcher: &Document) -> FieldErrors {
    let place = field.child("resourceRules").child("operations");
    let rules = matcher.array_at(&["resourceRules"]).iter();
    rules
        .flat_map(|rule| rule.array_at(&["operations"]))
        .filter_map(Document::as_str)
        .filter(|operation| !MUTABLE.contains(operation))
        .map(|operation| FieldError::not_supported(&place, operation, &MUTABLE))
        .collect()
}

/// What is wrong with the kind of parameters.
fn param_kind(field: &FieldPath, kind: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let (place, text) = (field.child("apiVersion"), kind.str_at(&["apiVersion"]));
    if text.is_empty() {
        out.push(FieldError::required(&place, ""));
    } else {
        out.extend(group_version(&place, text));
    }
    let (place, text) = (field.child("kind"), kind.str_at(&["kind"]));
    if text.is_empty() {
        out.push(FieldError::required(&place, ""));
    } else {
        let complaints = names::dns1035_label(&text.to_lowercase());
        if !complaints.is_empty() {
            let why = format!("may have mixed case, but should otherwise match: {}", complaints.join(","));
            out.push(FieldError::invalid(&place, text, why));
        }
    }
    out
}

fn group_version(field: &FieldPath, text: &str) -> FieldErrors {
    let (group, version) = match text.matches('/').count() {
        0 => ("", text),
        1 => text.split_once('/').unwrap_or(("", text)),
        _ => {
            let why = format!("unexpected GroupVersion string: {text}");
            return vec![FieldError::invalid(field, text, why)];
        }
    };
    let mut out = FieldErrors::new();
    let mut told = |shown: &str, complaints: Vec<String>| {
        if !complaints.is_empty() {
            out.push(FieldError::invalid(field, shown, complaints.join(",")));
        }
    };
    if !group.is_empty() {
        told(group, names::dns1123_subdomain(group));
    }
    if version.is_empty() {
        told(text, vec!["version must be specified".to_owned()]);
    } else {
        told(version, names::dns1035_label(version));
    }
    out
}

fn variable_errors(field: &FieldPath, variable: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let (place, name) = (field.child("name"), variable.str_at(&["name"]));
    if name.trim().is_empty() {
        out.push(FieldError::required(&place, "name is not specified"));
    } else if !names::c_identifier(name).is_empty() || RESERVED.contains(&name) {
        out.push(FieldError::invalid(&place, name, "must be a valid CEL identifier"));
    }
    if variable.str_at(&["expression"]).trim().is_empty() {
        out.push(FieldError::required(&field.child("expression"), "expression is not specified"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn fine() -> Document {
        doc!({
            "failurePolicy": "Fail",
            "matchConstraints": {
                "matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {},
                "resourceRules": [
                    {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
                ]
            },
            "validations": [{"expression": "true"}],
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": "[]"}}],
            "reinvocationPolicy": "Never"
        })
    }

    fn complaints(kind: &AdmissionPolicy, key: &str, value: Document) -> Vec<String> {
        let mut spec = fine();
        spec.insert(key, value);
        let object = doc!({"metadata": {"name": "p"}, "spec": spec});
        errors(kind, &object, None).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn policies_are_judged_in_upstreams_words() {
        let cases = [
            ("failurePolicy", doc!("Fail"), vec![]),
            ("failurePolicy", Document::NULL, vec!["spec.failurePolicy: Required value"]),
            ("matchConstraints", Document::NULL, vec!["spec.matchConstraints: Required value"]),
            (
                "matchConstraints",
                doc!({"matchPolicy": "Exact", "namespaceSelector": {}, "objectSelector": {}}),
                vec!["spec.matchConstraints.resourceRules: Required value"],
            ),
            (
                "paramKind",
                doc!({"apiVersion": "a/b/c", "kind": ""}),
                vec![
                    r#"spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c"#,
                    "spec.paramKind.kind: Required value",
                ],
            ),
            (
                "paramKind",
                doc!({"apiVersion": "a/", "kind": "K"}),
                vec![r#"spec.paramKind.apiVersion: Invalid value: "a/": version must be specified"#],
            ),
            (
                "variables",
                doc!([{"name": "in", "expression": ""}]),
                vec![
                    r#"spec.variables[0].name: Invalid value: "in": must be a valid CEL identifier"#,
                    "spec.variables[0].expression: Required value: expression is not specified",
                ],
            ),
        ];
        for (key, value, expected) in cases {
            assert_eq!(
                complaints(&AdmissionPolicy::Validating, key, value.clone()),
                expected,
                "{key} {value}"
            );
            assert_eq!(complaints(&AdmissionPolicy::Mutating, key, value), expected, "{key}");
        }
    }

    #[test]
    fn mutations_are_of_objects_that_can_change() {
        let mut constraints = fine()["matchConstraints"].clone();
        let rule = &mut constraints.ensure(&["resourceRules"]).make_array()[0];
        rule.insert("operations", doc!(["DELETE"]));
        assert_eq!(
            complaints(&AdmissionPolicy::Mutating, "matchConstraints", constraints),
            [
                r#"spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE""#
            ]
        );
        assert_eq!(
            complaints(&AdmissionPolicy::Mutating, "reinvocationPolicy", doc!("")),
            ["spec.reinvocationPolicy: Required value"]
        );
    }

    #[test]
    fn conditions_that_did_not_change_are_not_looked_at_again() {
        let mut spec = fine();
        spec.insert("matchConditions", doc!([{"name": "", "expression": "true"}]));
        let object = doc!({"metadata": {"name": "p"}, "spec": spec});
        assert_eq!(errors(&AdmissionPolicy::Validating, &object, None).len(), 1);
        assert_eq!(errors(&AdmissionPolicy::Validating, &object, Some(&object)), []);
    }
}
