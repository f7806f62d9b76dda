//! PriorityLevelConfigurations: how many requests of a level are served at once, and which wait. Validation is in its own
//! file; two levels are fixed.

mod validate;

use super::cells;
use super::flow_control::condition_types;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors};

/// `flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration`.
pub(crate) struct PriorityLevelConfiguration;

const SHARES: i64 = 30;
const QUEUES: i64 = 64;
const HAND_SIZE: i64 = 8;
const QUEUE_LENGTH: i64 = 50;

impl Strategy for PriorityLevelConfiguration {
    fn metadata_kept_by_status(&self) -> &'static [&'static str] {
        crate::strategy::ALL_METADATA
    }

    fn default(&self, object: &mut Document) {
        let spec = object.ensure(&["spec"]);
        let given = |spec: &Document, path: &[&str]| spec.at(path).is_some_and(|part| !part.is_null());
        if given(spec, &["limited"]) {
            spec.set_default(&["limited", "nominalConcurrencyShares"], SHARES);
            spec.set_default(&["limited", "lendablePercent"], 0);
        }
        if given(spec, &["exempt"]) || spec.str_at(&["type"]) == "Exempt" {
            spec.set_default(&["exempt", "nominalConcurrencyShares"], 0);
            spec.set_default(&["exempt", "lendablePercent"], 0);
        }
        if given(spec, &["limited", "limitResponse", "queuing"]) {
            let queuing = spec.ensure(&["limited", "limitResponse", "queuing"]);
            for (field, value) in
                [("queues", QUEUES), ("handSize", HAND_SIZE), ("queueLengthLimit", QUEUE_LENGTH)]
            {
                if queuing.i64_at(&[field]).unwrap_or(0) == 0 {
                    queuing.insert(field, value);
                }
            }
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        validate::priority_level(object)
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, _old: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => validate::priority_level(new),
            UpdateScope::Status => condition_types(new),
        }
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::text("Type"),
            Column::text("NominalConcurrencyShares"),
            Column::text("Queues"),
            Column::text("HandSize"),
            Column::text("QueueLengthLimit"),
            Column::age(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let spec = &object["spec"];
        let queuing = &spec["limited"]["limitResponse"]["queuing"];
        let number = |of: &Document, key: &str| -> Cell {
            of.i64_at(&[key]).map_or(cells::NONE.to_owned(), |number| number.to_string()).into()
        };
        vec![
            cells::name(object),
            cells::text(object, &["spec", "type"]),
            number(&spec["limited"], "nominalConcurrencyShares"),
            number(queuing, "queues"),
            number(queuing, "handSize"),
            number(queuing, "queueLengthLimit"),
            cells::age(object, now),
        ]
    }
}
