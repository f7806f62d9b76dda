//! RuntimeClasses.

use super::cells;
use crate::strategy::UpdateScope;
use crate::validation::{self, names};
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, FieldPath};

/// `node.k8s.io/v1 RuntimeClass`.
pub(crate) struct RuntimeClass;

impl Strategy for RuntimeClass {
    fn validate_create(&self, object: &Document) -> FieldErrors {
        let handler = object.str_at(&["handler"]);
        validation::invalid(&FieldPath::new("handler"), handler, names::dns1123_label(handler))
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let field = FieldPath::new("handler");
        validation::immutable(&field, new.get("handler"), old.get("handler")).into_iter().collect()
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Handler"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), cells::text(object, &["handler"]), cells::age(object, now)]
    }
}
