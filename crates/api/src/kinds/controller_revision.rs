//! ControllerRevisions: snapshots of a template; their data never changes.

use super::cells;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, FieldPath};

/// `apps/v1 ControllerRevision`.
pub(crate) struct ControllerRevision;

impl Strategy for ControllerRevision {
    fn validate_create(&self, object: &Document) -> FieldErrors {
        validation::not_negative(&FieldPath::new("revision"), object.get("revision")).into_iter().collect()
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = self.validate_create(new);
        out.extend(validation::immutable(&FieldPath::new("data"), new.get("data"), old.get("data")));
        out
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Controller"), Column::text("Revision"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let controller = object.controller_ref().map_or(cells::NONE.to_owned(), |owner| {
            let group = owner.str_at(&["apiVersion"]).split_once('/').map_or("", |(group, _)| group);
            let kind = owner.str_at(&["kind"]).to_ascii_lowercase();
            let name = owner.str_at(&["name"]);
            if group.is_empty() { format!("{kind}/{name}") } else { format!("{kind}.{group}/{name}") }
        });
        let revision = cells::integer(object, &["revision"]);
        vec![cells::name(object), controller.into(), revision, cells::age(object, now)]
    }
}
