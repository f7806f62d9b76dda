//! Environment variables: `env` and `envFrom`.

use super::field_reference::{self, Reader};
use super::volume::path;
use super::{container, given};
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldError, FieldErrors, names};

/// Where a variable may take its value from, in upstream's order.
const SOURCES: [&str; 5] = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"];
/// Where many variables may come from at once, in upstream's order.
const BULK_SOURCES: [&str; 2] = ["configMapRef", "secretRef"];

/// The variables of a container.
pub(super) fn validate(container: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let list = &place.child("env");
    for (i, variable) in container.array_at(&["env"]).iter().enumerate() {
        let place = &list.index(i);
        let name = variable.str_at(&["name"]);
        if name.is_empty() {
            out.push(place.child("name").required(""));
        } else {
            out.extend(place.child("name").complaints(name, names::environment_name(name)));
        }
        if let Some(source) = given(variable, "valueFrom") {
            out.extend(value_from(source, variable, &place.child("valueFrom")));
        }
    }
    let list = &place.child("envFrom");
    for (i, source) in container.array_at(&["envFrom"]).iter().enumerate() {
        out.extend(bulk(source, list, &list.index(i)));
    }
    out
}

fn value_from(source: &Document, variable: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let mut count = 0;
    for kind in SOURCES {
        let Some(reference) = given(source, kind) else { continue };
        count += 1;
        let place = &place.child(kind);
        out.extend(match kind {
            "fieldRef" => field_reference::field(reference, place, Reader::Variable),
            "resourceFieldRef" => field_reference::resource(reference, place, Reader::Variable),
            "fileKeyRef" => file_key(reference, place),
            _ => key(reference, place),
        });
    }
    let why = match count {
        0 => {
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        }
        _ if !variable.str_at(&["value"]).is_empty() => "may not be specified when `value` is not empty",
        1 => return out,
        _ => "may not have more than one field specified at a time",
    };
    out.push(place.invalid("", why));
    out
}

/// A key of a ConfigMap or Secret.
fn key(reference: &Document, place: &Place<'_>) -> FieldErrors {
    let (name, key) = (reference.str_at(&["name"]), reference.str_at(&["key"]));
    let mut out = place.child("name").complaints(name, names::dns1123_subdomain(name));
    if key.is_empty() {
        out.push(place.child("key").required(""));
    } else {
        out.extend(place.child("key").complaints(key, names::config_map_key(key)));
    }
    out
}

/// A key of a file in a volume (KEP-3721).
fn file_key(reference: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let [key, volume, file] = ["key", "volumeName", "path"].map(|field| reference.str_at(&[field]));
    if key.is_empty() {
        out.push(place.child("key").required(""));
    } else {
        out.extend(place.child("key").complaints(key, names::environment_name(key)));
    }
    if volume.is_empty() {
        out.push(place.child("volumeName").required(""));
    } else {
        out.extend(place.child("volumeName").complaints(volume, names::dns1123_label(volume)));
    }
    if file.is_empty() {
        out.push(place.child("path").required(""));
    } else {
        out.extend(path::without_backsteps(file, &place.child("path")));
    }
    out
}

/// All variables of a ConfigMap or Secret.
fn bulk(source: &Document, list: &Place<'_>, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let prefix = source.str_at(&["prefix"]);
    if !prefix.is_empty() {
        out.extend(place.child("prefix").complaints(prefix, names::environment_name(prefix)));
    }
    let mut count = 0;
    for kind in BULK_SOURCES {
        let Some(reference) = given(source, kind) else { continue };
        count += 1;
        let place = place.child(kind);
        let (name, place) = (reference.str_at(&["name"]), place.child("name"));
        if name.is_empty() {
            out.push(place.required(""));
        } else {
            out.extend(place.complaints(name, maybe_prefix_of_subdomain(name)));
        }
    }
    // Upstream names the list here, not the element.
    match count {
        0 => out.push(list.invalid("", "must specify one of: `configMapRef` or `secretRef`")),
        1 => {}
        _ => out.push(list.invalid("", "may not have more than one field specified at a time")),
    }
    out
}

/// A name may end in a hyphen here, as one does that a suffix is still to be put to.
fn maybe_prefix_of_subdomain(name: &str) -> Vec<String> {
    match name.strip_suffix('-') {
        Some(shorter) if !shorter.is_empty() => {
            let mut masked = shorter.to_owned();
            masked.pop();
            masked.push('a');
            names::dns1123_subdomain(&masked)
        }
        _ => names::dns1123_subdomain(name),
    }
}

/// Variables that come from files: their volumes are there, and are empty at first.
pub(super) fn files(spec: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let volumes = spec.array_at(&["volumes"]);
    container::for_each(spec, place, |container, place| {
        let list = &place.child("env");
        for (i, variable) in container.array_at(&["env"]).iter().enumerate() {
            let Some(reference) = variable.at(&["valueFrom", "fileKeyRef"]).filter(|r| !r.is_null()) else {
                continue;
            };
            let place = &list.index(i);
            let place = &place.child("valueFrom");
            let place = &place.child("fileKeyRef");
            out.extend(file_volume(reference, volumes, &place.child("volumeName")));
        }
    });
    out
}

fn file_volume(reference: &Document, volumes: &[Document], place: &Place<'_>) -> Option<FieldError> {
    let name = reference.str_at(&["volumeName"]);
    // Of volumes of one name the last one counts.
    let Some(volume) = volumes.iter().rfind(|volume| volume.str_at(&["name"]) == name) else {
        return Some(place.not_found(name));
    };
    let why = "referenced volume must be of type emptyDir";
    given(volume, "emptyDir").is_none().then(|| place.invalid(name, why))
}
