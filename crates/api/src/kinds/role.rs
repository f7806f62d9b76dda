//! Roles and ClusterRoles: lists of policy rules. Names may be any path segment.

use super::cells;
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
            let given = rule.get("nonResourceURLs").cloned();
            if matches!(self, Self::Namespaced) {
                out.push(FieldError::invalid(
                    &urls,
                    given,
                    "namespaced rules cannot apply to non-resource URLs",
                ));
            } else if !empty("apiGroups") || !empty("resources") || !empty("resourceNames") {
                let why = "rules cannot apply to both regular resources and non-resource URLs";
                out.push(FieldError::invalid(&urls, given, why));
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
            let field = FieldPath::new("aggregationRule.clusterRoleSelectors");
            let selectors = aggregation.array_at(&["clusterRoleSelectors"]);
            if selectors.is_empty() {
                let why = "at least one clusterRoleSelector required if aggregationRule is non-nil";
                out.push(FieldError::required(&field, why));
            }
            for (i, selector) in selectors.iter().enumerate() {
                out.extend(labels::selector(&field.index(i), Some(selector)));
            }
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
