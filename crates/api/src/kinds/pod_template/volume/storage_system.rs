//! Volumes of file servers and of clustered storage.

use super::{required, secret_name};
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors, names};

const MAX_TENANT: usize = 64;

pub(super) fn nfs(source: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = required(source, &["server", "path"], place);
    let path = source.str_at(&["path"]);
    if !path.starts_with('/') {
        out.push(place.child("path").invalid(path, "must be an absolute path"));
    }
    out
}

pub(super) fn flocker(source: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let name = source.str_at(&["datasetName"]);
    match (name.is_empty(), source.str_at(&["datasetUUID"]).is_empty()) {
        (true, true) => out.push(place.required("one of datasetName and datasetUUID is required")),
        (false, false) => {
            let why = "datasetName and datasetUUID can not be specified simultaneously";
            out.push(place.invalid("resource", why));
        }
        _ => {}
    }
    if name.contains('/') {
        out.push(place.child("datasetName").invalid(name, "must not contain '/'"));
    }
    out
}

/// Volumes of Ceph have somebody to ask for them.
pub(super) fn monitors(source: &Document, place: &Place<'_>) -> FieldErrors {
    let is_empty = source.array_at(&["monitors"]).is_empty();
    is_empty.then(|| place.child("monitors").required("")).into_iter().collect()
}

pub(super) fn rbd(source: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = monitors(source, place);
    out.extend(required(source, &["image"], place));
    out
}

pub(super) fn quobyte(source: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let registry = source.str_at(&["registry"]);
    let why = "must be a host:port pair or multiple pairs separated by commas";
    if registry.is_empty() {
        out.push(place.child("registry").required(why));
    } else if source.str_at(&["tenant"]).len() > MAX_TENANT {
        let why = "must be a UUID and may not exceed a length of 64 characters";
        out.push(place.child("tenant").required(why));
    } else {
        let wrong = registry.split(',').filter(|pair| !is_host_and_port(pair));
        out.extend(wrong.map(|_| place.child("registry").invalid(registry, why)));
    }
    out.extend(required(source, &["volume"], place));
    out
}

/// `host:port`; a host with colons stands in brackets.
fn is_host_and_port(pair: &str) -> bool {
    let Some((host, port)) = pair.rsplit_once(':') else { return false };
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']'),
        None => Some(host).filter(|host| !host.contains(':')),
    };
    bare.is_some_and(|bare| !bare.contains(['[', ']'])) && !port.contains(['[', ']'])
}

pub(super) fn storage_os(source: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = required(source, &["volumeName"], place);
    for field in ["volumeName", "volumeNamespace"] {
        let name = source.str_at(&[field]);
        if !name.is_empty() {
            out.extend(place.child(field).complaints(name, names::dns1123_label(name)));
        }
    }
    out.extend(secret_name(source, place));
    out
}
