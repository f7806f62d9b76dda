//! VolumeAttachments: that a volume is to be attached to a node. Validation is in its own file.

mod validate;

use super::cells;
use super::persistent_volume::defaults;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors};

/// `storage.k8s.io/v1 VolumeAttachment`.
pub(crate) struct VolumeAttachment;

impl Strategy for VolumeAttachment {
    fn default(&self, object: &mut Document) {
        let inline = object.at_mut(&["spec", "source", "inlineVolumeSpec"]);
        if let Some(spec) = inline.filter(|spec| !spec.is_null()) {
            defaults::source(spec);
        }
    }

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

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let mut out = validate::attachment(object);
        out.extend(validate::names_of(object));
        out
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = validate::attachment(new);
        out.extend(validate::update(new, old));
        out
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
