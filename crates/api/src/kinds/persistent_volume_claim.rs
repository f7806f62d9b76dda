//! PersistentVolumeClaims: what was claimed does not change, but for growing and what the binder writes.

use super::cells;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, doc};

/// `v1 PersistentVolumeClaim`.
pub(crate) struct PersistentVolumeClaim;

/// The annotation that named a storage class before the field did.
const CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// Fills in a claim's defaults; templates of StatefulSets are claims too.
pub(crate) fn default(claim: &mut Document) {
    claim.set_default(&["spec", "volumeMode"], "Filesystem");
    if claim.str_at(&["status", "phase"]).is_empty() {
        claim.set(&["status", "phase"], "Pending");
    }
}

/// Name of the claim's or volume's storage class.
pub(crate) fn storage_class(object: &Document) -> &str {
    object.annotation(CLASS).unwrap_or_else(|| object.str_at(&["spec", "storageClassName"]))
}

/// Access modes in short, such as `RWO,ROX`.
pub(crate) fn access_modes(modes: &[Document]) -> String {
    const SHORT: [(&str, &str); 4] = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let has = |long: &str| modes.iter().any(|mode| mode.as_str() == Some(long));
    SHORT.into_iter().filter(|(long, _)| has(long)).map(|(_, short)| short).collect::<Vec<_>>().join(",")
}

impl Strategy for PersistentVolumeClaim {
    fn default(&self, object: &mut Document) {
        default(object);
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
            out.push(FieldError::required(&field.child("accessModes"), "at least 1 access mode is required"));
        }
        if object.at(&["spec", "resources", "requests", "storage"]).is_none() {
            out.push(FieldError::required(&field.child("resources").key("storage"), ""));
        }
        out
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        if scope == UpdateScope::Status {
            return FieldErrors::new();
        }
        let mut out = self.validate_create(new);
        let frozen = |claim: &Document| {
            let mut spec = claim.get("spec").cloned().unwrap_or_default();
            spec.remove(&["resources", "requests"]);
            spec.remove(&["volumeAttributesClassName"]);
            if old.str_at(&["spec", "volumeName"]).is_empty() {
                spec.remove(&["volumeName"]);
            }
            if old.str_at(&["spec", "storageClassName"]).is_empty() {
                spec.remove(&["storageClassName"]);
            }
            spec
        };
        if frozen(new) != frozen(old) {
            let why = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
            out.push(FieldError::forbidden(&FieldPath::new("spec"), why));
        }
        out
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::text("Status"),
            Column::text("Volume"),
            Column::text("Capacity"),
            Column::text("Access Modes"),
            Column::text("StorageClass"),
            Column::text("VolumeAttributesClass"),
            Column::age(),
            Column::text("VolumeMode").wide(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let deleted = object.deletion_timestamp().is_some();
        let bound = !object.str_at(&["spec", "volumeName"]).is_empty();
        let capacity = cells::int_or_string(object.at(&["status", "capacity", "storage"]));
        let attributes = object.str_at(&["spec", "volumeAttributesClassName"]);
        vec![
            cells::name(object),
            if deleted { "Terminating" } else { object.str_at(&["status", "phase"]) }.into(),
            cells::text(object, &["spec", "volumeName"]),
            if bound { capacity.unwrap_or_else(|| "0".into()) } else { String::new() }.into(),
            if bound { access_modes(object.array_at(&["status", "accessModes"])) } else { String::new() }
                .into(),
            storage_class(object).into(),
            if attributes.is_empty() { cells::UNSET } else { attributes }.into(),
            cells::age(object, now),
            volume_mode(object),
        ]
    }
}

/// The volume mode's cell.
pub(crate) fn volume_mode(object: &Document) -> Cell {
    let mode = object.str_at(&["spec", "volumeMode"]);
    if mode.is_empty() { cells::UNSET } else { mode }.into()
}
