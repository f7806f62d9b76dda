//! NetworkPolicies.

use super::cells;
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, FieldPath};

/// `networking.k8s.io/v1 NetworkPolicy`.
pub(crate) struct NetworkPolicy;

impl Strategy for NetworkPolicy {
    fn default(&self, object: &mut Document) {
        let spec = object.ensure(&["spec"]);
        if spec.array_at(&["policyTypes"]).is_empty() {
            let mut types = vec!["Ingress"];
            if !spec.array_at(&["egress"]).is_empty() {
                types.push("Egress");
            }
            spec.insert("policyTypes", types);
        }
        for direction in ["ingress", "egress"] {
            for rule in spec.get_mut(direction).and_then(Document::as_array_mut).into_iter().flatten() {
                for port in rule.get_mut("ports").and_then(Document::as_array_mut).into_iter().flatten() {
                    port.set_default(&["protocol"], "TCP");
                }
            }
        }
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("spec.podSelector");
        validation::labels::selector(&field, object.at(&["spec", "podSelector"]))
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Pod-Selector"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let selector = cells::selector(object.at(&["spec", "podSelector"]));
        vec![cells::name(object), selector, cells::age(object, now)]
    }
}
