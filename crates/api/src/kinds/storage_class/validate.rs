//! What is wrong with a StorageClass, and what it has in common with a VolumeAttributesClass.

use crate::validation::{immutable, invalid, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map};
use std::collections::{BTreeMap, BTreeSet};

const RECLAIM_POLICIES: [&str; 2] = ["Delete", "Retain"];
const BINDING_MODES: [&str; 2] = ["Immediate", "WaitForFirstConsumer"];
const MAX_PARAMETERS: usize = 512;
const MAX_PARAMETER_BYTES: usize = 256 << 10;

/// Values by label.
type Labels<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// What is wrong with a class.
pub(super) fn class(class: &Document) -> FieldErrors {
    let mut out = provisioner(&FieldPath::new("provisioner"), class.str_at(&["provisioner"]));
    out.extend(parameters(&FieldPath::new("parameters"), class.object_at(&["parameters"])));
    let policy = class.str_at(&["reclaimPolicy"]);
    if !policy.is_empty() && !RECLAIM_POLICIES.contains(&policy) {
        out.push(FieldError::not_supported(&FieldPath::new("reclaimPolicy"), policy, &RECLAIM_POLICIES));
    }
    let field = FieldPath::new("volumeBindingMode");
    match class.get("volumeBindingMode").and_then(Document::as_str) {
        None => out.push(FieldError::required(&field, "")),
        Some(mode) if BINDING_MODES.contains(&mode) => {}
        Some(mode) => out.push(FieldError::not_supported(&field, mode, &BINDING_MODES)),
    }
    out.extend(topologies(&FieldPath::new("allowedTopologies"), class.array_at(&["allowedTopologies"])));
    out
}

/// What is wrong with the change, the new state being valid.
pub(super) fn update(new: &Document, old: &Document) -> FieldErrors {
    let frozen = ["parameters", "provisioner", "reclaimPolicy"].into_iter();
    let mut out: FieldErrors = frozen.filter_map(|name| changed(name, new, old)).collect();
    let field = FieldPath::new("volumeBindingMode");
    out.extend(immutable(&field, new.get("volumeBindingMode"), old.get("volumeBindingMode")));
    out
}

/// `updates to NAME are forbidden.` if the field changed.
pub(crate) fn changed(name: &str, new: &Document, old: &Document) -> Option<FieldError> {
    (new[name] != old[name])
        .then(|| FieldError::forbidden(&FieldPath::new(name), format!("updates to {name} are forbidden.")))
}

/// What is wrong with the name of a provisioner or driver.
pub(crate) fn provisioner(field: &FieldPath, name: &str) -> FieldErrors {
    if name.is_empty() {
        return vec![FieldError::required(field, "")];
    }
    // Upstream shows the name as it was compared.
    let name = name.to_lowercase();
    invalid(field, &name, names::qualified_name(&name))
}

/// What is wrong with what a driver is told about volumes.
pub(crate) fn parameters(field: &FieldPath, parameters: Option<&Map>) -> FieldErrors {
    let parameters = || parameters.into_iter().flat_map(Map::iter);
    if parameters().count() > MAX_PARAMETERS {
        return vec![FieldError::too_long(field, MAX_PARAMETERS)];
    }
    let mut out = FieldErrors::new();
    if parameters().any(|(name, _)| name.is_empty()) {
        out.push(FieldError::invalid(field, "", "field can not be empty."));
    }
    let bytes: usize =
        parameters().map(|(name, value)| name.len() + value.as_str().map_or(0, str::len)).sum();
    if bytes > MAX_PARAMETER_BYTES {
        out.push(FieldError::too_long(field, MAX_PARAMETER_BYTES));
    }
    out
}

fn topologies(field: &FieldPath, terms: &[Document]) -> FieldErrors {
    let mut out = FieldErrors::new();
    // Upstream compares with terms that are empty, and then with those before.
    let mut seen = BTreeSet::from([Labels::new()]);
    for (i, term) in terms.iter().enumerate() {
        let field = field.index(i).child("matchLabelExpressions");
        let (labels, errors) = topology(&field, term.array_at(&["matchLabelExpressions"]));
        out.extend(errors);
        if !seen.insert(labels) {
            out.push(FieldError::duplicate(&field, ""));
        }
    }
    out
}

