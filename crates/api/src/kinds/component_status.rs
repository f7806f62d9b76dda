//! ComponentStatuses: made up by the API server on each read.

use super::cells;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::Document;

/// `v1 ComponentStatus`.
pub(crate) struct ComponentStatus;

impl Strategy for ComponentStatus {
    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Status"), Column::text("Message"), Column::text("Error")]
    }

    fn cells(&self, object: &Document, _now: Timestamp) -> Vec<Cell> {
        let conditions = object.array_at(&["conditions"]);
        let healthy = conditions.iter().find(|condition| condition.str_at(&["type"]) == "Healthy");
        let status = match healthy.map(|condition| condition.str_at(&["status"])) {
            Some("True") => "Healthy",
            Some(_) => "Unhealthy",
            None => "Unknown",
        };
        let text = |key: &str| -> Cell { healthy.map_or("", |condition| condition.str_at(&[key])).into() };
        vec![cells::name(object), status.into(), text("message"), text("error")]
    }
}
