//! API failures: the `v1 Status` object and the constructors that upstream's `errors` package has.
//!
//! Clients compare these texts, so every message here is upstream's.

use crate::{Document, FieldErrors, GroupKind, GroupResource, doc};
use std::fmt;

/// Machine-readable cause of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are upstream's StatusReason values")]
pub enum Reason {
    Unknown,
    Unauthorized,
    Forbidden,
    NotFound,
    AlreadyExists,
    Conflict,
    Gone,
    Invalid,
    ServerTimeout,
    StoreReadError,
    Timeout,
    TooManyRequests,
    BadRequest,
    MethodNotAllowed,
    NotAcceptable,
    RequestEntityTooLarge,
    UnsupportedMediaType,
    InternalError,
    Expired,
    ServiceUnavailable,
}

const REASONS: &[(Reason, &str)] = &[
    (Reason::Unknown, ""),
    (Reason::Unauthorized, "Unauthorized"),
    (Reason::Forbidden, "Forbidden"),
    (Reason::NotFound, "NotFound"),
    (Reason::AlreadyExists, "AlreadyExists"),
    (Reason::Conflict, "Conflict"),
    (Reason::Gone, "Gone"),
    (Reason::Invalid, "Invalid"),
    (Reason::ServerTimeout, "ServerTimeout"),
    (Reason::StoreReadError, "StorageReadError"),
    (Reason::Timeout, "Timeout"),
    (Reason::TooManyRequests, "TooManyRequests"),
    (Reason::BadRequest, "BadRequest"),
    (Reason::MethodNotAllowed, "MethodNotAllowed"),
    (Reason::NotAcceptable, "NotAcceptable"),
    (Reason::RequestEntityTooLarge, "RequestEntityTooLarge"),
    (Reason::UnsupportedMediaType, "UnsupportedMediaType"),
    (Reason::InternalError, "InternalError"),
    (Reason::Expired, "Expired"),
    (Reason::ServiceUnavailable, "ServiceUnavailable"),
];

impl Reason {
    /// The text in a Status.
    pub fn as_str(self) -> &'static str {
        REASONS.iter().find(|(reason, _)| *reason == self).map_or("", |(_, text)| text)
    }

    /// The reason of a text; unknown texts are `Unknown`.
    pub fn parse(text: &str) -> Self {
        REASONS.iter().find(|(_, t)| *t == text).map_or(Self::Unknown, |(reason, _)| *reason)
    }
}

/// One detail of a failure: a field error, a conflict's manager.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cause {
    /// Machine-readable reason, such as `FieldValueInvalid`.
    pub reason: String,
    /// Text for people.
    pub message: String,
    /// The field, if it is about one.
    pub field: String,
}

/// What the failure is about.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Details {
    /// Name of the object.
    pub name: String,
    /// Group of the object or kind.
    pub group: String,
    /// Kind or resource.
    pub kind: String,
    /// UID of the object.
    pub uid: String,
    /// Single causes.
    pub causes: Vec<Cause>,
    /// When to try again, in seconds; 0 says nothing.
    pub retry_after_seconds: u32,
}

/// An API failure, as `kind: Status` tells it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Status {
    /// HTTP status code.
    pub code: u16,
    /// Machine-readable reason.
    pub reason: Reason,
    /// Text for people, which clients match too.
    pub message: String,
    /// What it is about; boxed because failures travel in every `Result`.
    pub details: Option<Box<Details>>,
}

