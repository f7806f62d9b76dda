//! Paths below a directory that nothing may lead out of.

use crate::validation::place::Place;
use skiff_apimachinery::{FieldError, FieldErrors};

/// Whether a step of the path leads back.
pub(in super::super) fn has_backsteps(path: &str) -> bool {
    path.split('/').any(|step| step == "..")
}

/// No step leads back.
pub(in super::super) fn without_backsteps(path: &str, place: &Place<'_>) -> Option<FieldError> {
    has_backsteps(path).then(|| place.invalid(path, "must not contain '..'"))
}

/// A relative path that leads down only.
pub(in super::super) fn descending(path: &str, place: &Place<'_>) -> FieldErrors {
    let absolute = path.starts_with('/').then(|| place.invalid(path, "must be a relative path"));
    absolute.into_iter().chain(without_backsteps(path, place)).collect()
}

/// A relative path that leads down only, to a name that the kubelet does not keep for itself.
pub(super) fn non_reserved(path: &str, place: &Place<'_>) -> FieldErrors {
    let mut out = descending(path, place);
    if path.starts_with("..") && !path.starts_with("../") {
        out.push(place.invalid(path, "must not start with '..'"));
    }
    out
}
