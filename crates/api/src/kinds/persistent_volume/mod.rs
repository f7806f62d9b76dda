//! PersistentVolumes: where their data is never changes, but for what upstream allows by name.
//!
//! Defaults and rules of the sources serve the inline volumes of VolumeAttachments too. Files: `defaults`, `validate` with
//! `source` and its siblings (one rule for each source), `update`, `form` (the structs that messages show), `warnings`.

mod cloud_source;
pub(crate) mod defaults;
pub(crate) mod form;
mod network_source;
mod source;
mod update;
pub(crate) mod validate;
mod warnings;

use super::cells;
use super::persistent_volume_claim::{access_modes, attributes_class, storage_class, volume_mode};
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, doc};

/// `v1 PersistentVolume`.
pub(crate) struct PersistentVolume;

impl Strategy for PersistentVolume {
    fn default(&self, object: &mut Document) {
        if object.str_at(&["status", "phase"]).is_empty() {
            object.set(&["status", "phase"], "Pending");
        }
        object.set_default(&["spec", "persistentVolumeReclaimPolicy"], "Retain");
        object.set_default(&["spec", "volumeMode"], "Filesystem");
        if let Some(spec) = object.get_mut("spec") {
            defaults::source(spec);
        }
    }

    fn prepare_for_create(&self, object: &mut Document) {
        let mut status = doc!({"phase": "Pending"});
        // The volume enters its first phase when it is created (KEP-3762).
        let created = object.creation_timestamp();
        if !created.is_empty() {
            status.insert("lastPhaseTransitionTime", created);
        }
        object.insert("status", status);
    }

    fn prepare_for_update(&self, scope: UpdateScope, new: &mut Document, old: &Document) {
        let kept = match scope {
            UpdateScope::Main => "status",
            // Metadata may change along with the status, as upstream has it.
            UpdateScope::Status => "spec",
        };
        match old.get(kept) {
            Some(value) => new.insert(kept, value),
            None => drop(new.remove(&[kept])),
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let mut out = validate::volume(object, None);
        out.extend(validate::mount_options(object));
        out
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        if scope == UpdateScope::Status {
            return FieldErrors::new();
        }
        let mut out = validate::volume(new, Some(old));
        out.extend(validate::mount_options(new));
        // Upstream's rules of updates begin with those of new objects again.
        out.extend(validate::volume(new, Some(old)));
        out.extend(update::volume(new, old));
        out
    }

    fn warnings(&self, new: &Document, _old: Option<&Document>) -> Vec<String> {
        warnings::volume(new)
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
        let capacity = cells::int_or_string(object.at(&["spec", "capacity", "storage"]));
        vec![
            cells::name(object),
            capacity.unwrap_or_else(|| "0".into()).into(),
            access_modes(object.array_at(&["spec", "accessModes"])).into(),
            cells::text(object, &["spec", "persistentVolumeReclaimPolicy"]),
            if deleted { "Terminating" } else { object.str_at(&["status", "phase"]) }.into(),
            claim.unwrap_or_default().into(),
            storage_class(object).into(),
            attributes_class(object),
            cells::text(object, &["status", "reason"]),
            cells::age(object, now),
            volume_mode(object),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_volume_has_no_other_status_than_the_first() {
        let mut volume = doc!({
            "metadata": {"name": "v", "creationTimestamp": "2026-01-02T03:04:05Z"},
            "status": {"phase": "Bound", "message": "m"}
        });
        PersistentVolume.prepare_for_create(&mut volume);
        assert_eq!(
            volume["status"],
            doc!({"phase": "Pending", "lastPhaseTransitionTime": "2026-01-02T03:04:05Z"})
        );
    }

    #[test]
    fn each_write_keeps_what_the_other_one_changes() {
        let old = doc!({"spec": {"storageClassName": "a"}, "status": {"phase": "Available"}});
        let sent = doc!({"metadata": {"labels": {"a": "b"}}, "spec": {"storageClassName": "b"}, "status": {"phase": "Bound"}});
        for (scope, kept) in [(UpdateScope::Main, "status"), (UpdateScope::Status, "spec")] {
            let mut new = sent.clone();
            PersistentVolume.prepare_for_update(scope, &mut new, &old);
            assert_eq!(new[kept], old[kept]);
            assert_eq!(new["metadata"], sent["metadata"]);
        }
    }

    #[test]
    fn rows_show_the_claim_and_the_class() {
        let volume = doc!({
            "metadata": {"name": "v", "annotations": {"volume.beta.kubernetes.io/storage-class": "old"}},
            "spec": {
                "capacity": {"storage": "5Gi"}, "accessModes": ["ReadWriteMany", "ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Retain", "storageClassName": "new", "volumeMode": "Block",
                "claimRef": {"namespace": "n", "name": "c"}
            },
            "status": {"phase": "Bound", "reason": "r"}
        });
        let texts: Vec<String> = PersistentVolume
            .cells(&volume, Timestamp::UNIX_EPOCH)
            .iter()
            .map(|cell| cell.as_str().unwrap_or("?").to_owned())
            .collect();
        assert_eq!(
            texts,
            ["v", "5Gi", "RWO,RWX", "Retain", "Bound", "n/c", "old", "<unset>", "r", "<unknown>", "Block"]
        );
    }
}
