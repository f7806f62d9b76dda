//! ResourceSlices: devices that a driver offers, or the counters that its devices share.
//!
//! Files: `validate` (the slice), `device` with `attribute` and `capacity`, `counter`, `place` (which nodes reach a device).

mod attribute;
mod capacity;
mod counter;
mod device;
mod place;
mod validate;

use super::cells;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors};
use std::borrow::Cow;

/// `resource.k8s.io ResourceSlice`.
pub(crate) struct ResourceSlice;

impl Strategy for ResourceSlice {
    fn prepare_for_create(&self, object: &mut Document) {
        let created = object.creation_timestamp().to_owned();
        let devices = object.at_mut(&["spec", "devices"]).and_then(Document::as_array_mut);
        for device in devices.into_iter().flatten() {
            let taints = device.get_mut("taints").and_then(Document::as_array_mut);
            for taint in taints.into_iter().flatten().filter(|_| !created.is_empty()) {
                taint.set_default(&["timeAdded"], created.as_str());
            }
        }
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        validate::slice(object, None)
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        validate::slice(new, Some(old))
    }

    fn selectable_fields(&self) -> Vec<Cow<'static, str>> {
        vec!["spec.nodeName".into(), "spec.driver".into()]
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::text("Node"),
            Column::text("Driver"),
            Column::text("Pool"),
            Column::age(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![
            cells::name(object),
            cells::text(object, &["spec", "nodeName"]),
            cells::text(object, &["spec", "driver"]),
            cells::text(object, &["spec", "pool", "name"]),
            cells::age(object, now),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn new_taints_tell_when_they_were_added() {
        let mut slice = doc!({
            "metadata": {"creationTimestamp": "2026-01-02T03:04:05Z"},
            "spec": {"devices": [{"name": "a", "taints": [{"key": "k"}, {"key": "l", "timeAdded": "2025-01-02T03:04:05Z"}]}]}
        });
        ResourceSlice.prepare_for_create(&mut slice);
        assert_eq!(
            slice["spec"]["devices"],
            doc!([{"name": "a", "taints": [
                {"key": "k", "timeAdded": "2026-01-02T03:04:05Z"}, {"key": "l", "timeAdded": "2025-01-02T03:04:05Z"}
            ]}])
        );
    }
}
