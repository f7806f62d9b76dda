//! Where containers see the pod's volumes: as directories, or as block devices.

use super::super::spec::Around;
use super::super::volume::path;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors};
use std::collections::{HashMap, HashSet};

/// Names of a list's volumes, and the paths they are at; of a name that comes twice the last path counts.
struct Taken<'a> {
    names: HashSet<&'a str>,
    paths: HashSet<&'a str>,
}

impl<'a> Taken<'a> {
    fn of(list: &'a [Document], path: &str) -> Self {
        let by_name: HashMap<&str, &str> =
            list.iter().map(|element| (element.str_at(&["name"]), element.str_at(&[path]))).collect();
        Self { names: by_name.keys().copied().collect(), paths: by_name.into_values().collect() }
    }
}

/// The volume mounts of a container.
pub(super) fn volumes(container: &Document, place: &Place<'_>, around: &Around<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let mounts = container.array_at(&["volumeMounts"]);
    if mounts.is_empty() {
        return out;
    }
    let devices = Taken::of(container.array_at(&["volumeDevices"]), "devicePath");
    let mut seen = HashSet::new();
    let list = place;
    for (i, mount) in mounts.iter().enumerate() {
        let place = &list.index(i);
        let (name, path) = (mount.str_at(&["name"]), mount.str_at(&["mountPath"]));
        if name.is_empty() {
            out.push(place.child("name").required(""));
        }
        if !around.volumes.contains_key(name) {
            out.push(place.child("name").not_found(name));
        }
        if path.is_empty() {
            out.push(place.child("mountPath").required(""));
        }
        if !seen.insert(path) {
            out.push(place.child("mountPath").invalid(path, "must be unique"));
        }
        if devices.names.contains(name) {
            out.push(place.child("name").invalid(name, "must not already exist in volumeDevices"));
        }
        if devices.paths.contains(path) {
            let why = "must not already exist as a path in volumeDevices";
            out.push(place.child("mountPath").invalid(path, why));
        }
        out.extend(sub_paths(mount, list, place));
        out.extend(propagation(mount, container, &list.child("mountPropagation")));
        out.extend(recursion(mount, &list.child("recursiveReadOnly")));
    }
    out
}

/// Upstream leaves the index out of some paths.
fn sub_paths(mount: &Document, list: &Place<'_>, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let (plain, expression) = (mount.str_at(&["subPath"]), mount.str_at(&["subPathExpr"]));
    if !plain.is_empty() {
        out.extend(path::descending(plain, &list.child("subPath")));
    }
    if !expression.is_empty() {
        if !plain.is_empty() {
            let why = "subPathExpr and subPath are mutually exclusive";
            out.push(place.child("subPathExpr").invalid(expression, why));
        }
        out.extend(path::descending(expression, &list.child("subPathExpr")));
    }
    out
}

fn propagation(mount: &Document, container: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let Some(mode) = mount.get("mountPropagation").and_then(Document::as_str) else { return out };
    out.extend(place.among(mode, &["Bidirectional", "HostToContainer", "None"]));
    let privileged = container.bool_at(&["securityContext", "privileged"]) == Some(true);
    if mode == "Bidirectional" && !privileged {
        let why = "Bidirectional mount propagation is available only to privileged containers";
        out.push(place.forbidden(why));
    }
    out
}

/// Whether mounts below the mount are read-only too (KEP-3857).
fn recursion(mount: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let Some(mode) = mount.get("recursiveReadOnly").and_then(Document::as_str) else { return out };
    out.extend(place.among(mode, &["Disabled", "Enabled", "IfPossible"]));
    if !matches!(mode, "Enabled" | "IfPossible") {
        return out;
    }
    if mount.bool_at(&["readOnly"]) != Some(true) {
        out.push(place.forbidden("may only be specified when readOnly is true"));
    }
    if mount.get("mountPropagation").and_then(Document::as_str).is_some_and(|mode| mode != "None") {
        let why = "may only be specified when mountPropagation is None or not specified";
        out.push(place.forbidden(why));
    }
    out
}

/// The block devices of a container.
pub(super) fn devices(container: &Document, place: &Place<'_>, around: &Around<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let devices = container.array_at(&["volumeDevices"]);
    if devices.is_empty() {
        return out;
    }
    let mounts = Taken::of(container.array_at(&["volumeMounts"]), "mountPath");
    let (mut names, mut paths) = (HashSet::new(), HashSet::new());
    for (i, device) in devices.iter().enumerate() {
        let place = place.index(i);
        let (name_place, path_place) = (place.child("name"), place.child("devicePath"));
        let (name, path) = (device.str_at(&["name"]), device.str_at(&["devicePath"]));
        if name.is_empty() {
            out.push(name_place.required(""));
        }
        if names.contains(name) {
            out.push(name_place.invalid(name, "must be unique"));
        }
        let is_claim = |volume: &&Document| {
            ["persistentVolumeClaim", "ephemeral"]
                .iter()
                .any(|kind| volume.get(kind).is_some_and(|v| !v.is_null()))
        };
        match around.volumes.get(name) {
            Some(volume) if !is_claim(volume) => {
                let why =
                    "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
                out.push(name_place.invalid(name, why));
            }
            Some(_) => {}
            None => out.push(name_place.not_found(name)),
        }
        if path.is_empty() {
            out.push(path_place.required(""));
        }
        if paths.contains(path) {
            out.push(path_place.invalid(path, "must be unique"));
        }
        if path::has_backsteps(path) {
            out.push(path_place.invalid(path, "can not contain backsteps ('..')"));
        } else {
            paths.insert(path);
        }
        if mounts.names.contains(name) {
            out.push(name_place.invalid(name, "must not already exist in volumeMounts"));
        }
        if mounts.paths.contains(path) {
            out.push(path_place.invalid(path, "must not already exist as a path in volumeMounts"));
        }
        if !name.is_empty() {
            names.insert(name);
        }
    }
    out
}
