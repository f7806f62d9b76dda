//! CSIStorageCapacities.

use super::cells;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::Document;

/// `storage.k8s.io/v1 CSIStorageCapacity`.
pub(crate) struct CsiStorageCapacity;

impl Strategy for CsiStorageCapacity {
    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("StorageClassName"), Column::text("Capacity"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let capacity =
            cells::int_or_string(object.get("capacity")).unwrap_or_else(|| cells::UNSET.to_owned());
        let class = cells::text(object, &["storageClassName"]);
        vec![cells::name(object), class, capacity.into(), cells::age(object, now)]
    }
}
