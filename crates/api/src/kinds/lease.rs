//! Leases: heartbeats and leader election.

use super::cells;
use crate::validation::{invalid, names};
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `coordination.k8s.io/v1 Lease`.
pub(crate) struct Lease;

/// Ways to choose a leader that upstream knows (KEP-4355).
const STRATEGIES: [&str; 1] = ["OldestEmulationVersion"];

/// What is wrong with the way in which a leader is chosen; upstream names the field twice.
pub(super) fn strategy(field: &FieldPath, strategy: &str) -> FieldErrors {
    let field = field.child("strategy");
    if strategy.contains('/') {
        return invalid(&field, strategy, names::qualified_name(strategy));
    }
    let known = STRATEGIES.contains(&strategy);
    (!known).then(|| FieldError::not_supported(&field, strategy, &STRATEGIES)).into_iter().collect()
}

impl Strategy for Lease {
    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("spec");
        let mut out = FieldErrors::new();
        let duration = object.i64_at(&["spec", "leaseDurationSeconds"]);
        if let Some(duration) = duration.filter(|seconds| *seconds <= 0) {
            let field = field.child("leaseDurationSeconds");
            out.push(FieldError::invalid(&field, duration, "must be greater than 0"));
        }
        let transitions = object.i64_at(&["spec", "leaseTransitions"]);
        if let Some(transitions) = transitions.filter(|count| *count < 0) {
            let field = field.child("leaseTransitions");
            out.push(FieldError::invalid(&field, transitions, "must be greater than or equal to 0"));
        }
        let chosen = object.at(&["spec", "strategy"]).and_then(Document::as_str);
        out.extend(chosen.map(|name| strategy(&field.child("strategy"), name)).unwrap_or_default());
        let preferred = object.str_at(&["spec", "preferredHolder"]);
        if !preferred.is_empty() && chosen.is_none_or(str::is_empty) {
            let why = "may only be specified if `strategy` is defined";
            out.push(FieldError::forbidden(&field.child("preferredHolder"), why));
        }
        out
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Holder"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), cells::text(object, &["spec", "holderIdentity"]), cells::age(object, now)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn leases_last_and_leaders_are_chosen_in_a_known_way() {
        let cases = [
            (
                "fine",
                doc!({"leaseDurationSeconds": 1, "strategy": "example.com/s", "preferredHolder": "h"}),
                vec![],
            ),
            (
                "numbers",
                doc!({"leaseDurationSeconds": 0, "leaseTransitions": -1}),
                vec![
                    "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
                    "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
                ],
            ),
            (
                "strategy",
                doc!({"strategy": "Mine"}),
                vec![
                    r#"spec.strategy.strategy: Unsupported value: "Mine": supported values: "OldestEmulationVersion""#,
                ],
            ),
            (
                "preference",
                doc!({"preferredHolder": "h"}),
                vec!["spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined"],
            ),
        ];
        for (name, spec, expected) in cases {
            let errors = Lease.validate_create(&doc!({"spec": spec}));
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected, "{name}");
        }
    }
}
