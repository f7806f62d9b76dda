//! What pods and all kinds with a pod template share: defaults, validation and warnings of a PodSpec.
//!
//! `spec` holds the order of the rules; each other file holds those of one noun, with upstream's paths and words.

mod affinity;
mod annotations;
mod claims;
mod container;
mod defaults;
pub(crate) mod disabled;
mod dns;
mod environment;
mod field_reference;
mod host;
mod label_keys;
mod leniency;
mod lifecycle;
mod os;
mod pod_level;
mod probe;
mod resources;
mod security;
mod signer;
mod spec;
mod spread;
mod toleration;
mod volume;
pub(crate) mod warnings;

pub(crate) use annotations::{MIRROR, PREFIX_APPARMOR, field_matches, is_mirror, specific};
pub(crate) use container::padded_images;
pub(crate) use defaults::{default_pod, default_template};
pub(crate) use leniency::Leniency;
pub(crate) use security::app_armor;
pub(crate) use spec::{Within, validate_spec};
pub(crate) use toleration::validate as validate_tolerations;

use crate::validation::labels;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors, FieldPath};

/// The value of a field, if it is there and not null.
pub(crate) fn given<'a>(document: &'a Document, field: &str) -> Option<&'a Document> {
    document.get(field).filter(|value| !value.is_null())
}

/// What is wrong with the `template` of a workload: its metadata and its spec.
pub(crate) fn validate(template: Option<&Document>, field: &FieldPath) -> FieldErrors {
    static EMPTY: Document = Document::NULL;
    let template = template.unwrap_or(&EMPTY);
    let spec = template.get("spec").unwrap_or(&EMPTY);
    let place = Place::at(field);
    let mut out = FieldErrors::new();
    if let Some(given) = template.labels() {
        out.extend(labels::labels(&field.child("labels"), Some(given)));
    }
    let notes = place.child("annotations");
    out.extend(annotations::entries(template, &notes));
    out.extend(specific(template, spec, &notes, Leniency::default()));
    out.extend(validate_spec(spec, &field.child("spec"), Within::Template, Leniency::default()));
    out.extend(field_matches(template, spec, &place.child("spec")));
    if !spec.array_at(&["ephemeralContainers"]).is_empty() {
        let why = "ephemeral containers not allowed in pod template";
        out.push(place.child("spec").child("ephemeralContainers").forbidden(why));
    }
    out
}

#[cfg(test)]
mod tests;
