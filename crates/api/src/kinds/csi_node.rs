//! CSINodes.

use super::cells;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::Document;

/// `storage.k8s.io/v1 CSINode`.
pub(crate) struct CsiNode;

impl Strategy for CsiNode {
    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::integer("Drivers"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), cells::count(object, &["spec", "drivers"]), cells::age(object, now)]
    }
}
