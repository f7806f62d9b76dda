//! Label selectors of typed objects, ready to match.
//!
//! Selectors come from objects that the API server has validated; one that does not parse all the same matches nothing,
//! so that no controller acts on objects that it was not told to.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use skiff_apimachinery::Document;
use std::collections::BTreeMap;

/// A label selector.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Operator {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
    Nothing,
}

impl Selector {
    /// The selector of a workload (`matchLabels` and `matchExpressions`).
    pub fn of(selector: &LabelSelector) -> Self {
        let mut out = Self::equal(selector.match_labels.as_ref());
        for expression in selector.match_expressions.iter().flatten() {
            let values = expression.values.clone().unwrap_or_default();
            let operator = match expression.operator.as_str() {
                "In" => Operator::In(values),
                "NotIn" => Operator::NotIn(values),
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                _ => Operator::Nothing,
            };
            out.requirements.push(Requirement { key: expression.key.clone(), operator });
        }
        out
    }

    /// The selector that wants each label equal, as a Service has it.
    pub fn equal(labels: Option<&BTreeMap<String, String>>) -> Self {
        let requirement = |(key, value): (&String, &String)| Requirement {
            key: key.clone(),
            operator: Operator::In(vec![value.clone()]),
        };
        Self { requirements: labels.into_iter().flatten().map(requirement).collect() }
    }

    /// Whether it selects everything.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether an object's labels match. An empty selector matches everything.
    pub fn matches(&self, object: &Document) -> bool {
        self.requirements.iter().all(|requirement| requirement.matches(object.label(&requirement.key)))
    }
}

impl Requirement {
    fn matches(&self, value: Option<&str>) -> bool {
        match (&self.operator, value) {
            (Operator::In(values), Some(value)) => values.iter().any(|v| v == value),
            (Operator::NotIn(values), Some(value)) => !values.iter().any(|v| v == value),
            (Operator::Exists, value) => value.is_some(),
            (Operator::DoesNotExist, value) => value.is_none(),
            (Operator::NotIn(_), None) => true,
            (Operator::In(_), None) | (Operator::Nothing, _) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn expressions_and_labels_must_all_match() {
        let selector: LabelSelector = doc!({
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "NotIn", "values": ["test"]},
                {"key": "track", "operator": "Exists"}
            ]
        })
        .read()
        .unwrap();
        let selector = Selector::of(&selector);
        let matches = |labels: Document| selector.matches(&doc!({"metadata": {"labels": labels}}));
        assert!(matches(doc!({"app": "web", "track": "x"})));
        assert!(!matches(doc!({"app": "web"})));
        assert!(!matches(doc!({"app": "web", "track": "x", "tier": "test"})));
        assert!(!matches(doc!({"app": "db", "track": "x"})));
    }
}
