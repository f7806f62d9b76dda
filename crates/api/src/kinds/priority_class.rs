//! PriorityClasses: a number that cannot change, because pods copied it.

use super::cells;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// Highest value that users may give.
pub const HIGHEST_USER_PRIORITY: i64 = 1_000_000_000;
/// Names and values that the system reserves.
pub const SYSTEM_CLASSES: [(&str, i64); 2] =
    [("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)];

/// `scheduling.k8s.io/v1 PriorityClass`.
pub(crate) struct PriorityClass;

impl Strategy for PriorityClass {
    fn default(&self, object: &mut Document) {
        object.set_default(&["preemptionPolicy"], "PreemptLowerPriority");
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let mut out = FieldErrors::new();
        let value = object.i64_at(&["value"]).unwrap_or(0);
        let system = SYSTEM_CLASSES.contains(&(object.name(), value));
        if !system && object.name().starts_with("system-") {
            let why = "priority class names with 'system-' prefix are reserved for system use only. error: only system priority classes may use it";
            out.push(FieldError::forbidden(&FieldPath::new("metadata.name"), why));
        } else if !system && value > HIGHEST_USER_PRIORITY {
            let why = format!("maximum allowed value of a user defined priority is {HIGHEST_USER_PRIORITY}");
            out.push(FieldError::forbidden(&FieldPath::new("value"), why));
        }
        out.extend(crate::validation::one_of(
            &FieldPath::new("preemptionPolicy"),
            object.str_at(&["preemptionPolicy"]),
            &["Never", "PreemptLowerPriority"],
        ));
        out
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = FieldErrors::new();
        if new.i64_at(&["value"]).unwrap_or(0) != old.i64_at(&["value"]).unwrap_or(0) {
            out.push(FieldError::forbidden(&FieldPath::new("value"), "may not be changed in an update."));
        }
        let policy = FieldPath::new("preemptionPolicy");
        out.extend(crate::validation::immutable(
            &policy,
            new.get("preemptionPolicy"),
            old.get("preemptionPolicy"),
        ));
        out
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::integer("Value"),
            Column::boolean("Global-Default"),
            Column::age(),
            Column::text("PreemptionPolicy"),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![
            cells::name(object),
            cells::integer(object, &["value"]),
            cells::boolean(object, &["globalDefault"]),
            cells::age(object, now),
            cells::text(object, &["preemptionPolicy"]),
        ]
    }
}
