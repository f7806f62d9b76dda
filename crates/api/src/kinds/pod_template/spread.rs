//! How a pod's kin are spread over the topology of a cluster.

use super::leniency::Leniency;
use super::{given, label_keys};
use crate::validation::labels;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors, FieldPath};

const ACTIONS: [&str; 2] = ["DoNotSchedule", "ScheduleAnyway"];
const POLICIES: [&str; 2] = ["Honor", "Ignore"];

/// The `topologySpreadConstraints` of a pod.
pub(super) fn validate(spec: &Document, place: &Place<'_>, leniency: Leniency) -> FieldErrors {
    let mut out = FieldErrors::new();
    let constraints = spec.array_at(&["topologySpreadConstraints"]);
    for (i, constraint) in constraints.iter().enumerate() {
        let place = &place.index(i);
        let (key, action) = (constraint.str_at(&["topologyKey"]), constraint.str_at(&["whenUnsatisfiable"]));
        out.extend(required(constraint, place));
        // Upstream reports the first of two that are equal.
        let is_same = |other: &Document| {
            other.str_at(&["topologyKey"]) == key && other.str_at(&["whenUnsatisfiable"]) == action
        };
        if constraints.iter().skip(i + 1).any(is_same) {
            let at = place.child("{topologyKey, whenUnsatisfiable}");
            out.push(at.duplicate(format!("{{{key}, {action}}}")));
        }
        out.extend(domains(constraint, &place.child("minDomains")));
        for policy in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            if let Some(value) = constraint.get(policy).and_then(Document::as_str) {
                out.extend(place.child(policy).among(value, &POLICIES));
            }
        }
        out.extend(if leniency.spread_label_keys {
            label_keys::apart(constraint, place)
        } else {
            label_keys::merged(constraint, place)
        });
        if let Some(selector) = given(constraint, "labelSelector").filter(|_| !leniency.spread_selectors) {
            out.extend(labels::selector(&place.child("labelSelector").path(), Some(selector)));
        }
    }
    out
}

fn required(constraint: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let skew = constraint.i64_at(&["maxSkew"]).unwrap_or(0);
    if skew <= 0 {
        out.push(place.child("maxSkew").invalid(skew, "must be greater than zero"));
    }
    if constraint.str_at(&["topologyKey"]).is_empty() {
        out.push(place.child("topologyKey").required("can not be empty"));
    }
    let action = constraint.str_at(&["whenUnsatisfiable"]);
    out.extend(place.child("whenUnsatisfiable").among(action, &ACTIONS));
    out
}

fn domains(constraint: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let Some(domains) = constraint.i64_at(&["minDomains"]) else { return out };
    if domains <= 0 {
        out.push(place.invalid(domains, "must be greater than zero"));
    }
    let action = constraint.str_at(&["whenUnsatisfiable"]);
    if action != "DoNotSchedule" {
        let why = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
        out.push(place.invalid(domains, why));
    }
    out
}

/// Whether a constraint has a broken selector, which upstream once let pass.
pub(super) fn has_invalid_selector(spec: &Document) -> bool {
    let root = FieldPath::root();
    spec.array_at(&["topologySpreadConstraints"])
        .iter()
        .any(|constraint| !labels::selector(&root, given(constraint, "labelSelector")).is_empty())
}

/// Whether a constraint has label keys that its selector has too, or broken ones.
pub(super) fn has_invalid_label_keys(spec: &Document) -> bool {
    let root = FieldPath::root();
    let place = Place::at(&root);
    spec.array_at(&["topologySpreadConstraints"])
        .iter()
        .any(|constraint| !label_keys::merged(constraint, &place).is_empty())
}
