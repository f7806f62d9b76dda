//! Scopes of quotas: which objects a quota counts.

use skiff_apimachinery::Document;

/// One condition on objects that a quota counts (`v1.ScopedResourceSelectorRequirement`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// Such as `BestEffort` or `PriorityClass`.
    pub scope: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: String,
    /// Names that `In` and `NotIn` speak of.
    pub values: Vec<String>,
}

impl Requirement {
    /// All conditions of a quota: `spec.scopes`, then `spec.scopeSelector`.
    pub fn of(quota: &Document) -> Vec<Self> {
        let plain = quota
            .array_at(&["spec", "scopes"])
            .iter()
            .filter_map(Document::as_str)
            .map(|scope| Self { scope: scope.to_owned(), operator: "Exists".to_owned(), values: Vec::new() });
        let selected =
            quota.array_at(&["spec", "scopeSelector", "matchExpressions"]).iter().map(|term| Self {
                scope: term.str_at(&["scopeName"]).to_owned(),
                operator: term.str_at(&["operator"]).to_owned(),
                values: term
                    .array_at(&["values"])
                    .iter()
                    .filter_map(Document::as_str)
                    .map(str::to_owned)
                    .collect(),
            });
        plain.chain(selected).collect()
    }

    /// Whether the condition holds for a name, or for its absence, as a label selector would have it.
    pub fn selects(&self, name: Option<&str>) -> bool {
        let is_among = || name.is_some_and(|name| self.values.iter().any(|value| value == name));
        match self.operator.as_str() {
            "Exists" => name.is_some(),
            "DoesNotExist" => name.is_none(),
            "In" => is_among(),
            "NotIn" => !is_among(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn conditions_are_read_from_both_fields() {
        let quota = doc!({"spec": {
            "scopes": ["BestEffort"],
            "scopeSelector": {"matchExpressions": [
                {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}
            ]}
        }});
        let read = Requirement::of(&quota);
        assert_eq!((read[0].scope.as_str(), read[0].operator.as_str()), ("BestEffort", "Exists"));
        assert!(read[1].selects(Some("high")) && !read[1].selects(Some("low")) && !read[1].selects(None));
    }

    #[test]
    fn absence_is_selected_as_by_labels() {
        let of = |operator: &str| Requirement {
            scope: "PriorityClass".into(),
            operator: operator.into(),
            values: vec!["a".into()],
        };
        assert!(of("NotIn").selects(None) && of("DoesNotExist").selects(None));
        assert!(!of("Exists").selects(None) && !of("NotIn").selects(Some("a")));
    }
}
