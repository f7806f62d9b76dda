//! FlowSchemas.

use super::cells;
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `flowcontrol.apiserver.k8s.io/v1 FlowSchema`.
pub(crate) struct FlowSchema;

const MAX_PRECEDENCE: i64 = 10_000;

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
        let field = FieldPath::new("spec");
        let mut out = FieldErrors::new();
        let precedence = object.i64_at(&["spec", "matchingPrecedence"]).unwrap_or(0);
        if !(1..=MAX_PRECEDENCE).contains(&precedence) {
            let why =
                if precedence < 1 { "must be a positive value" } else { "must not be greater than 10000" };
            out.push(FieldError::invalid(&field.child("matchingPrecedence"), precedence, why));
        }
        let level = object.str_at(&["spec", "priorityLevelConfiguration", "name"]);
        if level.is_empty() {
            let why = "must reference a priority level";
            out.push(FieldError::required(&field.child("priorityLevelConfiguration.name"), why));
        }
        if let Some(method) = object.at(&["spec", "distinguisherMethod"]).filter(|method| !method.is_null()) {
            let field = field.child("distinguisherMethod").child("type");
            out.extend(validation::one_of(&field, method.str_at(&["type"]), &["ByNamespace", "ByUser"]));
        }
        out
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
