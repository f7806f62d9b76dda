//! VolumeAttachments.

use super::cells;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, FieldPath};

/// `storage.k8s.io/v1 VolumeAttachment`.
pub(crate) struct VolumeAttachment;

impl Strategy for VolumeAttachment {
    fn metadata_kept_by_status(&self) -> &'static [&'static str] {
        crate::strategy::ALL_METADATA
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        if scope == UpdateScope::Status {
            return FieldErrors::new();
        }
        validation::immutable(&FieldPath::new("spec"), new.get("spec"), old.get("spec")).into_iter().collect()
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::text("Attacher"),
            Column::text("PV"),
            Column::text("Node"),
            Column::boolean("Attached"),
            Column::age(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![
            cells::name(object),
            cells::text(object, &["spec", "attacher"]),
            cells::text(object, &["spec", "source", "persistentVolumeName"]),
            cells::text(object, &["spec", "nodeName"]),
            cells::boolean(object, &["status", "attached"]),
            cells::age(object, now),
        ]
    }
}
