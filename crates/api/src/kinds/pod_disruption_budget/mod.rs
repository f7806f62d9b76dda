//! PodDisruptionBudgets. Validation is in its own file, that of conditions too.

mod condition;
mod validate;

use super::{cells, workload};
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, FieldPath};

/// `policy/v1 PodDisruptionBudget`.
pub(crate) struct PodDisruptionBudget;

impl Strategy for PodDisruptionBudget {
    fn has_status(&self) -> bool {
        true
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        validate::spec(object)
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, _: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => validate::spec(new),
            UpdateScope::Status => status_errors(new),
        }
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::text("Min Available"),
            Column::text("Max Unavailable"),
            Column::integer("Allowed Disruptions"),
            Column::age(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let limit = |key: &str| -> Cell {
            cells::int_or_string(object.at(&["spec", key])).unwrap_or_else(|| "N/A".to_owned()).into()
        };
        vec![
            cells::name(object),
            limit("minAvailable"),
            limit("maxUnavailable"),
            cells::integer(object, &["status", "disruptionsAllowed"]),
            cells::age(object, now),
        ]
    }
}

fn status_errors(budget: &Document) -> FieldErrors {
    let field = FieldPath::new("status").child("conditions");
    let mut out = condition::validate(budget.array_at(&["status", "conditions"]), &field);
    let counts = ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"];
    out.extend(workload::negative(budget, &counts));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn a_status_has_conditions_and_counts() {
        let status = doc!({
            "conditions": [{"type": "DisruptionAllowed", "status": "True", "reason": "SufficientPods"}],
            "disruptionsAllowed": -1, "expectedPods": -2
        });
        let new = doc!({"status": status});
        let errors = PodDisruptionBudget.validate_update(UpdateScope::Status, &new, &doc!({}));
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "status.conditions[0].lastTransitionTime: Required value: must be set",
                "status.disruptionsAllowed: Invalid value: -1: must be greater than or equal to 0",
                "status.expectedPods: Invalid value: -2: must be greater than or equal to 0",
            ]
        );
    }

    #[test]
    fn rows_show_what_is_asked_for() {
        let budget = doc!({"spec": {"maxUnavailable": "30%"}, "status": {"disruptionsAllowed": 2}});
        let row = PodDisruptionBudget.cells(&budget, Timestamp::UNIX_EPOCH);
        assert_eq!(row[1..4], [Document::from("N/A"), "30%".into(), 2.into()]);
    }
}
