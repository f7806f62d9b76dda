//! What a pod asks for as a whole, its containers together (KEP-2837).

use super::given;
use super::resources::{self, Level};
use super::spec::Around;
use crate::pod_resources::{self, Which};
use crate::resource_list::ResourceList;
use crate::validation::place::Place;
use skiff_apimachinery::quantity::Quantity;
use skiff_apimachinery::{Document, FieldErrors};

/// The `resources` of a pod.
pub(super) fn validate(spec: &Document, place: &Place<'_>, around: &Around<'_>) -> FieldErrors {
    let Some(of_pod) = given(spec, "resources") else { return FieldErrors::new() };
    let place = &place.child("resources");
    if around.os == Some("windows") {
        return vec![place.forbidden("may not be set for a windows pod")];
    }
    let mut out = FieldErrors::new();
    if given(of_pod, "claims").is_some() {
        out.push(place.child("claims").forbidden("claims may not be set for Resources at pod-level"));
    }
    out.extend(resources::requirements(of_pod, Level::Pod, place, around));
    out.extend(against_containers(spec, place));
    out
}

/// What the containers of a pod ask for together, whatever the pod asks for.
pub(super) fn sum_of_containers(spec: &Document, which: Which) -> ResourceList {
    let mut containers = Document::object();
    for list in ["containers", "initContainers"] {
        if let Some(list_of_spec) = spec.get(list) {
            containers.insert(list, list_of_spec);
        }
    }
    pod_resources::aggregate(&containers, which)
}

/// A pod asks for no less than its containers do, and none of them may use more than the pod.
fn against_containers(spec: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let [requests, limits] = [Which::Requests, Which::Limits].map(|which| which.of(spec));
    let at = place.child("requests");
    for (name, sum) in
        sum_of_containers(spec, Which::Requests).iter().filter(|(name, _)| resources::is_of_pods(name))
    {
        let own = requests.get(name).unwrap_or(Quantity::ZERO);
        if sum > own {
            let why = format!("must be greater than or equal to aggregate container requests of {sum}");
            out.push(at.key(name).invalid(own, why));
        }
    }
    let at = place.child("limits");
    for (name, sum) in
        sum_of_containers(spec, Which::Limits).iter().filter(|(name, _)| resources::is_huge_pages(name))
    {
        let own = limits.get(name).unwrap_or(Quantity::ZERO);
        if sum > own {
            let why = format!("must be greater than or equal to aggregate container limits of {sum}");
            out.push(at.key(name).invalid(own, why));
        }
    }
    let list = place.child("containers");
    for (i, container) in spec.array_at(&["containers"]).iter().enumerate() {
        let place = list.index(i);
        for (name, limit) in Which::Limits.of(container).iter() {
            if let Some(own) = limits.get(name)
                && limit > own
            {
                let why = format!("must be less than or equal to pod limits of {own}");
                out.push(place.key(name).child("limits").invalid(limit, why));
            }
        }
    }
    out
}