fn topology<'a>(field: &FieldPath, expressions: &'a [Document]) -> (Labels<'a>, FieldErrors) {
    let mut labels = Labels::new();
    let mut out = FieldErrors::new();
    for (i, expression) in expressions.iter().enumerate() {
        let field = field.index(i);
        let values = field.child("values");
        let mut set = BTreeSet::new();
        if expression.array_at(&["values"]).is_empty() {
            out.push(FieldError::required(&values, ""));
        }
        for (i, value) in expression.array_at(&["values"]).iter().enumerate() {
            let value = value.as_str().unwrap_or("");
            if !set.insert(value) {
                out.push(FieldError::duplicate(&values.index(i), value));
            }
        }
        let key = expression.str_at(&["key"]);
        out.extend(invalid(&field.child("key"), key, names::qualified_name(key)));
        if labels.insert(key, set).is_some() {
            out.push(FieldError::duplicate(&field.child("key"), key));
        }
    }
    (labels, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Strategy;
    use crate::kinds::storage_class::StorageClass;
    use skiff_apimachinery::doc;

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    fn of(mut class: Document) -> Document {
        StorageClass.default(&mut class);
        class
    }

    #[test]
    fn classes_say_who_makes_volumes_and_how() {
        let cases = [
            ("fine", doc!({"provisioner": "Example.com/P", "parameters": {"a": "b"}}), vec![]),
            ("nobody", doc!({}), vec!["provisioner: Required value"]),
            (
                "policy",
                doc!({"provisioner": "p", "reclaimPolicy": "Recycle"}),
                vec![r#"reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain""#],
            ),
            (
                "mode",
                doc!({"provisioner": "p", "volumeBindingMode": "Later"}),
                vec![
                    r#"volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer""#,
                ],
            ),
            (
                "parameter",
                doc!({"provisioner": "p", "parameters": {"": "b"}}),
                vec![r#"parameters: Invalid value: "": field can not be empty."#],
            ),
        ];
        for (name, class, expected) in cases {
            assert_eq!(texts(&super::class(&of(class))), expected, "{name}");
        }
    }

    #[test]
    fn parameters_are_few_and_short() {
        let field = FieldPath::new("parameters");
        let many: Map = (0..513).map(|n| (n.to_string(), "")).collect();
        assert_eq!(
            texts(&parameters(&field, Some(&many))),
            ["parameters: Too long: may not be more than 512 bytes"]
        );
        let long: Map = [("a", "b".repeat(MAX_PARAMETER_BYTES))].into_iter().collect();
        assert_eq!(
            texts(&parameters(&field, Some(&long))),
            ["parameters: Too long: may not be more than 262144 bytes"]
        );
    }

    #[test]
    fn topologies_are_different_and_so_are_their_labels() {
        let cases = [
            (
                "the same",
                doc!([
                    {"matchLabelExpressions": [{"key": "a", "values": ["x", "y"]}]},
                    {"matchLabelExpressions": [{"key": "a", "values": ["y", "x"]}]}
                ]),
                vec![r#"t[1].matchLabelExpressions: Duplicate value: """#],
            ),
            ("empty", doc!([{}]), vec![r#"t[0].matchLabelExpressions: Duplicate value: """#]),
            (
                "labels",
                doc!([{"matchLabelExpressions": [{"key": "a", "values": ["x", "x"]}, {"key": "a"}]}]),
                vec![
                    r#"t[0].matchLabelExpressions[0].values[1]: Duplicate value: "x""#,
                    "t[0].matchLabelExpressions[1].values: Required value",
                    r#"t[0].matchLabelExpressions[1].key: Duplicate value: "a""#,
                ],
            ),
        ];
        for (name, terms, expected) in cases {
            assert_eq!(
                texts(&topologies(&FieldPath::new("t"), terms.as_array().unwrap())),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn how_volumes_are_made_does_not_change() {
        let old = of(doc!({"provisioner": "p"}));
        let new = of(doc!({
            "provisioner": "q", "parameters": {"a": "b"}, "reclaimPolicy": "Retain",
            "volumeBindingMode": "WaitForFirstConsumer", "allowVolumeExpansion": true
        }));
        assert_eq!(
            texts(&update(&new, &old)),
            [
                "parameters: Forbidden: updates to parameters are forbidden.",
                "provisioner: Forbidden: updates to provisioner are forbidden.",
                "reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.",
                r#"volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable"#,
            ]
        );
    }
}
