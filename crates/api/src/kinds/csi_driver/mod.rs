//! CSIDrivers: what a driver of volumes can do. Validation is in its own file.

mod validate;

pub(crate) use validate::name;

use super::cells;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors};

/// `storage.k8s.io/v1 CSIDriver`.
pub(crate) struct CsiDriver;

impl Strategy for CsiDriver {
    fn default(&self, object: &mut Document) {
        let spec = object.ensure(&["spec"]);
        spec.set_default(&["attachRequired"], true);
        for field in ["podInfoOnMount", "storageCapacity", "requiresRepublish", "seLinuxMount"] {
            spec.set_default(&[field], false);
        }
        spec.set_default(&["fsGroupPolicy"], "ReadWriteOnceWithFSType");
        if spec.array_at(&["volumeLifecycleModes"]).is_empty() {
            spec.insert("volumeLifecycleModes", vec!["Persistent"]);
        }
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        validate::driver(object)
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = validate::driver(new);
        out.extend(validate::update(new, old));
        out
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::boolean("AttachRequired"),
            Column::boolean("PodInfoOnMount"),
            Column::boolean("StorageCapacity"),
            Column::text("TokenRequests"),
            Column::boolean("RequiresRepublish"),
            Column::text("Modes"),
            Column::age(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let tokens: Vec<&str> = object
            .array_at(&["spec", "tokenRequests"])
            .iter()
            .map(|request| request.str_at(&["audience"]))
            .collect();
        let modes: Vec<&str> =
            object.array_at(&["spec", "volumeLifecycleModes"]).iter().filter_map(Document::as_str).collect();
        vec![
            cells::name(object),
            cells::boolean(object, &["spec", "attachRequired"]),
            cells::boolean(object, &["spec", "podInfoOnMount"]),
            cells::boolean(object, &["spec", "storageCapacity"]),
            if tokens.is_empty() { cells::UNSET.into() } else { tokens.join(",").into() },
            cells::boolean(object, &["spec", "requiresRepublish"]),
            cells::or_none(&modes.join(",")),
            cells::age(object, now),
        ]
    }
}
