//! PersistentVolumeClaims: what was claimed does not change, but for growing and what the binder writes.
//!
//! Files: `data_source` (what a claim is filled with), `validate`, `update`, `warnings`.

mod data_source;
mod update;
mod validate;
mod warnings;

use super::cells;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, doc};

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

/// The volume mode's cell.
pub(crate) fn volume_mode(object: &Document) -> Cell {
    object.at(&["spec", "volumeMode"]).and_then(Document::as_str).unwrap_or(cells::UNSET).into()
}

/// The cell of the class of volume attributes.
pub(crate) fn attributes_class(object: &Document) -> Cell {
    let name = object.at(&["spec", "volumeAttributesClassName"]).and_then(Document::as_str);
    name.unwrap_or(cells::UNSET).into()
}

impl Strategy for PersistentVolumeClaim {
    fn default(&self, object: &mut Document) {
        default(object);
    }

    fn prepare_for_create(&self, object: &mut Document) {
        object.insert("status", doc!({"phase": "Pending"}));
        data_source::prepare(object, None);
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
        if scope == UpdateScope::Main {
            data_source::prepare(new, Some(old));
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        validate::claim(object, None)
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        if scope == UpdateScope::Status {
            return validate::status(new);
        }
        let mut out = validate::claim(new, Some(old));
        // Upstream's rules of updates begin with those of new objects again.
        out.extend(validate::claim(new, Some(old)));
        out.extend(update::claim(new, old));
        out
    }

    fn warnings(&self, new: &Document, _old: Option<&Document>) -> Vec<String> {
        warnings::claim(new)
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
        vec![
            cells::name(object),
            if deleted { "Terminating" } else { object.str_at(&["status", "phase"]) }.into(),
            cells::text(object, &["spec", "volumeName"]),
            if bound { capacity.unwrap_or_else(|| "0".into()) } else { String::new() }.into(),
            if bound { access_modes(object.array_at(&["status", "accessModes"])) } else { String::new() }
                .into(),
            storage_class(object).into(),
            attributes_class(object),
            cells::age(object, now),
            volume_mode(object),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_write_keeps_what_the_other_one_changes() {
        let old = doc!({"spec": {"volumeName": "a"}, "status": {"phase": "Bound"}});
        let sent = doc!({"metadata": {"labels": {"a": "b"}}, "spec": {"volumeName": "b"}, "status": {"phase": "Lost"}});
        for (scope, kept, changed) in
            [(UpdateScope::Main, "status", "spec"), (UpdateScope::Status, "spec", "status")]
        {
            let mut new = sent.clone();
            PersistentVolumeClaim.prepare_for_update(scope, &mut new, &old);
            assert_eq!((&new[kept], &new[changed]), (&old[kept], &sent[changed]));
            assert_eq!(new["metadata"], sent["metadata"]);
        }
    }

    #[test]
    fn rows_show_capacity_and_modes_of_bound_claims() {
        let mut claim = doc!({
            "metadata": {"name": "c"},
            "spec": {"storageClassName": "fast", "volumeAttributesClassName": "gold", "volumeMode": "Filesystem"},
            "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}
        });
        let texts = |claim: &Document| -> Vec<String> {
            let cells = PersistentVolumeClaim.cells(claim, Timestamp::UNIX_EPOCH);
            cells.iter().map(|cell| cell.as_str().unwrap_or("?").to_owned()).collect()
        };
        assert_eq!(texts(&claim), ["c", "Bound", "", "", "", "fast", "gold", "<unknown>", "Filesystem"]);
        claim.set(&["spec", "volumeName"], "v");
        claim.set(&["metadata", "deletionTimestamp"], "2026-01-02T03:04:05Z");
        assert_eq!(
            texts(&claim),
            ["c", "Terminating", "v", "1Gi", "RWO", "fast", "gold", "<unknown>", "Filesystem"]
        );
    }
}
