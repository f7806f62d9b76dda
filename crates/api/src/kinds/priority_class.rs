//! PriorityClasses: a number that cannot change, because pods copied it.

use super::cells;
use super::workload::given;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// Highest value that users may give.
pub const HIGHEST_USER_PRIORITY: i64 = 1_000_000_000;
/// Names and values that the system reserves.
pub const SYSTEM_CLASSES: [(&str, i64); 2] =
    [("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)];

const SYSTEM_PREFIX: &str = "system-";

/// `scheduling.k8s.io/v1 PriorityClass`.
pub(crate) struct PriorityClass;

impl Strategy for PriorityClass {
    fn default(&self, object: &mut Document) {
        object.set_default(&["preemptionPolicy"], "PreemptLowerPriority");
    }

    fn has_generation(&self) -> bool {
        true
    }

    // What may be changed of a class does not count.
    fn raises_generation(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let mut out = FieldErrors::new();
        let value = object.i64_at(&["value"]).unwrap_or(0);
        if object.name().starts_with(SYSTEM_PREFIX) {
            if let Some(why) = no_system_class(object) {
                let why = format!(
                    "priority class names with '{SYSTEM_PREFIX}' prefix are reserved for system use only. error: {why}"
                );
                out.push(FieldError::forbidden(&FieldPath::new("metadata").child("name"), why));
            }
        } else if value > HIGHEST_USER_PRIORITY {
            let why = format!("maximum allowed value of a user defined priority is {HIGHEST_USER_PRIORITY}");
            out.push(FieldError::forbidden(&FieldPath::new("value"), why));
        }
        if let Some(policy) = given(object, &["preemptionPolicy"]) {
            let policy = policy.as_str().unwrap_or("");
            let allowed = ["PreemptLowerPriority", "Never"];
            out.extend(validation::one_of(&FieldPath::new("preemptionPolicy"), policy, &allowed));
        }
        out
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = FieldErrors::new();
        if new.i64_at(&["value"]).unwrap_or(0) != old.i64_at(&["value"]).unwrap_or(0) {
            out.push(FieldError::forbidden(&FieldPath::new("value"), "may not be changed in an update."));
        }
        let (now, before) = (new.get("preemptionPolicy"), old.get("preemptionPolicy"));
        out.extend(validation::immutable(&FieldPath::new("preemptionPolicy"), now, before));
        out
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::integer("Value"),
            Column::boolean("Global-Default"),
            Column::age(),
            Column::text("PreemptionPolicy"),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![
            cells::name(object),
            cells::integer(object, &["value"]),
            cells::boolean(object, &["globalDefault"]),
            cells::age(object, now),
            cells::text(object, &["preemptionPolicy"]),
        ]
    }
}

/// Why a class with a name of the system is none of the system's.
fn no_system_class(class: &Document) -> Option<String> {
    let name = class.name();
    let Some((_, value)) = SYSTEM_CLASSES.into_iter().find(|(known, _)| *known == name) else {
        return Some(format!("{name} is not a known system priority class"));
    };
    if class.i64_at(&["value"]).unwrap_or(0) != value {
        return Some(format!("value of {name} PriorityClass must be {value}"));
    }
    let is_default = class.bool_at(&["globalDefault"]) == Some(true);
    is_default.then(|| format!("globalDefault of {name} PriorityClass must be false"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn values_and_names_of_the_system_are_its_own() {
        let class = |name: &str, value: i64| doc!({"metadata": {"name": name}, "value": value});
        let mut default = class("system-node-critical", 2_000_001_000);
        default.insert("globalDefault", true);
        let mut never = class("mine", -5);
        never.insert("preemptionPolicy", "Never");
        let mut unknown = class("mine", 0);
        unknown.insert("preemptionPolicy", "Always");
        let mut empty = class("mine", 0);
        empty.insert("preemptionPolicy", "");
        let cases: [(Document, &[&str]); 9] = [
            (class("mine", 1_000_000_000), &[]),
            (never, &[]),
            (class("system-cluster-critical", 2_000_000_000), &[]),
            (
                class("mine", 1_000_000_001),
                &["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"],
            ),
            (
                class("system-mine", 5),
                &[
                    "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-mine is not a known system priority class",
                ],
            ),
            (
                class("system-node-critical", 5),
                &[
                    "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: value of system-node-critical PriorityClass must be 2000001000",
                ],
            ),
            (
                default,
                &[
                    "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: globalDefault of system-node-critical PriorityClass must be false",
                ],
            ),
            (
                unknown,
                &[
                    r#"preemptionPolicy: Unsupported value: "Always": supported values: "PreemptLowerPriority", "Never""#,
                ],
            ),
            (empty, &["preemptionPolicy: Required value"]),
        ];
        for (class, expected) in cases {
            assert_eq!(texts(&PriorityClass.validate_create(&class)), expected, "{class}");
        }
    }

    #[test]
    fn what_pods_copied_never_changes() {
        let old = doc!({"value": 5, "preemptionPolicy": "Never"});
        let cases: [(Document, &[&str]); 3] = [
            (doc!({"value": 5, "preemptionPolicy": "Never", "globalDefault": true, "description": "d"}), &[]),
            (
                doc!({"value": 6, "preemptionPolicy": "Never"}),
                &["value: Forbidden: may not be changed in an update."],
            ),
            (
                doc!({"value": 5, "preemptionPolicy": "PreemptLowerPriority"}),
                &[r#"preemptionPolicy: Invalid value: "PreemptLowerPriority": field is immutable"#],
            ),
        ];
        for (new, expected) in cases {
            let errors = PriorityClass.validate_update(UpdateScope::Main, &new, &old);
            assert_eq!(texts(&errors), expected, "{new}");
        }
    }
}
