//! `LabelSelector` objects: `matchLabels` and `matchExpressions`.

use super::{LabelSelector, Operator, Requirement, SelectorError};
use crate::{Document, Map};

impl LabelSelector {
    /// Reads a `LabelSelector` object: absent selects nothing, empty selects everything.
    ///
    /// # Errors
    /// In upstream's words, if an expression is malformed.
    pub fn from_object(selector: Option<&Document>) -> Result<Self, SelectorError> {
        let Some(selector) = selector.filter(|selector| !selector.is_null()) else {
            return Ok(Self::nothing());
        };
        let mut requirements = Vec::new();
        for (key, value) in selector.object_at(&["matchLabels"]).into_iter().flat_map(Map::iter) {
            let values = vec![value.as_str().unwrap_or("").to_owned()];
            requirements.push(Requirement::new(key, Operator::Equals, values)?);
        }
        for expression in selector.array_at(&["matchExpressions"]) {
            let operator = match expression.str_at(&["operator"]) {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => {
                    return Err(SelectorError(format!("{other:?} is not a valid label selector operator")));
                }
            };
            requirements.push(requirement(expression, operator)?);
        }
        Ok(Self::new(requirements))
    }

    /// Reads one `NodeSelectorTerm`'s `matchExpressions`, which also knows `Gt` and `Lt`.
    ///
    /// # Errors
    /// In upstream's words, if an expression is malformed.
    pub fn from_node_expressions(expressions: &[Document]) -> Result<Self, SelectorError> {
        let mut requirements = Vec::new();
        for expression in expressions {
            let operator = match expression.str_at(&["operator"]) {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                "Gt" => Operator::GreaterThan,
                "Lt" => Operator::LessThan,
                other => {
                    return Err(SelectorError(format!("{other:?} is not a valid node selector operator")));
                }
            };
            requirements.push(requirement(expression, operator)?);
        }
        Ok(Self::new(requirements))
    }
}

fn requirement(expression: &Document, operator: Operator) -> Result<Requirement, SelectorError> {
    let values =
        expression.array_at(&["values"]).iter().map(|v| v.as_str().unwrap_or("").to_owned()).collect();
    Requirement::new(expression.str_at(&["key"]), operator, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc;

    #[test]
    fn objects_select_as_upstream_does() {
        let labels = doc!({"app": "web"});
        let labels = labels.as_object();
        let select =
            |selector: Document| LabelSelector::from_object(Some(&selector)).unwrap().matches(labels);
        assert!(!LabelSelector::from_object(None).unwrap().matches(labels));
        assert!(select(doc!({})));
        assert!(select(doc!({"matchLabels": {"app": "web"}})));
        assert!(!select(doc!({"matchLabels": {"app": "api"}})));
        assert!(select(doc!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]})));
        assert!(!select(doc!({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]})));
        let wrong = doc!({"matchExpressions": [{"key": "app", "operator": "Near"}]});
        assert_eq!(
            LabelSelector::from_object(Some(&wrong)).unwrap_err().to_string(),
            "\"Near\" is not a valid label selector operator"
        );
    }
}
