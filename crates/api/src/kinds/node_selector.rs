//! Node selectors as volumes and devices have them: what is wrong with one, and which of its labels are deprecated.

use super::internal_form::Field;
use crate::validation::{invalid, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

const REQUIREMENT: &[Field] =
    &[Field::text("key", "Key"), Field::text("operator", "Operator"), Field::value("values", "Values")];
/// `core.NodeSelectorTerm`.
pub(crate) const TERM: &[Field] = &[
    Field::list("matchExpressions", "MatchExpressions", REQUIREMENT),
    Field::list("matchFields", "MatchFields", REQUIREMENT),
];
/// `core.NodeSelector`.
pub(crate) const SELECTOR: &[Field] = &[Field::list("nodeSelectorTerms", "NodeSelectorTerms", TERM)];

/// Labels that have other names now: the old name, the new one, and since when.
const RENAMED: [(&str, &str, &str); 5] = [
    ("beta.kubernetes.io/arch", "kubernetes.io/arch", "v1.14"),
    ("beta.kubernetes.io/os", "kubernetes.io/os", "v1.14"),
    ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region", "v1.17"),
    ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone", "v1.17"),
    ("beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type", "v1.17"),
];

/// Whether the values of expressions must be label values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Values {
    /// They must.
    Checked,
    /// The object had others before this was a rule.
    Unchecked,
}

/// What is wrong with a node selector.
pub(crate) fn selector(field: &FieldPath, selector: &Document, values: Values) -> FieldErrors {
    let field = field.child("nodeSelectorTerms");
    let terms = selector.array_at(&["nodeSelectorTerms"]);
    if terms.is_empty() {
        return vec![FieldError::required(&field, "must have at least one node selector term")];
    }
    terms.iter().enumerate().flat_map(|(i, one)| term(&field.index(i), one, values)).collect()
}

/// Whether an expression of a node selector has a value that is no label value.
pub(crate) fn has_strange_values(selector: &Document) -> bool {
    let terms = selector.array_at(&["nodeSelectorTerms"]).iter();
    let expressions = terms.flat_map(|term| term.array_at(&["matchExpressions"]));
    let values = expressions.flat_map(|expression| expression.array_at(&["values"]));
    values.filter_map(Document::as_str).any(|value| !names::label_value(value).is_empty())
}

/// The name that a label has now, and the text that says so.
pub(crate) fn renamed(label: &str) -> Option<(&'static str, String)> {
    let (_, new, since) = RENAMED.into_iter().find(|(old, ..)| *old == label)?;
    Some((new, format!("deprecated since {since}; use \"{new}\" instead")))
}

/// A warning for each expression that names a deprecated label; `field` is the object that has the expressions.
pub(crate) fn expression_warnings(field: &FieldPath, object: &Document) -> Vec<String> {
    let field = field.child("matchExpressions");
    let expressions = object.array_at(&["matchExpressions"]).iter().enumerate();
    expressions
        .filter_map(|(i, expression)| {
            let key = expression.str_at(&["key"]);
            let (_, why) = renamed(key)?;
            Some(format!("{}: {key} is {why}", field.index(i).child("key")))
        })
        .collect()
}

fn term(field: &FieldPath, term: &Document, values: Values) -> FieldErrors {
    let mut out = FieldErrors::new();
    for (i, requirement) in term.array_at(&["matchExpressions"]).iter().enumerate() {
        out.extend(label_requirement(&field.child("matchExpressions").index(i), requirement, values));
    }
    for (i, requirement) in term.array_at(&["matchFields"]).iter().enumerate() {
        out.extend(field_requirement(&field.child("matchFields").index(i), requirement));
    }
    out
}

