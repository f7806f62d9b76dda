//! ServiceCIDRs: the blocks that cluster IPs come from; they never change.

use super::cells;
use crate::strategy::UpdateScope;
use crate::validation::{self, network};
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `networking.k8s.io/v1 ServiceCIDR`.
pub(crate) struct ServiceCidr;

impl Strategy for ServiceCidr {
    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("spec.cidrs");
        let cidrs = object.array_at(&["spec", "cidrs"]);
        if cidrs.is_empty() {
            return vec![FieldError::required(&field, "at least one CIDR required")];
        }
        let errors = cidrs.iter().enumerate();
        errors
            .filter_map(|(i, cidr)| network::cidr_error(&field.index(i), cidr.as_str().unwrap_or("")))
            .collect()
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        if scope == UpdateScope::Status {
            return FieldErrors::new();
        }
        let cidrs = |object: &Document| object.at(&["spec", "cidrs"]).cloned();
        let field = FieldPath::new("spec.cidrs");
        validation::immutable(&field, cidrs(new).as_ref(), cidrs(old).as_ref()).into_iter().collect()
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("CIDRs"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let cidrs: Vec<&str> =
            object.array_at(&["spec", "cidrs"]).iter().filter_map(Document::as_str).collect();
        vec![cells::name(object), cidrs.join(",").into(), cells::age(object, now)]
    }
}
