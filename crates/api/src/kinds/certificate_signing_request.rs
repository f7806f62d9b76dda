//! CertificateSigningRequests: what was asked for never changes; approval and the certificate are written through
//! subresources. The requester's identity is filled in by the API server.

use super::cells;
use crate::strategy::{UpdateScope, human_duration};
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::borrow::Cow;

/// `certificates.k8s.io/v1 CertificateSigningRequest`.
pub(crate) struct CertificateSigningRequest;

impl Strategy for CertificateSigningRequest {
    fn prepare_for_update(&self, scope: UpdateScope, new: &mut Document, old: &Document) {
        let kept = match scope {
            UpdateScope::Main => &["spec", "status"][..],
            UpdateScope::Status => &["spec"],
        };
        for field in kept {
            match old.get(field) {
                Some(value) => new.insert(*field, value),
                None => drop(new.remove(&[*field])),
            }
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("spec");
        let mut out = FieldErrors::new();
        if object.str_at(&["spec", "request"]).is_empty() {
            out.push(FieldError::required(&field.child("request"), ""));
        }
        if object.array_at(&["spec", "usages"]).is_empty() {
            out.push(FieldError::required(&field.child("usages"), "usages must be provided"));
        }
        let signer = object.str_at(&["spec", "signerName"]);
        if signer.is_empty() {
            out.push(FieldError::required(&field.child("signerName"), ""));
        } else if !signer.contains('/') {
            let why = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
            out.push(FieldError::invalid(&field.child("signerName"), signer, why));
        }
        let seconds = object.i64_at(&["spec", "expirationSeconds"]);
        if let Some(seconds) = seconds.filter(|seconds| *seconds < 600) {
            let why = "may not specify a duration less than 600 seconds (10 minutes)";
            out.push(FieldError::invalid(&field.child("expirationSeconds"), seconds, why));
        }
        out
    }

    fn selectable_fields(&self) -> Vec<Cow<'static, str>> {
        vec!["spec.signerName".into()]
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::age(),
            Column::text("SignerName"),
            Column::text("Requestor"),
            Column::text("RequestedDuration"),
            Column::text("Condition"),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let duration =
            object.i64_at(&["spec", "expirationSeconds"]).map_or(cells::NONE.to_owned(), human_duration);
        let signer = object.str_at(&["spec", "signerName"]);
        vec![
            cells::name(object),
            cells::age(object, now),
            cells::or_none(signer),
            cells::text(object, &["spec", "username"]),
            duration.into(),
            condition(object).into(),
        ]
    }
}

fn condition(object: &Document) -> String {
    let has = |ty| cells::condition(object, ty).is_some();
    let mut text = if has("Denied") {
        "Denied"
    } else if has("Approved") {
        "Approved"
    } else {
        "Pending"
    }
    .to_owned();
    if has("Failed") {
        text.push_str(",Failed");
    }
    if !object.str_at(&["status", "certificate"]).is_empty() {
        text.push_str(",Issued");
    }
    text
}
