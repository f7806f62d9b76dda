//! Containers of all three lists.

mod ephemeral;
mod mounts;
mod ports;
mod resize;
mod restart;

use super::spec::Around;
use super::{environment, given, lifecycle, probe, resources, security};
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldError, FieldErrors, names};
use std::collections::HashSet;

/// The lists of containers, in the order in which upstream visits them.
const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// All containers of a pod.
pub(super) fn validate(spec: &Document, place: &Place<'_>, around: &Around<'_>) -> FieldErrors {
    let mut out = regular(spec, &place.child("containers"), around);
    out.extend(init(spec, &place.child("initContainers"), around));
    out.extend(ephemeral::validate(spec, &place.child("ephemeralContainers"), around));
    out
}

/// Shows every container of a pod, and where it is.
pub(crate) fn for_each<'a>(
    spec: &'a Document,
    place: &Place<'_>,
    mut visit: impl FnMut(&'a Document, &Place<'_>),
) {
    for list in LISTS {
        let place = place.child(list);
        for (i, container) in spec.array_at(&[list]).iter().enumerate() {
            visit(container, &place.index(i));
        }
    }
}

/// Whether any container of a pod is such.
pub(super) fn any(spec: &Document, such: impl Fn(&Document) -> bool) -> bool {
    LISTS.iter().any(|list| spec.array_at(&[list]).iter().any(&such))
}

/// Whether an init container stays while the pod runs (KEP-753).
pub(super) fn is_sidecar(container: &Document) -> bool {
    container.str_at(&["restartPolicy"]) == "Always"
}

fn regular(spec: &Document, place: &Place<'_>, around: &Around<'_>) -> FieldErrors {
    let containers = spec.array_at(&["containers"]);
    if containers.is_empty() {
        return vec![place.required("")];
    }
    let mut out = FieldErrors::new();
    let mut seen = HashSet::new();
    for (i, container) in containers.iter().enumerate() {
        let place = &place.index(i);
        out.extend(of_any_list(container, place, around));
        let name = container.str_at(&["name"]);
        if !seen.insert(name) {
            out.push(place.child("name").duplicate(name));
        }
        out.extend(handlers(container, place, around));
        out.extend(restart::policy(container, place));
    }
    out.extend(ports::conflicts(containers, place));
    out
}

fn init(spec: &Document, place: &Place<'_>, around: &Around<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let containers = spec.array_at(&["initContainers"]);
    if containers.is_empty() {
        return out;
    }
    let mut seen: HashSet<&str> =
        spec.array_at(&["containers"]).iter().map(|container| container.str_at(&["name"])).collect();
    let list = place;
    for (i, container) in containers.iter().enumerate() {
        let place = &list.index(i);
        out.extend(of_any_list(container, place, around));
        out.extend(restart::init_policy(container, place));
        let name = container.str_at(&["name"]);
        if seen.contains(name) {
            out.push(place.child("name").duplicate(name));
        } else if !name.is_empty() {
            seen.insert(name);
        }
        // Init containers run one by one, so only their own ports collide; upstream names the first one.
        out.extend(ports::conflicts(std::slice::from_ref(container), list));
        if is_sidecar(container) {
            out.extend(handlers(container, place, around));
        } else {
            out.extend(no_handlers(container, place));
        }
    }
    out
}

fn no_handlers(container: &Document, place: &Place<'_>) -> FieldErrors {
    let why = "may not be set for init containers without restartPolicy=Always";
    let fields = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"].into_iter();
    let set = fields.filter(|field| given(container, field).is_some());
    set.map(|field| place.child(field).forbidden(why)).collect()
}

fn handlers(container: &Document, place: &Place<'_>, around: &Around<'_>) -> FieldErrors {
    let mut out = lifecycle::validate(container, &place.child("lifecycle"), around);
    out.extend(probe::validate(container, place, around));
    out
}

/// What holds for containers of any list.
fn of_any_list(container: &Document, place: &Place<'_>, around: &Around<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let name = container.str_at(&["name"]);
    if name.is_empty() {
        out.push(place.child("name").required(""));
    } else {
        out.extend(place.child("name").complaints(name, names::dns1123_label(name)));
    }
    if container.str_at(&["image"]).is_empty() {
        out.push(place.child("image").required(""));
    }
    let policy = container.str_at(&["terminationMessagePolicy"]);
    out.extend(place.child("terminationMessagePolicy").one_of(policy, &["File", "FallbackToLogsOnError"]));
    out.extend(ports::validate(container, &place.child("ports")));
    out.extend(environment::validate(container, place));
    out.extend(mounts::volumes(container, &place.child("volumeMounts"), around));
    out.extend(mounts::devices(container, &place.child("volumeDevices"), around));
    out.extend(pull_policy(container.str_at(&["imagePullPolicy"]), &place.child("imagePullPolicy")));
    out.extend(resources::of_container(container, &place.child("resources"), around));
    out.extend(resize::validate(container, &place.child("resizePolicy"), around));
    out.extend(security::container(container, &place.child("securityContext"), around.host_users));
    out
}

/// When to pull an image.
pub(super) fn pull_policy(policy: &str, place: &Place<'_>) -> Option<FieldError> {
    place.one_of(policy, &["Always", "IfNotPresent", "Never"])
}

/// What is wrong with the images of a pod: templates may hold one that only a pod may not.
pub(crate) fn padded_images(spec: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    for list in ["containers", "initContainers"] {
        let place = place.child(list);
        for (i, container) in spec.array_at(&[list]).iter().enumerate() {
            out.extend(padded_image(container, &place.index(i)));
        }
    }
    out
}

fn padded_image(container: &Document, place: &Place<'_>) -> Option<FieldError> {
    let image = container.str_at(&["image"]);
    let why = "must not have leading or trailing whitespace";
    (image.trim() != image).then(|| place.child("image").invalid(image, why))
}
