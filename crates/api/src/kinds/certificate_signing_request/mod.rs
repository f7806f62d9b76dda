//! CertificateSigningRequests: what was asked for never changes; approval and the certificate are written through
//! subresources. The requester's identity is filled in by the API server.

mod conditions;
mod validate;

use super::cells;
use crate::strategy::{UpdateScope, human_duration};
use crate::{Cell, Column, NameRule, Strategy};
use conditions::{APPROVED, DENIED, FAILED};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors};
use std::borrow::Cow;
use validate::Part;

/// `certificates.k8s.io/v1 CertificateSigningRequest`.
pub(crate) struct CertificateSigningRequest;

/// Who asks, which only the server says.
const REQUESTER: [&str; 4] = ["username", "uid", "groups", "extra"];

impl Strategy for CertificateSigningRequest {
    fn prepare_for_create(&self, object: &mut Document) {
        object.remove(&["status"]);
        for field in REQUESTER {
            object.remove(&["spec", field]);
        }
    }

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
        if scope == UpdateScope::Status {
            conditions::keep(new, old, APPROVED);
            conditions::keep(new, old, DENIED);
        }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    /// Upstream takes any name that can be part of a path.
    fn name_rule(&self) -> NameRule {
        NameRule::PathSegment
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        validate::request(object, None)
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let part = match scope {
            UpdateScope::Main => Part::Request,
            UpdateScope::Status => Part::Status,
        };
        validate::update(new, old, part)
    }

    fn validate_view(&self, subresource: &str, new: &Document, old: &Document) -> Option<FieldErrors> {
        (subresource == "approval").then(|| validate::update(new, old, Part::Approval))
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
    let mut text = if has(DENIED) {
        DENIED
    } else if has(APPROVED) {
        APPROVED
    } else {
        "Pending"
    }
    .to_owned();
    if has(FAILED) {
        text.push_str(",Failed");
    }
    if !object.str_at(&["status", "certificate"]).is_empty() {
        text.push_str(",Issued");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn who_asks_is_not_for_clients_to_say() {
        let mut object = doc!({
            "spec": {"request": "r", "username": "root", "groups": ["system:masters"]}, "status": {"certificate": "c"}
        });
        CertificateSigningRequest.prepare_for_create(&mut object);
        assert_eq!(object, doc!({"spec": {"request": "r"}}));
    }

    #[test]
    fn the_status_keeps_what_was_asked_and_decided() {
        let old = doc!({
            "spec": {"request": "r"}, "status": {"conditions": [{"type": "Approved", "status": "True", "reason": "a"}]}
        });
        let sent = doc!({
            "spec": {"request": "other"},
            "status": {"certificate": "c", "conditions": [{"type": "Approved", "status": "True", "reason": "b"}]}
        });
        let mut new = sent.clone();
        CertificateSigningRequest.prepare_for_update(UpdateScope::Status, &mut new, &old);
        assert_eq!(new["spec"], old["spec"]);
        assert_eq!(new["status"]["conditions"], old["status"]["conditions"]);
        assert_eq!(new.str_at(&["status", "certificate"]), "c");
        let mut new = sent;
        CertificateSigningRequest.prepare_for_update(UpdateScope::Main, &mut new, &old);
        assert_eq!(new, old);
    }

    #[test]
    fn rows_tell_how_far_a_request_came() {
        let at = |status: Document| condition(&doc!({"status": status}));
        let conditions = |types: &[&str]| types.iter().map(|ty| doc!({"type": (*ty)})).collect::<Document>();
        assert_eq!(at(doc!({})), "Pending");
        assert_eq!(
            at(doc!({"conditions": conditions(&["Approved"]), "certificate": "c"})),
            "Approved,Issued"
        );
        assert_eq!(at(doc!({"conditions": conditions(&["Denied", "Failed"])})), "Denied,Failed");
    }
}
