//! Ephemeral containers: for debugging, so what a service needs is not for them.

use super::super::given;
use super::super::spec::Around;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors};
use std::collections::HashSet;

/// Fields that only other containers have, in upstream's order.
const FIELDS: [&str; 9] = [
    "ports",
    "resources",
    "resizePolicy",
    "restartPolicy",
    "restartPolicyRules",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
];
const WHY: &str = "cannot be set for an Ephemeral Container";

/// The ephemeral containers of a pod.
pub(super) fn validate(spec: &Document, place: &Place<'_>, around: &Around<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let containers = spec.array_at(&["ephemeralContainers"]);
    if containers.is_empty() {
        return out;
    }
    let others: HashSet<&str> = ["containers", "initContainers"]
        .iter()
        .flat_map(|list| spec.array_at(&[list]))
        .map(|container| container.str_at(&["name"]))
        .collect();
    let mut seen = others.clone();
    for (i, container) in containers.iter().enumerate() {
        let place = &place.index(i);
        out.extend(super::of_any_list(container, place, around));
        out.extend(super::padded_image(container, place));
        let name = container.str_at(&["name"]);
        if !seen.insert(name) {
            out.push(place.child("name").duplicate(name));
        }
        let target = container.str_at(&["targetContainerName"]);
        if !target.is_empty() && !others.contains(target) {
            out.push(place.child("targetContainerName").not_found(target));
        }
        out.extend(forbidden(container, place));
    }
    out
}

fn forbidden(container: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    for field in FIELDS {
        let is_set = match field {
            "ports" | "resources" | "resizePolicy" | "restartPolicyRules" => {
                container.get(field).is_some_and(|value| !value.is_empty())
            }
            // A pointer that is set counts, whatever it points to.
            _ => given(container, field).is_some(),
        };
        if is_set {
            out.push(place.child(field).forbidden(WHY));
        }
    }
    let place = place.child("volumeMounts");
    for (i, mount) in container.array_at(&["volumeMounts"]).iter().enumerate() {
        for field in ["subPath", "subPathExpr"] {
            if !mount.str_at(&[field]).is_empty() {
                out.push(place.index(i).child(field).forbidden(WHY));
            }
        }
    }
    out
}
