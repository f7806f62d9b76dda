//! PodDisruptionBudgets.

use super::cells;
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `policy/v1 PodDisruptionBudget`.
pub(crate) struct PodDisruptionBudget;

impl Strategy for PodDisruptionBudget {
    fn has_status(&self) -> bool {
        true
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("spec");
        let given = |key: &str| object.at(&["spec", key]).is_some_and(|value| !value.is_null());
        let mut out = FieldErrors::new();
        if given("minAvailable") && given("maxUnavailable") {
            let why = "minAvailable and maxUnavailable cannot be both set";
            out.push(FieldError::invalid(&field, object.get("spec").cloned(), why));
        }
        for key in ["minAvailable", "maxUnavailable"] {
            out.extend(validation::not_negative(&field.child(key), object.at(&["spec", key])));
        }
        out.extend(validation::labels::selector(&field.child("selector"), object.at(&["spec", "selector"])));
        let policy = object.str_at(&["spec", "unhealthyPodEvictionPolicy"]);
        if !policy.is_empty() {
            let field = field.child("unhealthyPodEvictionPolicy");
            out.extend(validation::one_of(&field, policy, &["AlwaysAllow", "IfHealthyBudget"]));
        }
        out
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::text("Min Available"),
            Column::text("Max Unavailable"),
            Column::integer("Allowed Disruptions"),
            Column::age(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let limit = |key: &str| -> Cell {
            cells::int_or_string(object.at(&["spec", key])).unwrap_or_else(|| "N/A".to_owned()).into()
        };
        vec![
            cells::name(object),
            limit("minAvailable"),
            limit("maxUnavailable"),
            cells::integer(object, &["status", "disruptionsAllowed"]),
            cells::age(object, now),
        ]
    }
}
