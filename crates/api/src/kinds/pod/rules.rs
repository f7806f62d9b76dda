//! What is wrong with a pod, beyond what is wrong with its spec alone.

use super::super::pod_template::{self, Leniency, Within, given};
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors, FieldPath};

static EMPTY: Document = Document::NULL;

/// A pod's spec; that of none is empty.
pub(super) fn spec(pod: &Document) -> &Document {
    pod.get("spec").unwrap_or(&EMPTY)
}

/// Annotations with rules of their own.
pub(super) fn annotations(pod: &Document, leniency: Leniency) -> FieldErrors {
    let metadata = FieldPath::new("metadata");
    pod_template::specific(pod, spec(pod), &Place::at(&metadata).child("annotations"), leniency)
}

/// Annotations and spec, of new pods and of changed ones.
pub(super) fn metadata_and_spec(pod: &Document, leniency: Leniency) -> FieldErrors {
    let field = FieldPath::new("spec");
    let place = &Place::at(&field);
    let spec = spec(pod);
    let mut out = annotations(pod, leniency);
    out.extend(pod_template::validate_spec(spec, &field, Within::Pod(pod), leniency));
    if spec.str_at(&["serviceAccountName"]).is_empty() {
        out.extend(tokens(spec, &place.child("volumes")));
    }
    out.extend(pod_template::padded_images(spec, place));
    out
}

/// Tokens of a service account that the pod does not have.
fn tokens(spec: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    for (i, volume) in spec.array_at(&["volumes"]).iter().enumerate() {
        let place = place.index(i);
        let place = place.child("projected");
        let place = place.child("sources");
        for (j, source) in volume.array_at(&["projected", "sources"]).iter().enumerate() {
            if given(source, "serviceAccountToken").is_some() {
                let why = "must not be specified when serviceAccountName is not set";
                out.push(place.index(j).child("serviceAccountToken").forbidden(why));
            }
        }
    }
    out
}

/// What only new pods must not have.
pub(super) fn on_create(pod: &Document) -> FieldErrors {
    let field = FieldPath::new("spec");
    let place = &Place::at(&field);
    let spec = spec(pod);
    let mut out = FieldErrors::new();
    if !spec.array_at(&["ephemeralContainers"]).is_empty() {
        out.push(place.child("ephemeralContainers").forbidden("cannot be set on create"));
    }
    if !spec.str_at(&["nodeName"]).is_empty() && !spec.array_at(&["schedulingGates"]).is_empty() {
        let why = "cannot be set until all schedulingGates have been cleared";
        out.push(place.child("nodeName").forbidden(why));
    }
    out.extend(pod_template::field_matches(pod, spec, place));
    out
}

/// Annotations that stay as they were made.
pub(super) fn annotation_changes(new: &Document, old: &Document, leniency: Leniency) -> FieldErrors {
    let mut out = FieldErrors::new();
    let metadata = FieldPath::new("metadata");
    let place = Place::at(&metadata);
    let place = &place.child("annotations");
    let what = |key: &str| {
        if key.starts_with(pod_template::PREFIX_APPARMOR) {
            Some("AppArmor annotations")
        } else {
            (key == pod_template::MIRROR).then_some("mirror pod annotation")
        }
    };
    for (key, value) in old.annotations().into_iter().flat_map(|annotations| annotations.iter()) {
        if let Some(what) = what(key).filter(|_| new.annotation(key) != value.as_str()) {
            out.push(place.key(key).forbidden(format!("may not remove or update {what}")));
        }
    }
    for key in new.annotations().into_iter().flat_map(|annotations| annotations.keys()) {
        if let Some(what) = what(key).filter(|_| old.annotation(key).is_none()) {
            out.push(place.key(key).forbidden(format!("may not add {what}")));
        }
    }
    out.extend(annotations(new, leniency));
    out
}
