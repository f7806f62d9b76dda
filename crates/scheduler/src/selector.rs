//! Node selectors: the requirements of node affinity, read once per pod.

use skiff_apimachinery::Document;
use std::collections::HashMap;

/// How a label is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Operator {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
    Gt(i64),
    Lt(i64),
    /// An operator or value that is not understood: matches nothing.
    Never,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
}

/// All of a term's requirements must hold; a term without any matches nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Term {
    labels: Vec<Requirement>,
    fields: Vec<Requirement>,
}

/// What node labels are held in.
pub type Labels = HashMap<Box<str>, Box<str>>;

impl Requirement {
    fn read(doc: &Document) -> Self {
        let values: Vec<String> =
            doc.array_at(&["values"]).iter().filter_map(Document::as_str).map(str::to_owned).collect();
        let number = || values.first().and_then(|v| v.parse().ok());
        let operator = match doc.str_at(&["operator"]) {
            "In" => Operator::In(values),
            "NotIn" => Operator::NotIn(values),
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            "Gt" => number().map_or(Operator::Never, Operator::Gt),
            "Lt" => number().map_or(Operator::Never, Operator::Lt),
            _ => Operator::Never,
        };
        Self { key: doc.str_at(&["key"]).to_owned(), operator }
    }

    fn holds(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|v| v.parse::<i64>().ok());
        match &self.operator {
            Operator::In(values) => value.is_some_and(|v| values.iter().any(|x| x == v)),
            Operator::NotIn(values) => !value.is_some_and(|v| values.iter().any(|x| x == v)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Gt(than) => number().is_some_and(|n| n > *than),
            Operator::Lt(than) => number().is_some_and(|n| n < *than),
            Operator::Never => false,
        }
    }
}

impl Term {
    /// Reads a `NodeSelectorTerm`.
    pub fn read(doc: &Document) -> Self {
        let read = |key: &str| doc.array_at(&[key]).iter().map(Requirement::read).collect();
        Self { labels: read("matchExpressions"), fields: read("matchFields") }
    }

    /// Whether a node matches.
    pub fn matches(&self, name: &str, labels: &Labels) -> bool {
        if self.labels.is_empty() && self.fields.is_empty() {
            return false;
        }
        self.labels.iter().all(|r| r.holds(labels.get(r.key.as_str()).map(|v| &**v)))
            && self.fields.iter().all(|r| r.key == "metadata.name" && r.holds(Some(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn labels() -> Labels {
        [("zone", "a"), ("cores", "8")].into_iter().map(|(k, v)| (k.into(), v.into())).collect()
    }

    fn matches(key: &str, operator: &str, values: &[&str]) -> bool {
        let values: Vec<&str> = values.to_vec();
        Term::read(&doc!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]}))
            .matches("n1", &labels())
    }

    #[test]
    fn operators_compare_as_upstream_compares() {
        assert!(matches("zone", "In", &["a", "b"]) && !matches("zone", "In", &["b"]));
        assert!(matches("zone", "NotIn", &["b"]) && matches("absent", "NotIn", &["b"]));
        assert!(matches("zone", "Exists", &[]) && !matches("absent", "Exists", &[]));
        assert!(matches("absent", "DoesNotExist", &[]));
        assert!(matches("cores", "Gt", &["4"]) && !matches("cores", "Lt", &["4"]));
        assert!(!matches("zone", "Gt", &["4"]));
    }

    #[test]
    fn a_term_without_requirements_matches_nothing_and_fields_match_the_name() {
        assert!(!Term::read(&doc!({})).matches("n1", &labels()));
        let by_name = doc!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]});
        assert!(Term::read(&by_name).matches("n1", &labels()));
        assert!(!Term::read(&by_name).matches("n2", &labels()));
    }
}
