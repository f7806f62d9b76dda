//! Rules that several kinds share, in upstream's words: names, labels, addresses, resources, object metadata.

pub(crate) mod conditions;
pub mod labels;
pub mod network;
pub(crate) mod pem;
pub(crate) mod place;
pub mod pod_changes;
pub(crate) mod resources;
pub(crate) mod signer_name;
pub(crate) mod webhook;

pub use skiff_apimachinery::names;

use crate::NameRule;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// What is wrong with an object's name under a kind's rule.
pub fn object_name(rule: NameRule, name: &str) -> Vec<String> {
    match rule {
        NameRule::Subdomain => names::dns1123_subdomain(name),
        NameRule::Label => names::dns1123_label(name),
        NameRule::Label1035 => names::dns1035_label(name),
        NameRule::Address => network::strict_ip(name).into_iter().collect(),
        NameRule::PathSegment => names::path_segment(name),
    }
}

/// One error for each complaint about a value.
pub(crate) fn invalid(field: &FieldPath, value: &str, complaints: Vec<String>) -> FieldErrors {
    complaints.into_iter().map(|why| FieldError::invalid(field, value, why)).collect()
}

/// `must be greater than or equal to 0` for negative integers.
pub(crate) fn not_negative(field: &FieldPath, value: Option<&Document>) -> Option<FieldError> {
    let value = value?.as_i64()?;
    (value < 0).then(|| FieldError::invalid(field, value, "must be greater than or equal to 0"))
}

/// `field is immutable` if the value changed.
pub(crate) fn immutable(
    field: &FieldPath,
    new: Option<&Document>,
    old: Option<&Document>,
) -> Option<FieldError> {
    let value = |doc: Option<&Document>| doc.filter(|doc| !doc.is_null()).cloned();
    (value(new) != value(old)).then(|| FieldError::invalid(field, new.cloned(), "field is immutable"))
}

/// The value is among the allowed ones; an absent or empty one is required.
pub(crate) fn one_of(field: &FieldPath, value: &str, allowed: &[&str]) -> Option<FieldError> {
    if value.is_empty() {
        Some(FieldError::required(field, ""))
    } else if allowed.contains(&value) {
        None
    } else {
        Some(FieldError::not_supported(field, value, allowed))
    }
}
