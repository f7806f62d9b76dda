//! Roles and ClusterRoles: lists of policy rules. Names may be any path segment.

use super::cells;
use crate::strategy::UpdateScope;
use crate::validation::labels;
use crate::{Cell, Column, NameRule, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `rbac.authorization.k8s.io/v1 Role` and `ClusterRole`.
pub(crate) enum Role {
    /// In a namespace.
    Namespaced,
    /// In the cluster: may speak of paths, may gather other roles.
    Cluster,
}

impl Role {
    fn rule(&self, field: &FieldPath, rule: &Document) -> FieldErrors {
        let mut out = FieldErrors::new();
        let empty = |key: &str| rule.array_at(&[key]).is_empty();
        if empty("verbs") {
            out.push(FieldError::required(&field.child("verbs"), "verbs must contain at least one value"));
        }
        if !empty("nonResourceURLs") {
            let urls = field.child("nonResourceURLs");
            let mut wrong = |why: &str| {
                out.push(FieldError::invalid(&urls, rule.get("nonResourceURLs").cloned(), why));
            };
            if matches!(self, Self::Namespaced) {
                wrong("namespaced rules cannot apply to non-resource URLs");
            }
            if !empty("apiGroups") || !empty("resources") || !empty("resourceNames") {
                wrong("rules cannot apply to both regular resources and non-resource URLs");
            }
            return out;
        }
        if empty("apiGroups") {
            let why = "resource rules must supply at least one api group";
            out.push(FieldError::required(&field.child("apiGroups"), why));
        }
        if empty("resources") {
            let why = "resource rules must supply at least one resource";
            out.push(FieldError::required(&field.child("resources"), why));
        }
        out
    }
}

impl Strategy for Role {
    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("rules");
        let rules = object.array_at(&["rules"]).iter().enumerate();
        let mut out: FieldErrors = rules.flat_map(|(i, rule)| self.rule(&field.index(i), rule)).collect();
        if let Some(aggregation) = object.get("aggregationRule").filter(|rule| !rule.is_null()) {
            out.extend(aggregation_errors(aggregation));
        }
        out
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = self.validate_create(new);
        // Selectors that were taken before label values were looked at do not stop an update.
        if old.get("aggregationRule").is_some_and(|rule| aggregation_errors(rule).iter().any(is_of_value)) {
            out.retain(|error| !is_of_value(error));
        }
        out
    }

    fn name_rule(&self) -> NameRule {
        NameRule::PathSegment
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::created_at()]
    }

    fn cells(&self, object: &Document, _now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), cells::created_at(object)]
    }
}

fn aggregation_errors(aggregation: &Document) -> FieldErrors {
    let field = FieldPath::new("aggregationRule").child("clusterRoleSelectors");
    let selectors = aggregation.array_at(&["clusterRoleSelectors"]);
    let mut out = FieldErrors::new();
    if selectors.is_empty() {
        let why = "at least one clusterRoleSelector required if aggregationRule is non-nil";
        out.push(FieldError::required(&field, why));
    }
    for (i, selector) in selectors.iter().enumerate() {
        out.extend(labels::selector(&field.index(i), Some(selector)));
    }
    out
}

fn is_of_value(error: &FieldError) -> bool {
    error.field.as_str().contains(".values[")
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn complaints(role: &Role, rule: Document) -> Vec<String> {
        let object = doc!({"metadata": {"name": "a"}, "rules": [rule]});
        role.validate_create(&object).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn rules_speak_of_resources_or_of_paths() {
        assert_eq!(
            complaints(&Role::Namespaced, doc!({"verbs": [], "apiGroups": [], "resources": []})),
            [
                "rules[0].verbs: Required value: verbs must contain at least one value",
                "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
                "rules[0].resources: Required value: resource rules must supply at least one resource",
            ]
        );
        let mixed =
            doc!({"verbs": ["get"], "nonResourceURLs": ["/a"], "apiGroups": [""], "resources": ["pods"]});
        assert_eq!(
            complaints(&Role::Namespaced, mixed.clone()),
            [
                r#"rules[0].nonResourceURLs: Invalid value: ["/a"]: namespaced rules cannot apply to non-resource URLs"#,
                r#"rules[0].nonResourceURLs: Invalid value: ["/a"]: rules cannot apply to both regular resources and non-resource URLs"#,
            ]
        );
        assert_eq!(
            complaints(&Role::Cluster, mixed),
            [
                r#"rules[0].nonResourceURLs: Invalid value: ["/a"]: rules cannot apply to both regular resources and non-resource URLs"#
            ]
        );
        let paths = doc!({"verbs": ["get"], "nonResourceURLs": ["*"]});
        assert_eq!(complaints(&Role::Cluster, paths), Vec::<String>::new());
    }

    #[test]
    fn an_aggregation_selects() {
        let of = |aggregation: Document| doc!({"rules": [], "aggregationRule": aggregation});
        let texts = |errors: &FieldErrors| errors.iter().map(ToString::to_string).collect::<Vec<String>>();
        assert_eq!(
            texts(&Role::Cluster.validate_create(&of(doc!({})))),
            [
                "aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil"
            ]
        );
        let odd = of(doc!({"clusterRoleSelectors": [
            {"matchExpressions": [{"key": "a", "operator": "In", "values": ["-"]}]}
        ]}));
        assert_eq!(Role::Cluster.validate_create(&odd).len(), 1);
        assert_eq!(Role::Cluster.validate_update(UpdateScope::Main, &odd, &odd), []);
    }
}
