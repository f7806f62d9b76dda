//! ResourceClaims and ResourceClaimTemplates: requests for devices. The spec of a claim never changes.
//!
//! Files: `conversion` of the older version, `defaults`, `request` (what is asked for), `reference` (how the rest names
//! requests), `status` with `allocation` (what was given), `template`, `form` (the structs that messages show).

mod allocation;
mod conversion;
mod defaults;
mod form;
mod reference;
mod request;
mod status;
mod template;

pub(crate) use conversion::{CLAIM_V1BETA1, SLICE_V1BETA1, TEMPLATE_V1BETA1};
pub(crate) use template::ResourceClaimTemplate;

use super::cells;
use super::internal_form;
use crate::strategy::{UpdateScope, keep_apart};
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `resource.k8s.io ResourceClaim`.
pub(crate) struct ResourceClaim;

impl Strategy for ResourceClaim {
    fn metadata_kept_by_status(&self) -> &'static [&'static str] {
        crate::strategy::ALL_METADATA
    }

    fn default(&self, object: &mut Document) {
        if let Some(spec) = object.get_mut("spec") {
            defaults::devices(spec);
        }
        let results = object.at_mut(&["status", "allocation", "devices", "results"]);
        results.and_then(Document::as_array_mut).into_iter().flatten().for_each(defaults::tolerations);
    }

    fn prepare_for_update(&self, scope: UpdateScope, new: &mut Document, old: &Document) {
        keep_apart(self.metadata_kept_by_status(), scope, new, old);
        if scope == UpdateScope::Status {
            status::drop_deallocated(new, old);
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        request::errors(&FieldPath::new("spec.devices"), &object["spec"]["devices"])
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => frozen_spec(new, old, form::SPEC).into_iter().collect(),
            UpdateScope::Status => status::errors(new, old),
        }
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("State"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let deleted = object.deletion_timestamp().is_some();
        let allocated = object.at(&["status", "allocation"]).is_some_and(|allocation| !allocation.is_null());
        let reserved = !object.array_at(&["status", "reservedFor"]).is_empty();
        let states = [
            ("deleted", deleted),
            ("pending", !allocated && !deleted),
            ("allocated", allocated),
            ("reserved", allocated && reserved),
        ];
        let states: Vec<&str> =
            states.into_iter().filter(|(_, holds)| *holds).map(|(name, _)| name).collect();
        vec![cells::name(object), states.join(",").into(), cells::age(object, now)]
    }
}

/// `field is immutable` for another specification.
fn frozen_spec(new: &Document, old: &Document, form: &[internal_form::Field]) -> Option<FieldError> {
    let [new, old] = [new, old].map(|object| internal_form::structure(&object["spec"], form));
    (new != old).then(|| FieldError::invalid(&FieldPath::new("spec"), new, "field is immutable"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn each_write_keeps_what_the_other_one_changes() {
        let old = doc!({"metadata": {"labels": {"a": "b"}}, "spec": {"devices": {}}, "status": {"reservedFor": []}});
        let sent = doc!({"metadata": {"name": "c"}, "spec": {"devices": {"requests": []}}, "status": {"reservedFor": [{"name": "p"}]}});
        let mut main = sent.clone();
        ResourceClaim.prepare_for_update(UpdateScope::Main, &mut main, &old);
        assert_eq!((&main["spec"], &main["status"]), (&sent["spec"], &old["status"]));
        assert_eq!(main["metadata"], sent["metadata"]);
        let mut status = sent.clone();
        ResourceClaim.prepare_for_update(UpdateScope::Status, &mut status, &old);
        assert_eq!((&status["spec"], &status["status"]), (&old["spec"], &sent["status"]));
        assert_eq!(status["metadata"], doc!({"name": "c", "labels": {"a": "b"}}));
    }

    #[test]
    fn what_is_asked_for_does_not_change() {
        let of = |class: &str| {
            doc!({"spec": {"devices": {"requests": [
                {"name": "r", "exactly": {"deviceClassName": class, "allocationMode": "ExactCount", "count": 1}}
            ]}}})
        };
        assert_eq!(ResourceClaim.validate_update(UpdateScope::Main, &of("a"), &of("a")), []);
        let errors = ResourceClaim.validate_update(UpdateScope::Main, &of("b"), &of("a"));
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                r#"spec: Invalid value: {"Devices":{"Requests":[{"Name":"r","Exactly":{"DeviceClassName":"b","Selectors":null,"AllocationMode":"ExactCount","Count":1,"AdminAccess":null,"Tolerations":null,"Capacity":null},"FirstAvailable":null}],"Constraints":null,"Config":null}}: field is immutable"#
            ]
        );
    }

    #[test]
    fn rows_tell_the_state() {
        let cases = [
            (doc!({}), "pending"),
            (doc!({"status": {"allocation": {}, "reservedFor": [{}]}}), "allocated,reserved"),
            (doc!({"metadata": {"deletionTimestamp": "2026-01-02T03:04:05Z"}}), "deleted"),
            (
                doc!({"metadata": {"deletionTimestamp": "2026-01-02T03:04:05Z"}, "status": {"allocation": {}}}),
                "deleted,allocated",
            ),
        ];
        for (claim, state) in cases {
            assert_eq!(ResourceClaim.cells(&claim, Timestamp::UNIX_EPOCH)[1], Document::from(state));
        }
    }
}
