//! What is wrong with a rule: operations, groups, versions, resources and the scope that it matches.

use super::is_mixed;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashSet;

const OPERATIONS: [&str; 5] = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const SCOPES: [&str; 3] = ["*", "Cluster", "Namespaced"];

/// What is wrong with the rule.
pub(crate) fn rule_with_operations(field: &FieldPath, rule: &Document) -> FieldErrors {
    let (place, operations) = (field.child("operations"), rule.array_at(&["operations"]));
    let mut out = FieldErrors::new();
    if operations.is_empty() {
        out.push(FieldError::required(&place, ""));
    }
    out.extend(lonely(&place, operations, "operations"));
    for (i, operation) in operations.iter().enumerate() {
        let text = operation.as_str().unwrap_or_default();
        if !OPERATIONS.contains(&text) {
            out.push(FieldError::not_supported(&place.index(i), text, &OPERATIONS));
        }
    }
    out.extend(self::rule(field, rule));
    out
}

fn rule(field: &FieldPath, rule: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    for (key, others) in [("apiGroups", "API groups"), ("apiVersions", "API versions")] {
        let (place, list) = (field.child(key), rule.array_at(&[key]));
        if list.is_empty() {
            out.push(FieldError::required(&place, ""));
        }
        out.extend(lonely(&place, list, others));
        if key == "apiVersions" {
            let empty = list.iter().enumerate().filter(|(_, version)| version.as_str() == Some(""));
            out.extend(empty.map(|(i, _)| FieldError::required(&place.index(i), "")));
        }
    }
    out.extend(resources(&field.child("resources"), rule.array_at(&["resources"])));
    if let Some(scope) = rule.get("scope").and_then(Document::as_str).filter(|s| !SCOPES.contains(s)) {
        out.push(FieldError::not_supported(&field.child("scope"), scope, &SCOPES));
    }
    out
}

/// A wildcard stands alone.
fn lonely(field: &FieldPath, list: &[Document], others: &str) -> Option<FieldError> {
    is_mixed(list).then(|| {
        let why = format!("if '*' is present, must not specify other {others}");
        FieldError::invalid(field, list.to_vec(), why)
    })
}

/// Resources as `pods`, `pods/status`, `pods/*`, `*/status`, `*` and `*/*`; none is covered by an earlier one.
fn resources(field: &FieldPath, list: &[Document]) -> FieldErrors {
    let mut out = FieldErrors::new();
    if list.is_empty() {
        out.push(FieldError::required(field, ""));
    }
    let (mut whole_resources, mut whole_subresources) = (HashSet::new(), HashSet::new());
    // As upstream, only the last resource without a subresource decides.
    let mut has_plain = false;
    let texts = || list.iter().map(|one| one.as_str().unwrap_or_default());
    for (i, text) in texts().enumerate() {
        if text.is_empty() {
            out.push(FieldError::required(&field.index(i), ""));
            continue;
        }
        let Some((resource, subresource)) = text.split_once('/') else {
            has_plain = text != "*";
            continue;
        };
        let mut covered = |by: String| {
            let why = format!("if '{by}' is present, must not specify {text}");
            out.push(FieldError::invalid(&field.index(i), text, why));
        };
        if whole_resources.contains(resource) {
            covered(format!("{resource}/*"));
        }
        if whole_subresources.contains(subresource) {
            covered(format!("*/{subresource}"));
        }
        if subresource == "*" {
            whole_resources.insert(resource);
        }
        if resource == "*" {
            whole_subresources.insert(subresource);
        }
    }
    let has = |wanted: &str| texts().any(|text| text == wanted);
    if list.len() > 1 && has("*/*") {
        let why = "if '*/*' is present, must not specify other resources";
        out.push(FieldError::invalid(field, list.to_vec(), why));
    }
    if has("*") && has_plain {
        let why = "if '*' is present, must not specify other resources without subresources";
        out.push(FieldError::invalid(field, list.to_vec(), why));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn complaints(rule: Document) -> Vec<String> {
        rule_with_operations(&FieldPath::new("r"), &rule).iter().map(ToString::to_string).collect()
    }

    fn of_resources(resources: Document) -> Vec<String> {
        complaints(doc!({
            "operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": resources, "scope": "*"
        }))
    }

    #[test]
    fn a_rule_matches_something() {
        assert_eq!(
            complaints(
                doc!({"operations": ["*", "JUMP"], "apiGroups": ["*", "a"], "apiVersions": [""], "scope": "Here"})
            ),
            [
                r#"r.operations: Invalid value: ["*","JUMP"]: if '*' is present, must not specify other operations"#,
                r#"r.operations[1]: Unsupported value: "JUMP": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE""#,
                r#"r.apiGroups: Invalid value: ["*","a"]: if '*' is present, must not specify other API groups"#,
                "r.apiVersions[0]: Required value",
                "r.resources: Required value",
                r#"r.scope: Unsupported value: "Here": supported values: "*", "Cluster", "Namespaced""#,
            ]
        );
        assert_eq!(
            complaints(doc!({"resources": ["pods"]})),
            ["r.operations: Required value", "r.apiGroups: Required value", "r.apiVersions: Required value"]
        );
    }

    #[test]
    fn resources_do_not_cover_each_other() {
        assert_eq!(
            of_resources(doc!(["pods", "pods/status", "deployments/*", "*/scale"])),
            Vec::<String>::new()
        );
        let cases = [
            (doc!([""]), vec!["r.resources[0]: Required value"]),
            (
                doc!(["a/*", "a/x"]),
                vec![r#"r.resources[1]: Invalid value: "a/x": if 'a/*' is present, must not specify a/x"#],
            ),
            (
                doc!(["*/a", "x/a"]),
                vec![r#"r.resources[1]: Invalid value: "x/a": if '*/a' is present, must not specify x/a"#],
            ),
            (
                doc!(["*/*", "a"]),
                vec![
                    r#"r.resources: Invalid value: ["*/*","a"]: if '*/*' is present, must not specify other resources"#,
                ],
            ),
            (
                doc!(["*", "a"]),
                vec![
                    r#"r.resources: Invalid value: ["*","a"]: if '*' is present, must not specify other resources without subresources"#,
                ],
            ),
        ];
        for (resources, expected) in cases {
            assert_eq!(of_resources(resources.clone()), expected, "{resources}");
        }
    }
}
