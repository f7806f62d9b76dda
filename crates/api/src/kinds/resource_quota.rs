//! ResourceQuotas.

use super::cells;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, Map};

/// `v1 ResourceQuota`.
pub(crate) struct ResourceQuota;

impl Strategy for ResourceQuota {
    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Request"), Column::text("Limit"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let hard = object.object_at(&["status", "hard"]);
        let mut names: Vec<&str> = hard.into_iter().flat_map(Map::keys).collect();
        names.sort_unstable();
        let amount = |field: &str, name: &str| {
            cells::int_or_string(object.at(&["status", field, name])).unwrap_or_else(|| "0".to_owned())
        };
        let (limits, requests): (Vec<&str>, Vec<&str>) =
            names.into_iter().partition(|name| name.starts_with("limits"));
        let line = |names: Vec<&str>| -> Cell {
            let texts: Vec<String> = names
                .iter()
                .map(|name| format!("{name}: {}/{}", amount("used", name), amount("hard", name)))
                .collect();
            texts.join(", ").into()
        };
        vec![cells::name(object), line(requests), line(limits), cells::age(object, now)]
    }
}
