//! What a change of resources does to a container (KEP-1287).

use super::super::spec::Around;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors};
use std::collections::HashSet;

/// The resize policies of a container.
pub(super) fn validate(container: &Document, place: &Place<'_>, around: &Around<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let mut seen = HashSet::new();
    for (i, policy) in container.array_at(&["resizePolicy"]).iter().enumerate() {
        let (resource, restart) = (policy.str_at(&["resourceName"]), policy.str_at(&["restartPolicy"]));
        if !seen.insert(resource) {
            out.push(place.index(i).duplicate(resource));
        }
        out.extend(place.one_of(resource, &["cpu", "memory"]));
        out.extend(place.one_of(restart, &["NotRequired", "RestartContainer"]));
        if around.restart_policy == "Never" && restart != "NotRequired" {
            out.push(place.invalid(restart, "must be 'NotRequired' when `restartPolicy` is 'Never'"));
        }
    }
    out
}
