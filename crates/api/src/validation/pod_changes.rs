//! What may change in a pod through its subresources: the rules that need the pod before and after.
//!
//! The views of `pods/ephemeralcontainers` and `pods/resize` ask here before they hand the new pod on.

use crate::kinds::pod;
use skiff_apimachinery::{Document, FieldErrors};

/// What is wrong with a pod that differs from the old one in its ephemeral containers.
pub fn ephemeral_containers(new: &Document, old: &Document) -> FieldErrors {
    pod::ephemeral_containers::validate(new, old)
}

/// What is wrong with a pod that differs from the old one in its containers' resources and resize policies.
pub fn resize(new: &Document, old: &Document) -> FieldErrors {
    pod::resize::validate(new, old)
}
