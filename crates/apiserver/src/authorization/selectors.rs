//! The selectors of an access review: what of them the authorizers can consider. Pure.

use skiff_apimachinery::selector::{Operator, Requirement};
use skiff_apimachinery::{Document, FieldSelector, LabelSelector};

/// What a review selects by.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Selectors {
    /// The field selector, as a request carries it.
    pub(super) fields: String,
    /// Complaints about what could not be read. The review is answered all the same: a request that selects less is a
    /// broader one.
    pub(super) ignored: Vec<&'static str>,
}

impl Selectors {
    /// From a review's resource attributes.
    pub(super) fn read(attributes: &Document) -> Self {
        let (fields, complaint) = field_selector(attributes);
        let ignored = complaint.into_iter().chain(label_complaint(attributes)).collect();
        Self { fields, ignored }
    }
}

fn field_selector(attributes: &Document) -> (String, Option<&'static str>) {
    const ALL: &str = "spec.resourceAttributes.fieldSelector ignored due to parse error";
    const SOME: &str = "spec.resourceAttributes.fieldSelector partially ignored due to parse error";
    let requirements = attributes.array_at(&["fieldSelector", "requirements"]);
    if requirements.is_empty() {
        let raw = attributes.str_at(&["fieldSelector", "rawSelector"]);
        return match FieldSelector::parse(raw) {
            Ok(_) => (raw.to_owned(), None),
            Err(_) => (String::new(), Some(ALL)),
        };
    }
    let terms: Vec<String> = requirements.iter().filter_map(field_term).collect();
    let complaint = (terms.len() < requirements.len()).then_some(if terms.is_empty() { ALL } else { SOME });
    (terms.join(","), complaint)
}

/// Field selectors compare with one value and know no other operators.
fn field_term(requirement: &Document) -> Option<String> {
    let [value] = requirement.array_at(&["values"]) else { return None };
    let (key, value) = (requirement.str_at(&["key"]), escape(value.as_str()?));
    match requirement.str_at(&["operator"]) {
        "In" => Some(format!("{key}={value}")),
        "NotIn" => Some(format!("{key}!={value}")),
        _ => None,
    }
}

fn escape(value: &str) -> String {
    value.replace('\\', r"\\").replace(',', r"\,").replace('=', r"\=")
}

/// No authorizer considers labels, but a review tells when it could not have read them.
fn label_complaint(attributes: &Document) -> Option<&'static str> {
    const ALL: &str = "spec.resourceAttributes.labelSelector ignored due to parse error";
    const SOME: &str = "spec.resourceAttributes.labelSelector partially ignored due to parse error";
    let requirements = attributes.array_at(&["labelSelector", "requirements"]);
    if requirements.is_empty() {
        let raw = attributes.str_at(&["labelSelector", "rawSelector"]);
        return LabelSelector::parse(raw).is_err().then_some(ALL);
    }
    let understood = requirements.iter().filter(|requirement| is_understood(requirement)).count();
    (understood < requirements.len()).then_some(if understood == 0 { ALL } else { SOME })
}

fn is_understood(requirement: &Document) -> bool {
    let operator = match requirement.str_at(&["operator"]) {
        "In" => Operator::In,
        "NotIn" => Operator::NotIn,
        "Exists" => Operator::Exists,
        "DoesNotExist" => Operator::DoesNotExist,
        _ => return false,
    };
    let values = requirement.array_at(&["values"]);
    let values = values.iter().filter_map(Document::as_str).map(str::to_owned).collect();
    Requirement::new(requirement.str_at(&["key"]), operator, values).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn what_cannot_be_read_of_a_selector_is_left_out_and_told() {
        let cases = [
            ("none", doc!({}), "", vec![]),
            ("raw", doc!({"fieldSelector": {"rawSelector": "spec.nodeName=a"}}), "spec.nodeName=a", vec![]),
            (
                "raw, broken",
                doc!({"fieldSelector": {"rawSelector": "a"}, "labelSelector": {"rawSelector": "a b"}}),
                "",
                vec![
                    "spec.resourceAttributes.fieldSelector ignored due to parse error",
                    "spec.resourceAttributes.labelSelector ignored due to parse error",
                ],
            ),
            (
                "requirements",
                doc!({"fieldSelector": {"requirements": [
                    {"key": "a", "operator": "In", "values": ["x,y"]},
                    {"key": "b", "operator": "NotIn", "values": ["z"]},
                ]}}),
                r"a=x\,y,b!=z",
                vec![],
            ),
            (
                "some of many values",
                doc!({"fieldSelector": {"requirements": [
                    {"key": "a", "operator": "In", "values": ["x", "y"]},
                    {"key": "b", "operator": "In", "values": ["z"]},
                ]}}),
                "b=z",
                vec!["spec.resourceAttributes.fieldSelector partially ignored due to parse error"],
            ),
            (
                "only other operators",
                doc!({"fieldSelector": {"requirements": [{"key": "a", "operator": "Exists"}]}}),
                "",
                vec!["spec.resourceAttributes.fieldSelector ignored due to parse error"],
            ),
            (
                "labels, one of an operator to come",
                doc!({"labelSelector": {"requirements": [
                    {"key": "a", "operator": "Near", "values": ["x"]},
                    {"key": "b", "operator": "Exists"},
                ]}}),
                "",
                vec!["spec.resourceAttributes.labelSelector partially ignored due to parse error"],
            ),
        ];
        for (name, attributes, fields, ignored) in cases {
            let want = Selectors { fields: fields.to_owned(), ignored };
            assert_eq!(Selectors::read(&attributes), want, "{name}");
        }
    }
}
