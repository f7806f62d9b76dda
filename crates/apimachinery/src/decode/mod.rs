//! A decoded body made to fit its kind's schema, as decoding into upstream's Go structs and encoding again would do.
//!
//! Unknown fields are dropped and reported, nulls are absent, wrong types are refused in Go's words, quantities and times
//! take their canonical form, empty values that Go omits are dropped and those it always writes are added. Only for
//! built-in kinds; custom resources are pruned and validated by `structural`.

mod coerce;
mod complete;

pub use coerce::{TypeError, conform};
pub use complete::{complete, zero, zero_field};

use crate::{GroupVersionKind, Status};

/// 400 for a body that does not fit the kind: `Pod in version "v1" cannot be handled as a Pod: why`.
pub fn refused(kind: &GroupVersionKind, why: impl std::fmt::Display) -> Status {
    let message =
        format!("{} in version {:?} cannot be handled as a {}: {why}", kind.kind, kind.version, kind.kind);
    Status::bad_request(message)
}

/// 400 for what strict field validation found: unknown and duplicate fields.
pub fn refused_strictly(kind: &GroupVersionKind, problems: &[String]) -> Status {
    refused(kind, strict_text(problems))
}

/// `strict decoding error: unknown field "spec.foo", duplicate field "spec.bar"`.
pub fn strict_text(problems: &[String]) -> String {
    format!("strict decoding error: {}", problems.join(", "))
}

/// `unknown field "spec.foo"`.
pub fn unknown_field(path: &str) -> String {
    format!("unknown field {path:?}")
}

/// `duplicate field "spec.foo"`.
pub fn duplicate_field(path: &str) -> String {
    format!("duplicate field {path:?}")
}
