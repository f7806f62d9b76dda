//! What may change in a pod: images, a shorter deadline, more tolerations, fewer scheduling gates.

use super::super::pod_template::{self, Leniency};
use super::sameness::is_same;
use super::{gated, rules, spec_diff};
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors, FieldPath, names};

const WHY: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
const LISTS: [&str; 2] = ["containers", "initContainers"];

/// Changes of the pod itself.
pub(super) fn validate(new: &Document, old: &Document) -> FieldErrors {
    let (new_spec, old_spec) = (rules::spec(new), rules::spec(old));
    let spec_stays = new_spec == old_spec;
    let check = |leniency: Leniency| {
        let mut out = if spec_stays {
            rules::annotations(new, leniency)
        } else {
            rules::metadata_and_spec(new, leniency)
        };
        out.extend(rules::annotation_changes(new, old, leniency));
        out
    };
    let mut out = check(Leniency::default());
    if !out.is_empty() {
        out = check(Leniency::towards(old));
    }
    if spec_stays {
        return out;
    }
    let field = FieldPath::new("spec");
    let place = &Place::at(&field);
    for list in LISTS {
        let (new, old) = (new_spec.array_at(&[list]), old_spec.array_at(&[list]));
        if new.len() != old.len() {
            out.push(place.child(list).forbidden("pod updates may not add or remove containers"));
            return out;
        }
        out.extend(images(new, &place.child(list)));
    }
    let (errors, stop) = deadline(new_spec, old_spec, &place.child("activeDeadlineSeconds"));
    out.extend(errors);
    if stop {
        return out;
    }
    out.extend(tolerations(new_spec, old_spec, &place.child("tolerations")));
    out.extend(added_gates(new_spec, old_spec, &place.child("schedulingGates")));
    let mut rest = undo(new_spec, old_spec);
    if !old_spec.array_at(&["schedulingGates"]).is_empty() {
        out.extend(gated::undo(&mut rest, old_spec, place));
    }
    if !is_same(&rest, old_spec) {
        out.push(place.forbidden(format!("{WHY}\n{}", spec_diff::unified(old_spec, &rest))));
    }
    out
}

fn images(containers: &[Document], place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    for (i, container) in containers.iter().enumerate() {
        let image = container.str_at(&["image"]);
        let place = place.index(i);
        if image.is_empty() {
            out.push(place.child("image").required(""));
        }
        if image.trim() != image {
            let why = "must not have leading or trailing whitespace";
            out.push(place.child("image").invalid(image, why));
        }
    }
    out
}

/// A deadline may come, and come nearer; whether upstream looks no further.
fn deadline(new: &Document, old: &Document, place: &Place<'_>) -> (FieldErrors, bool) {
    let seconds = |spec: &Document| spec.i64_at(&["activeDeadlineSeconds"]);
    let longest = i64::from(i32::MAX);
    match (seconds(new), seconds(old)) {
        (Some(new), _) if !(0..=longest).contains(&new) => {
            (vec![place.invalid(new, names::range_text(0, longest))], true)
        }
        (Some(new), Some(old)) if new > old => {
            (vec![place.invalid(new, "must be less than or equal to previous value")], true)
        }
        (None, Some(_)) => {
            let why = "must not update from a positive integer to nil value";
            (vec![place.invalid(Document::NULL, why)], false)
        }
        _ => (FieldErrors::new(), false),
    }
}

/// Tolerations may come; of those that are there only the time may change.
fn tolerations(new: &Document, old: &Document, place: &Place<'_>) -> FieldErrors {
    fn without_time(toleration: &Document) -> [&str; 4] {
        ["key", "operator", "value", "effect"].map(|field| toleration.str_at(&[field]))
    }
    let kept = new.array_at(&["tolerations"]);
    let is_lost = |old: &Document| !kept.iter().any(|new| without_time(new) == without_time(old));
    if old.array_at(&["tolerations"]).iter().any(is_lost) {
        let why = "existing toleration can not be modified except its tolerationSeconds";
        return vec![place.forbidden(why)];
    }
    pod_template::validate_tolerations(kept, place)
}

fn added_gates(new: &Document, old: &Document, place: &Place<'_>) -> FieldErrors {
    let had =
        |name: &str| old.array_at(&["schedulingGates"]).iter().any(|gate| gate.str_at(&["name"]) == name);
    let gates = new.array_at(&["schedulingGates"]).iter().map(|gate| gate.str_at(&["name"]));
    let added = gates.enumerate().filter(|(_, name)| !had(name));
    added
        .map(|(i, name)| {
            let why = format!("only deletion is allowed, but found new scheduling gate '{name}'");
            place.index(i).child("name").forbidden(why)
        })
        .collect()
}

/// The new spec with the changes that are allowed taken back: the same as the old one if nothing else changed.
fn undo(new: &Document, old: &Document) -> Document {
    let mut out = new.clone();
    for list in LISTS {
        let containers = out.get_mut(list).and_then(Document::as_array_mut);
        for (container, old) in containers.into_iter().flatten().zip(old.array_at(&[list])) {
            restore(container, old, "image");
        }
    }
    for field in ["activeDeadlineSeconds", "tolerations", "schedulingGates"] {
        restore(&mut out, old, field);
    }
    if old.i64_at(&["terminationGracePeriodSeconds"]).is_some_and(|seconds| seconds < 0)
        && new.i64_at(&["terminationGracePeriodSeconds"]) == Some(1)
    {
        restore(&mut out, old, "terminationGracePeriodSeconds");
    }
    out
}

/// Gives a field its old value back.
pub(super) fn restore(doc: &mut Document, old: &Document, field: &str) {
    match old.get(field) {
        Some(value) => doc.insert(field, value),
        None => drop(doc.remove(&[field])),
    }
}
