//! Leases: heartbeats and leader election.

use super::cells;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `coordination.k8s.io/v1 Lease`.
pub(crate) struct Lease;

impl Strategy for Lease {
    fn validate_create(&self, object: &Document) -> FieldErrors {
        let mut out = FieldErrors::new();
        let duration = object.i64_at(&["spec", "leaseDurationSeconds"]);
        if let Some(duration) = duration.filter(|seconds| *seconds <= 0) {
            let field = FieldPath::new("spec.leaseDurationSeconds");
            out.push(FieldError::invalid(&field, duration, "must be greater than 0"));
        }
        let transitions = object.i64_at(&["spec", "leaseTransitions"]);
        if let Some(transitions) = transitions.filter(|count| *count < 0) {
            let field = FieldPath::new("spec.leaseTransitions");
            out.push(FieldError::invalid(&field, transitions, "must be greater than or equal to 0"));
        }
        out
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Holder"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), cells::text(object, &["spec", "holderIdentity"]), cells::age(object, now)]
    }
}
