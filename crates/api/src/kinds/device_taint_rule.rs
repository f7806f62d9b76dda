//! DeviceTaintRules: taints that administrators put on devices (KEP-5055).

use super::devices::{name, taint};
use super::{cells, conditions};
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `resource.k8s.io DeviceTaintRule`.
pub(crate) struct DeviceTaintRule;

const MAX_CONDITIONS: usize = 8;

impl Strategy for DeviceTaintRule {
    fn prepare_for_create(&self, object: &mut Document) {
        object.remove(&["status"]);
        let created = object.creation_timestamp().to_owned();
        if let Some(taint) = object.at_mut(&["spec", "taint"]).filter(|_| !created.is_empty()) {
            taint.set_default(&["timeAdded"], created);
        }
    }

    fn metadata_kept_by_status(&self) -> &'static [&'static str] {
        crate::strategy::ALL_METADATA
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        rule(object, None)
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => rule(new, Some(old)),
            UpdateScope::Status => status(new),
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), cells::age(object, now)]
    }
}

fn rule(rule: &Document, old: Option<&Document>) -> FieldErrors {
    let field = FieldPath::new("spec.deviceSelector");
    let selector = &rule["spec"]["deviceSelector"];
    let given = |name: &str| selector.get(name).and_then(Document::as_str);
    let mut out = FieldErrors::new();
    if let Some(driver) = given("driver") {
        out.extend(name::driver(&field.child("driver"), driver));
    }
    if let Some(pool) = given("pool") {
        out.extend(name::pool(&field.child("pool"), pool));
    }
    if let Some(device) = given("device") {
        out.extend(name::label(&field.child("device"), device));
    }
    let before = old.map(|old| &old["spec"]["taint"]);
    out.extend(taint::taint(&FieldPath::new("spec.taint"), &rule["spec"]["taint"], before));
    out
}

fn status(rule: &Document) -> FieldErrors {
    let field = FieldPath::new("status.conditions");
    let told = rule.array_at(&["status", "conditions"]);
    let mut out = conditions::errors(&field, told);
    if told.len() > MAX_CONDITIONS {
        out.push(FieldError::too_many(&field, told.len(), MAX_CONDITIONS));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn rules_select_devices_and_taint_them() {
        let of = |selector: Document, effect: &str| doc!({"spec": {"deviceSelector": selector, "taint": {"key": "k", "effect": effect}}});
        assert_eq!(
            DeviceTaintRule.validate_create(&of(doc!({"driver": "d", "pool": "p", "device": "x"}), "None")),
            []
        );
        assert_eq!(
            texts(&DeviceTaintRule.validate_create(&of(doc!({"pool": "", "device": "a.b"}), ""))),
            [
                "spec.deviceSelector.pool: Required value",
                r#"spec.deviceSelector.device: Invalid value: "a.b": must not contain dots"#,
                "spec.taint.effect: Required value",
            ]
        );
        let strange = of(doc!(null), "Later");
        assert_eq!(DeviceTaintRule.validate_update(UpdateScope::Main, &strange, &strange), []);
    }

    #[test]
    fn a_new_rule_tells_when_its_taint_was_added() {
        let mut rule = doc!({
            "metadata": {"creationTimestamp": "2026-01-02T03:04:05Z"}, "spec": {"taint": {"key": "k"}}, "status": {}
        });
        DeviceTaintRule.prepare_for_create(&mut rule);
        assert_eq!(rule["spec"]["taint"], doc!({"key": "k", "timeAdded": "2026-01-02T03:04:05Z"}));
        assert_eq!(rule.get("status"), None);
    }

    #[test]
    fn told_conditions_are_few() {
        let condition = |n: i32| doc!({"type": format!("T{n}"), "status": "True", "reason": "R", "lastTransitionTime": "2026-01-02T03:04:05Z"});
        let rule = doc!({"status": {"conditions": (0..9).map(condition).collect::<Vec<Document>>()}});
        assert_eq!(
            texts(&DeviceTaintRule.validate_update(UpdateScope::Status, &rule, &rule)),
            ["status.conditions: Too many: 9: must have at most 8 items"]
        );
    }
}
