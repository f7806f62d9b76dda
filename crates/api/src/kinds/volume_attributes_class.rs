//! VolumeAttributesClasses: what drivers are told about volumes that exist. They never change.

use super::{cells, storage_class};
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map};

/// `storage.k8s.io/v1 VolumeAttributesClass`.
pub(crate) struct VolumeAttributesClass;

impl Strategy for VolumeAttributesClass {
    fn validate_create(&self, object: &Document) -> FieldErrors {
        let driver = object.str_at(&["driverName"]);
        let parameters = object.object_at(&["parameters"]);
        let field = FieldPath::new("parameters");
        let mut out = storage_class::provisioner(&FieldPath::new("driverName"), driver);
        out.extend(storage_class::parameters(&field, parameters));
        if parameters.is_none_or(Map::is_empty) {
            out.push(FieldError::required(&field, "must contain at least one key/value pair"));
        }
        out
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = self.validate_create(new);
        let frozen = ["driverName", "parameters"].into_iter();
        out.extend(frozen.filter_map(|name| storage_class::changed(name, new, old)));
        // Upstream's rules of updates end with those of new objects again.
        out.extend(self.validate_create(new));
        out
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("DriverName"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), cells::text(object, &["driverName"]), cells::age(object, now)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn classes_name_a_driver_and_tell_it_something() {
        assert_eq!(
            texts(&VolumeAttributesClass.validate_create(&doc!({}))),
            [
                "driverName: Required value",
                "parameters: Required value: must contain at least one key/value pair",
            ]
        );
        assert_eq!(
            VolumeAttributesClass.validate_create(&doc!({"driverName": "d", "parameters": {"a": "b"}})),
            []
        );
    }

    #[test]
    fn classes_do_not_change() {
        let old = doc!({"driverName": "d", "parameters": {"a": "b"}});
        let new = doc!({"driverName": "e", "parameters": {"a": "c"}});
        assert_eq!(
            texts(&VolumeAttributesClass.validate_update(UpdateScope::Main, &new, &old)),
            [
                "driverName: Forbidden: updates to driverName are forbidden.",
                "parameters: Forbidden: updates to parameters are forbidden.",
            ]
        );
    }
}
