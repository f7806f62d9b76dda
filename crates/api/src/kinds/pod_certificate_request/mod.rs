//! PodCertificateRequests: kubelets ask signers for certificates of pods (KEP-4317). What was asked never changes, and what
//! became of it is said once.

mod key;
mod request;
mod status;

use super::cells;
use crate::strategy::{ALL_METADATA, UpdateScope};
use crate::{Cell, Column, Strategy, validation};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, FieldPath};
use std::borrow::Cow;

/// `certificates.k8s.io/v1beta1 PodCertificateRequest`.
pub(crate) struct PodCertificateRequest;

/// Lifetime of a certificate when none is asked for: a day.
const DEFAULT_SECONDS: i64 = 24 * 60 * 60;

impl Strategy for PodCertificateRequest {
    fn metadata_kept_by_status(&self) -> &'static [&'static str] {
        ALL_METADATA
    }

    fn default(&self, object: &mut Document) {
        object.set_default(&["spec", "maxExpirationSeconds"], DEFAULT_SECONDS);
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        request::errors(&FieldPath::new("spec"), &object["spec"])
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => {
                validation::immutable(&FieldPath::new("spec"), new.get("spec"), old.get("spec"))
                    .into_iter()
                    .collect()
            }
            UpdateScope::Status => status::errors(new, old),
        }
    }

    fn selectable_fields(&self) -> Vec<Cow<'static, str>> {
        ["spec.signerName", "spec.podName", "spec.nodeName"].map(Cow::Borrowed).to_vec()
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::text("PodName"),
            Column::text("ServiceAccountName"),
            Column::text("NodeName"),
            Column::text("SignerName"),
            Column::text("State"),
        ]
    }

    fn cells(&self, object: &Document, _now: Timestamp) -> Vec<Cell> {
        let spec = |key: &str| cells::text(object, &["spec", key]);
        vec![
            cells::name(object),
            spec("podName"),
            spec("serviceAccountName"),
            spec("nodeName"),
            spec("signerName"),
            status::verdict(object).unwrap_or("Pending").into(),
        ]
    }
}
