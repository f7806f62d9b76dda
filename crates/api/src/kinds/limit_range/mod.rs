//! LimitRanges: defaults follow from the limits that are given. Validation is in its own file.

mod validate;

use super::cells;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors};

/// `v1 LimitRange`.
pub(crate) struct LimitRange;

impl Strategy for LimitRange {
    fn default(&self, object: &mut Document) {
        for item in object.at_mut(&["spec", "limits"]).and_then(Document::as_array_mut).into_iter().flatten()
        {
            if item.str_at(&["type"]) == "Container" {
                fill(item, "max", "default");
                fill(item, "default", "defaultRequest");
                fill(item, "min", "defaultRequest");
            }
        }
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        validate::limit_range(object)
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

/// Copies amounts of one field to another where that has none.
fn fill(item: &mut Document, from: &str, to: &str) {
    for (resource, amount) in item.get(from).cloned().map(Document::into_object).unwrap_or_default() {
        item.set_default(&[to, &resource], amount);
    }
}
