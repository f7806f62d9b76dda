//! ResourceSlices: devices that a driver offers.

use super::cells;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::Document;
use std::borrow::Cow;

/// `resource.k8s.io ResourceSlice`.
pub(crate) struct ResourceSlice;

impl Strategy for ResourceSlice {
    fn has_generation(&self) -> bool {
        true
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
