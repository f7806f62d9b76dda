//! What may change through `pods/ephemeralcontainers`: containers for debugging come, and stay.

use super::super::pod_template::{self, Leniency};
use super::sameness::is_same;
use super::{rules, spec_diff};
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// What is wrong with a pod that differs from the old one in its ephemeral containers.
pub(crate) fn validate(new: &Document, old: &Document) -> FieldErrors {
    if pod_template::is_mirror(old) {
        // Upstream names no field here.
        let nowhere = FieldPath::root().key("");
        return vec![FieldError::forbidden(&nowhere, "static pods do not support ephemeral containers")];
    }
    let check = |leniency: Leniency| {
        let mut out = rules::metadata_and_spec(new, leniency);
        out.extend(rules::annotation_changes(new, old, leniency));
        out
    };
    let mut out = check(Leniency::default());
    if !out.is_empty() {
        out = check(Leniency::towards(old));
    }
    let field = FieldPath::new("spec");
    let place = Place::at(&field);
    let place = place.child("ephemeralContainers");
    let now = rules::spec(new).array_at(&["ephemeralContainers"]);
    for before in rules::spec(old).array_at(&["ephemeralContainers"]) {
        let name = before.str_at(&["name"]);
        match now.iter().rfind(|container| container.str_at(&["name"]) == name) {
            None => {
                let why = format!("existing ephemeral containers {name:?} may not be removed\n");
                out.push(place.forbidden(why));
            }
            Some(now) if !is_same(now, before) => {
                let diff = spec_diff::unified(before, now);
                let why = format!("existing ephemeral containers {name:?} may not be changed\n{diff}");
                out.push(place.forbidden(why));
            }
            Some(_) => {}
        }
    }
    out
}
