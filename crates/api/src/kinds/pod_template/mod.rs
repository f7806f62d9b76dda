//! What pods and all kinds with a pod template share: defaults and validation of a PodSpec.

mod container;
mod defaults;
mod environment;
mod lifecycle;
mod placement;
mod resources;
mod security;
mod spec;
mod volume;
pub(crate) mod warnings;

pub(crate) use defaults::{default_pod, default_template};
pub(crate) use spec::{Within, validate_spec};

use crate::validation::labels;
use skiff_apimachinery::{Document, FieldErrors, FieldPath};

/// What is wrong with the `template` of a workload: its metadata and its spec.
pub(crate) fn validate(template: Option<&Document>, field: &FieldPath) -> FieldErrors {
    static EMPTY: Document = Document::NULL;
    let template = template.unwrap_or(&EMPTY);
    let metadata = field.child("metadata");
    let mut out = labels::labels(&metadata.child("labels"), template.object_at(&["metadata", "labels"]));
    out.extend(validate_spec(template.get("spec").unwrap_or(&EMPTY), &field.child("spec"), Within::Template));
    out
}
