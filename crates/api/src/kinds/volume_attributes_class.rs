//! VolumeAttributesClasses.

use super::cells;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `storage.k8s.io/v1 VolumeAttributesClass`.
pub(crate) struct VolumeAttributesClass;

impl Strategy for VolumeAttributesClass {
    fn validate_create(&self, object: &Document) -> FieldErrors {
        let empty = object.str_at(&["driverName"]).is_empty();
        if empty { vec![FieldError::required(&FieldPath::new("driverName"), "")] } else { FieldErrors::new() }
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let changed = |field: &&str| new.get(field) != old.get(field);
        ["driverName", "parameters"]
            .into_iter()
            .filter(changed)
            .map(|field| {
                FieldError::forbidden(&FieldPath::new(field), format!("updates to {field} are forbidden."))
            })
            .collect()
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("DriverName"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), cells::text(object, &["driverName"]), cells::age(object, now)]
    }
}
