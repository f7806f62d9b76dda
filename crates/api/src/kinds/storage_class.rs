//! StorageClasses: only what does not change how volumes are made may change.

use super::cells;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `storage.k8s.io/v1 StorageClass`.
pub(crate) struct StorageClass;

/// Annotations that mark the cluster's default.
const DEFAULT: [&str; 2] =
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];

impl Strategy for StorageClass {
    fn default(&self, object: &mut Document) {
        object.set_default(&["reclaimPolicy"], "Delete");
        object.set_default(&["volumeBindingMode"], "Immediate");
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let mut out = FieldErrors::new();
        if object.str_at(&["provisioner"]).is_empty() {
            out.push(FieldError::required(&FieldPath::new("provisioner"), ""));
        }
        let policy = object.str_at(&["reclaimPolicy"]);
        out.extend(validation::one_of(&FieldPath::new("reclaimPolicy"), policy, &["Delete", "Retain"]));
        let mode = object.str_at(&["volumeBindingMode"]);
        let modes = ["Immediate", "WaitForFirstConsumer"];
        out.extend(validation::one_of(&FieldPath::new("volumeBindingMode"), mode, &modes));
        out
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = self.validate_create(new);
        for field in ["parameters", "provisioner", "reclaimPolicy"] {
            if new.get(field) != old.get(field) {
                let why = "updates to parameters are forbidden.";
                let why =
                    if field == "parameters" { why.to_owned() } else { why.replace("parameters", field) };
                out.push(FieldError::forbidden(&FieldPath::new(field), why));
            }
        }
        let field = FieldPath::new("volumeBindingMode");
        out.extend(validation::immutable(&field, new.get("volumeBindingMode"), old.get("volumeBindingMode")));
        out
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::text("Provisioner"),
            Column::text("ReclaimPolicy"),
            Column::text("VolumeBindingMode"),
            Column::boolean("AllowVolumeExpansion"),
            Column::age(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let default = DEFAULT.iter().any(|key| object.annotation(key) == Some("true"));
        let mark = if default { " (default)" } else { "" };
        vec![
            format!("{}{mark}", object.name()).into(),
            cells::text(object, &["provisioner"]),
            cells::text(object, &["reclaimPolicy"]),
            cells::text(object, &["volumeBindingMode"]),
            cells::boolean(object, &["allowVolumeExpansion"]),
            cells::age(object, now),
        ]
    }
}
