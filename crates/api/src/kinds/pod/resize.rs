//! What may change through `pods/resize`: CPU and memory of running containers (KEP-1287).

use super::super::pod_template::{self, Leniency, given};
use super::sameness::is_same;
use super::update::restore;
use super::{qos_class, rules};
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map};

const LISTS: [&str; 2] = ["containers", "initContainers"];
const ONLY_CPU_AND_MEMORY: &str = "only cpu and memory resources are mutable";

/// What is wrong with a pod that differs from the old one in its containers' resources and resize policies.
pub(crate) fn validate(new: &Document, old: &Document) -> FieldErrors {
    if let Some(why) = never(new, old) {
        // Upstream names no field here.
        return vec![FieldError::forbidden(&FieldPath::root().key(""), why)];
    }
    let mut out = rules::metadata_and_spec(new, Leniency::default());
    if !out.is_empty() {
        out = rules::metadata_and_spec(new, Leniency::towards(old));
    }
    let field = FieldPath::new("spec");
    let place = &Place::at(&field);
    let (new_spec, old_spec) = (rules::spec(new), rules::spec(old));
    let class = match old.str_at(&["status", "qosClass"]) {
        "" => qos_class(old),
        class => class,
    };
    if class != qos_class(new) {
        let why = "Pod QOS Class may not change as a result of resizing";
        out.push(place.invalid(new.str_at(&["status", "qosClass"]), why));
    }
    if !is_supported(old) {
        out.push(place.forbidden("Pod running on node without support for resize"));
    }
    let order = reordered(new_spec, old_spec, place);
    if !order.is_empty() {
        out.extend(order);
        return out;
    }
    for list in ["initContainers", "containers"] {
        out.extend(removed(new_spec, old_spec, list, &place.child(list)));
    }
    let mut rest = new_spec.clone();
    for list in LISTS {
        out.extend(undo(&mut rest, old_spec, list, place));
    }
    if out.is_empty() && !is_same(&rest, old_spec) {
        out.push(place.forbidden(ONLY_CPU_AND_MEMORY));
    }
    out
}

/// Why the pod is not resized at all.
fn never(new: &Document, old: &Document) -> Option<&'static str> {
    let has_own = |pod: &Document| {
        ["requests", "limits"].iter().any(|list| {
            pod.object_at(&["spec", "resources", list]).is_some_and(|amounts| !amounts.is_empty())
        })
    };
    if has_own(old) || has_own(new) {
        Some("pods with pod-level resources cannot be resized")
    } else if pod_template::is_mirror(old) {
        Some("static pods cannot be resized")
    } else {
        (old.str_at(&["spec", "os", "name"]) == "windows").then_some("windows pods cannot be resized")
    }
}

/// A kubelet that knows of resizing reports the resources of what runs.
fn is_supported(pod: &Document) -> bool {
    let mut statuses = pod.array_at(&["status", "containerStatuses"]).iter();
    let running =
        statuses.find(|status| status.at(&["state", "running"]).is_some_and(|state| !state.is_null()));
    running.is_none_or(|status| given(status, "resources").is_some())
}

fn reordered(new: &Document, old: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    for list in LISTS {
        let (new, old) = (new.array_at(&[list]), old.array_at(&[list]));
        let place = place.child(list);
        if new.len() != old.len() {
            out.push(place.forbidden(format!("{list} may not be added or removed on resize")));
        } else if new.iter().zip(old).any(|(new, old)| new.str_at(&["name"]) != old.str_at(&["name"])) {
            out.push(place.forbidden(format!("{list} may not be renamed or reordered on resize")));
        }
    }
    out
}

fn is_sidecar(container: &Document) -> bool {
    container.str_at(&["restartPolicy"]) == "Always"
}

/// What a container asked for it goes on asking for.
fn removed(new: &Document, old: &Document, list: &str, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    for (i, (new, old)) in new.array_at(&[list]).iter().zip(old.array_at(&[list])).enumerate() {
        if list == "initContainers" && !is_sidecar(old) {
            continue;
        }
        let place = place.index(i);
        let place = place.child("resources");
        for which in ["requests", "limits"] {
            let now = new.object_at(&["resources", which]);
            let mut before = old.object_at(&["resources", which]).into_iter().flat_map(Map::keys);
            if before.any(|name| now.is_none_or(|now| !now.contains_key(name))) {
                out.push(place.child(which).forbidden(format!("resource {which} cannot be removed")));
            }
        }
    }
    out
}

/// Takes the changes that are allowed back, and tells what other ones there are.
fn undo(rest: &mut Document, old: &Document, list: &str, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let containers = rest.get_mut(list).and_then(Document::as_array_mut);
    for (container, old) in containers.into_iter().flatten().zip(old.array_at(&[list])) {
        let why = if list == "containers" {
            ONLY_CPU_AND_MEMORY
        } else if is_sidecar(container) {
            "only cpu and memory resources for sidecar containers are mutable"
        } else {
            if !is_same(container, old) {
                out.push(place.forbidden("resources for non-sidecar init containers are immutable"));
            }
            continue;
        };
        undo_container(container, old);
        if !is_same(container, old) {
            out.push(place.forbidden(why));
        }
    }
    out
}

/// Gives CPU and memory back; resize policies too may change, and claims may not be there at all.
fn undo_container(container: &mut Document, old: &Document) {
    container.remove(&["resources", "claims"]);
    for which in ["requests", "limits"] {
        let Some(before) = old.object_at(&["resources", which]) else {
            container.remove(&["resources", which]);
            continue;
        };
        let now = container.ensure(&["resources", which]).make_object();
        for name in ["cpu", "memory"] {
            match before.get(name) {
                Some(amount) => drop(now.insert(name, amount)),
                None => drop(now.remove(name)),
            }
        }
    }
    restore(container, old, "resizePolicy");
}
