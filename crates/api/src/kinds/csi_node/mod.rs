//! CSINodes: the drivers of volumes that run on a node. Validation is in its own file.

mod validate;

use super::cells;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors};

/// `storage.k8s.io/v1 CSINode`.
pub(crate) struct CsiNode;

impl Strategy for CsiNode {
    fn validate_create(&self, object: &Document) -> FieldErrors {
        validate::node(object)
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = validate::node(new);
        out.extend(validate::update(new, old));
        out
    }

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
