//! ResourceClaims and ResourceClaimTemplates: requests for devices. The spec of a claim never changes.

mod conversion;

pub(crate) use conversion::{CLAIM_V1BETA1, SLICE_V1BETA1, TEMPLATE_V1BETA1};

use super::cells;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, FieldPath};

/// `resource.k8s.io ResourceClaim`.
pub(crate) struct ResourceClaim;

/// `resource.k8s.io ResourceClaimTemplate`.
pub(crate) struct ResourceClaimTemplate;

/// How many devices, and of what kind, a request means when it does not say.
fn default_devices(spec: &mut Document) {
    let requests = spec.at_mut(&["devices", "requests"]).and_then(Document::as_array_mut);
    for request in requests.into_iter().flatten() {
        let flat = request.get("deviceClassName").is_some();
        if flat {
            default_request(request);
        }
        if let Some(exact) = request.get_mut("exactly").filter(|exact| !exact.is_null()) {
            default_request(exact);
        }
        for alternative in
            request.get_mut("firstAvailable").and_then(Document::as_array_mut).into_iter().flatten()
        {
            default_request(alternative);
        }
    }
}

fn default_request(request: &mut Document) {
    request.set_default(&["allocationMode"], "ExactCount");
    if request.str_at(&["allocationMode"]) == "ExactCount" {
        request.set_default(&["count"], 1);
    }
    for toleration in request.get_mut("tolerations").and_then(Document::as_array_mut).into_iter().flatten() {
        toleration.set_default(&["operator"], "Equal");
    }
}

impl Strategy for ResourceClaim {
    fn metadata_kept_by_status(&self) -> &'static [&'static str] {
        crate::strategy::ALL_METADATA
    }

    fn default(&self, object: &mut Document) {
        if let Some(spec) = object.get_mut("spec") {
            default_devices(spec);
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        if scope == UpdateScope::Status {
            return FieldErrors::new();
        }
        validation::immutable(&FieldPath::new("spec"), new.get("spec"), old.get("spec")).into_iter().collect()
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("State"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let mut states = Vec::new();
        if object.deletion_timestamp().is_some() {
            states.push("deleted");
        }
        if object.at(&["status", "allocation"]).is_some_and(|allocation| !allocation.is_null()) {
            states.push("allocated");
        } else if object.deletion_timestamp().is_none() {
            states.push("pending");
        }
        if !object.array_at(&["status", "reservedFor"]).is_empty() {
            states.push("reserved");
        }
        vec![cells::name(object), states.join(",").into(), cells::age(object, now)]
    }
}

impl Strategy for ResourceClaimTemplate {
    fn default(&self, object: &mut Document) {
        if let Some(spec) = object.at_mut(&["spec", "spec"]) {
            default_devices(spec);
        }
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        validation::immutable(&FieldPath::new("spec"), new.get("spec"), old.get("spec")).into_iter().collect()
    }
}
