//! FlowSchemas: which requests go to which priority level. Validation is in its own files; two schemas are fixed.

mod mandatory;
mod rules;
mod validate;

use super::cells;
use super::flow_control::condition_types;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors};

/// `flowcontrol.apiserver.k8s.io/v1 FlowSchema`.
pub(crate) struct FlowSchema;

impl Strategy for FlowSchema {
    fn metadata_kept_by_status(&self) -> &'static [&'static str] {
        crate::strategy::ALL_METADATA
    }

    fn default(&self, object: &mut Document) {
        let spec = object.ensure(&["spec"]);
        if spec.i64_at(&["matchingPrecedence"]).unwrap_or(0) == 0 {
            spec.insert("matchingPrecedence", 1000);
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        validate::flow_schema(object)
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, _old: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => validate::flow_schema(new),
            UpdateScope::Status => condition_types(new),
        }
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::text("PriorityLevel"),
            Column::integer("MatchingPrecedence"),
            Column::text("DistinguisherMethod"),
            Column::age(),
            Column::text("MissingPL"),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let dangling = cells::condition(object, "Dangling").map_or("?", |c| c.str_at(&["status"]));
        vec![
            cells::name(object),
            cells::text(object, &["spec", "priorityLevelConfiguration", "name"]),
            cells::integer(object, &["spec", "matchingPrecedence"]),
            cells::or_none(object.str_at(&["spec", "distinguisherMethod", "type"])),
            cells::age(object, now),
            dangling.into(),
        ]
    }
}