fn label_requirement(field: &FieldPath, requirement: &Document, checked: Values) -> FieldErrors {
    let mut out = FieldErrors::new();
    let at = field.child("values");
    let values = requirement.array_at(&["values"]);
    match requirement.str_at(&["operator"]) {
        "In" | "NotIn" if values.is_empty() => {
            out.push(FieldError::required(&at, "must be specified when `operator` is 'In' or 'NotIn'"));
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            out.push(FieldError::forbidden(&at, why));
        }
        "Gt" | "Lt" if values.len() != 1 => {
            let why = "must be specified single value when `operator` is 'Lt' or 'Gt'";
            out.push(FieldError::required(&at, why));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
        other => out.push(not_an_operator(field, other)),
    }
    let key = requirement.str_at(&["key"]);
    out.extend(invalid(&field.child("key"), key, names::qualified_name(key)));
    if checked == Values::Checked {
        for (i, value) in values.iter().enumerate() {
            let value = value.as_str().unwrap_or("");
            out.extend(invalid(&at.index(i), value, names::label_value(value)));
        }
    }
    out
}

fn field_requirement(field: &FieldPath, requirement: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let at = field.child("values");
    let values = requirement.array_at(&["values"]);
    match requirement.str_at(&["operator"]) {
        "In" | "NotIn" if values.len() == 1 => {}
        "In" | "NotIn" => {
            let why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
            out.push(FieldError::required(&at, why));
        }
        other => out.push(not_an_operator(field, other)),
    }
    let key = requirement.str_at(&["key"]);
    if key == "metadata.name" {
        for (i, value) in values.iter().enumerate() {
            let value = value.as_str().unwrap_or("");
            out.extend(invalid(&at.index(i), value, names::dns1123_subdomain(value)));
        }
    } else {
        out.push(FieldError::invalid(&field.child("key"), key, "not a valid field selector key"));
    }
    out
}

fn not_an_operator(field: &FieldPath, operator: &str) -> FieldError {
    FieldError::invalid(&field.child("operator"), operator, "not a valid selector operator")
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn requirements_have_operators_that_suit_their_values() {
        let cases = [
            ("fine", doc!({"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}), vec![]),
            (
                "no value",
                doc!({"matchExpressions": [{"key": "a", "operator": "NotIn"}]}),
                vec![
                    "matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
                ],
            ),
            (
                "a value too many",
                doc!({"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}),
                vec![
                    "matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
                ],
            ),
            (
                "two bounds",
                doc!({"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1", "2"]}]}),
                vec![
                    "matchExpressions[0].values: Required value: must be specified single value when `operator` is 'Lt' or 'Gt'",
                ],
            ),
            (
                "no operator",
                doc!({"matchExpressions": [{"key": "a", "operator": "Like"}]}),
                vec![r#"matchExpressions[0].operator: Invalid value: "Like": not a valid selector operator"#],
            ),
            (
                "two names",
                doc!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["a", "b"]}]}),
                vec![
                    "matchFields[0].values: Required value: must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
                ],
            ),
            (
                "another field",
                doc!({"matchFields": [{"key": "metadata.uid", "operator": "In", "values": ["a"]}]}),
                vec![r#"matchFields[0].key: Invalid value: "metadata.uid": not a valid field selector key"#],
            ),
        ];
        for (name, term, expected) in cases {
            let expected: Vec<String> =
                expected.into_iter().map(|text| format!("s.nodeSelectorTerms[0].{text}")).collect();
            let given = doc!({"nodeSelectorTerms": [term]});
            assert_eq!(texts(&selector(&FieldPath::new("s"), &given, Values::Checked)), expected, "{name}");
        }
        assert_eq!(
            texts(&selector(&FieldPath::new("s"), &doc!({}), Values::Checked)),
            ["s.nodeSelectorTerms: Required value: must have at least one node selector term"]
        );
    }

    #[test]
    fn strange_values_are_refused_unless_they_were_there_before() {
        let given = doc!({"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["-"]}]}]});
        let errors = |values| selector(&FieldPath::new("s"), &given, values);
        assert!(has_strange_values(&given));
        assert_eq!(errors(Values::Unchecked), []);
        assert_eq!(errors(Values::Checked).len(), 1);
    }

    #[test]
    fn deprecated_labels_are_warned_of() {
        let term = doc!({"matchExpressions": [{"key": "a"}, {"key": "beta.kubernetes.io/os"}]});
        assert_eq!(
            expression_warnings(&FieldPath::new("t"), &term),
            [
                r#"t.matchExpressions[1].key: beta.kubernetes.io/os is deprecated since v1.14; use "kubernetes.io/os" instead"#
            ]
        );
    }
}