impl Status {
    /// A failure without details.
    pub fn new(code: u16, reason: Reason, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None }
    }

    fn about(code: u16, reason: Reason, message: String, resource: &GroupResource, name: &str) -> Self {
        let details = Details {
            name: name.to_owned(),
            group: resource.group.to_string(),
            kind: resource.resource.to_string(),
            ..Details::default()
        };
        Self { code, reason, message, details: Some(Box::new(details)) }
    }

    /// `pods "x" not found`.
    pub fn not_found(resource: &GroupResource, name: &str) -> Self {
        Self::about(404, Reason::NotFound, format!("{resource} {name:?} not found"), resource, name)
    }

    /// The path serves nothing: `the server could not find the requested resource`.
    pub fn no_such_path() -> Self {
        let mut status = Self::new(404, Reason::NotFound, "the server could not find the requested resource");
        status.details = Some(Box::default());
        status
    }

    /// `pods "x" already exists`.
    pub fn already_exists(resource: &GroupResource, name: &str) -> Self {
        Self::about(409, Reason::AlreadyExists, format!("{resource} {name:?} already exists"), resource, name)
    }

    /// `Operation cannot be fulfilled on pods "x": why`.
    pub fn conflict(resource: &GroupResource, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {resource} {name:?}: {why}");
        Self::about(409, Reason::Conflict, message, resource, name)
    }

    /// The conflict of a stale resourceVersion.
    pub fn modified(resource: &GroupResource, name: &str) -> Self {
        Self::conflict(
            resource,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    /// `pods "x" is forbidden: why`, or without a name `pods is forbidden: why`.
    pub fn forbidden(resource: &GroupResource, name: &str, why: &str) -> Self {
        let message = if resource.resource.is_empty() {
            format!("forbidden: {why}")
        } else if name.is_empty() {
            format!("{resource} is forbidden: {why}")
        } else {
            format!("{resource} {name:?} is forbidden: {why}")
        };
        Self::about(403, Reason::Forbidden, message, resource, name)
    }

    /// `Deployment.apps "x" is invalid: spec.replicas: Invalid value: ...`.
    pub fn invalid(kind: &GroupKind, name: &str, errors: &FieldErrors) -> Self {
        let causes: Vec<Cause> = errors
            .iter()
            .map(|e| Cause { reason: e.kind.reason().into(), message: e.body(), field: e.field.to_string() })
            .collect();
        let mut texts: Vec<String> = Vec::new();
        for error in errors {
            let text = error.to_string();
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let what = match texts.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let details = Details {
            name: name.to_owned(),
            group: kind.group.to_string(),
            kind: kind.kind.to_string(),
            causes,
            ..Details::default()
        };
        Self {
            code: 422,
            reason: Reason::Invalid,
            message: format!("{kind} {name:?} is invalid: {what}"),
            details: Some(Box::new(details)),
        }
    }

    /// 400 with this message.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, Reason::BadRequest, message)
    }

    /// 400 for an object of another namespace than the request's.
    pub fn foreign_namespace() -> Self {
        Self::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        )
    }

    /// 401 `Unauthorized`.
    pub fn unauthorized() -> Self {
        Self::new(401, Reason::Unauthorized, "Unauthorized")
    }

    /// 405 for a verb that the resource lacks.
    pub fn method_not_allowed(resource: &GroupResource, verb: &str) -> Self {
        let message = format!("{verb} is not supported on resources of kind \"{resource}\"");
        Self::about(405, Reason::MethodNotAllowed, message, resource, "")
    }

    /// 405 for a path that does not take the method: `the server does not allow this method on the requested resource`.
    pub fn no_such_method() -> Self {
        let message = "the server does not allow this method on the requested resource";
        let mut status = Self::new(405, Reason::MethodNotAllowed, message);
        status.details = Some(Box::default());
        status
    }

    /// 406: none of the accepted media types can be produced.
    pub fn not_acceptable(accepted: &str) -> Self {
        Self::new(
            406,
            Reason::NotAcceptable,
            format!("only the following media types are accepted: {accepted}"),
        )
    }

    /// 415: the body's media type is not understood.
    pub fn unsupported_media_type(accepted: &str) -> Self {
        Self::new(
            415,
            Reason::UnsupportedMediaType,
            format!(
                "the body of the request was in an unknown format - accepted media types include: {accepted}"
            ),
        )
    }

    /// 413: the body is too large.
    pub fn too_large(limit: usize) -> Self {
        Self::new(413, Reason::RequestEntityTooLarge, format!("Request entity too large: limit is {limit}"))
    }

    /// 410 Expired: the revision asked for is compacted away.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, Reason::Expired, message)
    }

    /// 429 with Retry-After.
    pub fn too_many_requests(message: impl Into<String>, retry_after_seconds: u32) -> Self {
        let mut status = Self::new(429, Reason::TooManyRequests, message);
        status.details = Some(Box::new(Details { retry_after_seconds, ..Details::default() }));
        status
    }

    /// 504 Timeout.
    pub fn timeout(message: impl Into<String>, retry_after_seconds: u32) -> Self {
        let mut status = Self::new(504, Reason::Timeout, message);
        status.details = Some(Box::new(Details { retry_after_seconds, ..Details::default() }));
        status
    }

    /// 503.
    pub fn service_unavailable(message: impl Into<String>) -> Self {
        Self::new(503, Reason::ServiceUnavailable, message)
    }

    /// 500 `Internal error occurred: why`.
    pub fn internal(why: impl fmt::Display) -> Self {
        let mut status = Self::new(500, Reason::InternalError, format!("Internal error occurred: {why}"));
        let cause = Cause { message: why.to_string(), ..Cause::default() };
        status.details = Some(Box::new(Details { causes: vec![cause], ..Details::default() }));
        status
    }

    /// The details, made if there were none.
    pub fn details_mut(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }

    /// Whether this is 404 NotFound.
    pub fn is_not_found(&self) -> bool {
        self.reason == Reason::NotFound
    }

    /// Whether this is 409 AlreadyExists.
    pub fn is_already_exists(&self) -> bool {
        self.reason == Reason::AlreadyExists
    }

    /// Whether this is 409 Conflict.
    pub fn is_conflict(&self) -> bool {
        self.reason == Reason::Conflict
    }

    /// Whether this is 410: list again and watch from there.
    pub fn is_gone(&self) -> bool {
        self.code == 410
    }

    /// The `v1 Status` object.
    pub fn to_document(&self) -> Document {
        let mut out = doc!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message.as_str()
        });
        if self.reason != Reason::Unknown {
            out.insert("reason", self.reason.as_str());
        }
        if let Some(details) = &self.details {
            let mut to = Document::object();
            for (key, text) in [
                ("name", &details.name),
                ("group", &details.group),
                ("kind", &details.kind),
                ("uid", &details.uid),
            ] {
                if !text.is_empty() {
                    to.insert(key, text.as_str());
                }
            }
            for cause in &details.causes {
                let mut one = Document::object();
                for (key, text) in
                    [("reason", &cause.reason), ("message", &cause.message), ("field", &cause.field)]
                {
                    if !text.is_empty() {
                        one.insert(key, text.as_str());
                    }
                }
                to.ensure(&["causes"]).push(one);
            }
            if details.retry_after_seconds > 0 {
                to.insert("retryAfterSeconds", details.retry_after_seconds);
            }
            out.insert("details", to);
        }
        out.insert("code", self.code);
        out
    }

    /// Reads a `v1 Status` object; `None` if the document is none.
    pub fn from_document(doc: &Document) -> Option<Self> {
        if doc.str_at(&["kind"]) != "Status" {
            return None;
        }
        let details = doc.get("details").map(|d| {
            let text = |key: &str| d.str_at(&[key]).to_owned();
            let causes = d.array_at(&["causes"]).iter().map(|c| Cause {
                reason: c.str_at(&["reason"]).to_owned(),
                message: c.str_at(&["message"]).to_owned(),
                field: c.str_at(&["field"]).to_owned(),
            });
            Box::new(Details {
                name: text("name"),
                group: text("group"),
                kind: text("kind"),
                uid: text("uid"),
                causes: causes.collect(),
                retry_after_seconds: d
                    .i64_at(&["retryAfterSeconds"])
                    .and_then(|s| u32::try_from(s).ok())
                    .unwrap_or(0),
            })
        });
        Some(Self {
            code: doc.i64_at(&["code"]).and_then(|c| u16::try_from(c).ok()).unwrap_or(500),
            reason: Reason::parse(doc.str_at(&["reason"])),
            message: doc.str_at(&["message"]).to_owned(),
            details,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FieldError, FieldPath};

    #[test]
    fn messages_are_the_ones_that_clients_match() {
        let pods = GroupResource::new("", "pods");
        let deployments = GroupResource::new("apps", "deployments");
        assert_eq!(Status::not_found(&pods, "x").message, r#"pods "x" not found"#);
        assert_eq!(
            Status::already_exists(&deployments, "x").message,
            r#"deployments.apps "x" already exists"#
        );
        let field = FieldPath::new("spec").child("replicas");
        let errors = vec![FieldError::invalid(&field, -1, "must be greater than or equal to 0")];
        assert_eq!(
            Status::invalid(&GroupKind::new("apps", "Deployment"), "web", &errors).message,
            r#"Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0"#
        );
    }

    #[test]
    fn a_status_survives_the_wire() {
        let mut status = Status::too_many_requests("slow down", 3);
        status.details_mut().causes.push(Cause {
            reason: "r".into(),
            message: "m".into(),
            field: "f".into(),
        });
        assert_eq!(Status::from_document(&status.to_document()), Some(status));
    }
}
