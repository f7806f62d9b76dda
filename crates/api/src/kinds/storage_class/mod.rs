//! StorageClasses: only what does not change how volumes are made may change. Validation is in its own file.

mod validate;

pub(crate) use validate::{changed, parameters, provisioner};

use super::cells;
use super::node_selector;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, FieldPath};

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
        validate::class(object)
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = validate::class(new);
        out.extend(validate::update(new, old));
        out
    }

    fn warnings(&self, new: &Document, _old: Option<&Document>) -> Vec<String> {
        let mut out = Vec::new();
        for (i, term) in new.array_at(&["allowedTopologies"]).iter().enumerate() {
            let field = FieldPath::new("allowedTopologies").index(i).child("matchLabelExpressions");
            for (j, expression) in term.array_at(&["matchLabelExpressions"]).iter().enumerate() {
                if let Some((_, why)) = node_selector::renamed(expression.str_at(&["key"])) {
                    out.push(format!("{}: {why}", field.index(j).child("key")));
                }
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn deprecated_labels_are_warned_of() {
        let class = doc!({"allowedTopologies": [{"matchLabelExpressions": [
            {"key": "a"}, {"key": "failure-domain.beta.kubernetes.io/zone"}
        ]}]});
        assert_eq!(
            StorageClass.warnings(&class, None),
            [
                r#"allowedTopologies[0].matchLabelExpressions[1].key: deprecated since v1.17; use "topology.kubernetes.io/zone" instead"#
            ]
        );
    }

    #[test]
    fn the_default_class_is_marked() {
        let mut class = doc!({"metadata": {"name": "c"}, "provisioner": "p"});
        let name = |class: &Document| StorageClass.cells(class, Timestamp::UNIX_EPOCH)[0].clone();
        assert_eq!(name(&class), Document::from("c"));
        class.set(&["metadata", "annotations", DEFAULT[1]], "true");
        assert_eq!(name(&class), Document::from("c (default)"));
    }
}
