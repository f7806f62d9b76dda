//! PersistentVolumes.

use super::cells;
use super::persistent_volume_claim::{access_modes, storage_class, volume_mode};
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, doc};

/// `v1 PersistentVolume`.
pub(crate) struct PersistentVolume;

impl Strategy for PersistentVolume {
    fn default(&self, object: &mut Document) {
        if object.str_at(&["status", "phase"]).is_empty() {
            object.set(&["status", "phase"], "Pending");
        }
        object.set_default(&["spec", "persistentVolumeReclaimPolicy"], "Retain");
        object.set_default(&["spec", "volumeMode"], "Filesystem");
        if object.at(&["spec", "hostPath"]).is_some_and(|path| !path.is_null()) {
            object.set_default(&["spec", "hostPath", "type"], "");
        }
    }

    fn prepare_for_create(&self, object: &mut Document) {
        object.insert("status", doc!({"phase": "Pending"}));
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("spec");
        let mut out = FieldErrors::new();
        if object.array_at(&["spec", "accessModes"]).is_empty() {
            out.push(FieldError::required(&field.child("accessModes"), ""));
        }
        if object.at(&["spec", "capacity"]).is_none_or(Document::is_empty) {
            out.push(FieldError::required(&field.child("capacity"), ""));
        }
        out
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::text("Capacity"),
            Column::text("Access Modes"),
            Column::text("Reclaim Policy"),
            Column::text("Status"),
            Column::text("Claim"),
            Column::text("StorageClass"),
            Column::text("VolumeAttributesClass"),
            Column::text("Reason"),
            Column::age(),
            Column::text("VolumeMode").wide(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let claim = object.at(&["spec", "claimRef"]).filter(|claim| !claim.is_null());
        let claim =
            claim.map(|claim| format!("{}/{}", claim.str_at(&["namespace"]), claim.str_at(&["name"])));
        let deleted = object.deletion_timestamp().is_some();
        let attributes = object.str_at(&["spec", "volumeAttributesClassName"]);
        let capacity = cells::int_or_string(object.at(&["spec", "capacity", "storage"]));
        vec![
            cells::name(object),
            capacity.unwrap_or_else(|| "0".into()).into(),
            access_modes(object.array_at(&["spec", "accessModes"])).into(),
            cells::text(object, &["spec", "persistentVolumeReclaimPolicy"]),
            if deleted { "Terminating" } else { object.str_at(&["status", "phase"]) }.into(),
            claim.unwrap_or_default().into(),
            storage_class(object).into(),
            if attributes.is_empty() { cells::UNSET } else { attributes }.into(),
            cells::text(object, &["status", "reason"]),
            cells::age(object, now),
            volume_mode(object),
        ]
    }
}
