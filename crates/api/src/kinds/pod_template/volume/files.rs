//! Volumes that show objects as files.

use super::super::field_reference::{self, Reader};
use super::super::given;
use super::{path, required};
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldError, FieldErrors};

/// The most that a file's mode can be.
const MAX_MODE: i64 = 0o777;

/// The mode of files.
pub(super) fn mode(holder: &Document, field: &str, place: &Place<'_>) -> Option<FieldError> {
    let mode = holder.i64_at(&[field]).filter(|mode| !(0..=MAX_MODE).contains(mode))?;
    let why = "must be a number between 0 and 0777 (octal), both inclusive";
    Some(place.child(field).invalid(mode, why))
}

pub(super) fn secret(source: &Document, place: &Place<'_>) -> FieldErrors {
    keyed(source, "secretName", place)
}

pub(super) fn config_map(source: &Document, place: &Place<'_>) -> FieldErrors {
    keyed(source, "name", place)
}

fn keyed(source: &Document, name: &str, place: &Place<'_>) -> FieldErrors {
    let mut out = required(source, &[name], place);
    out.extend(mode(source, "defaultMode", place));
    let list = &place.child("items");
    for (i, item) in source.array_at(&["items"]).iter().enumerate() {
        out.extend(key_to_path(item, &list.index(i)));
    }
    out
}

/// A key, and the file that shows it.
pub(super) fn key_to_path(item: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = required(item, &["key", "path"], place);
    out.extend(path::non_reserved(item.str_at(&["path"]), &place.child("path")));
    out.extend(mode(item, "mode", place));
    out
}

pub(super) fn downward_api(source: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out: FieldErrors = mode(source, "defaultMode", place).into_iter().collect();
    for file in source.array_at(&["items"]) {
        // Upstream names no element here.
        out.extend(downward_file(file, place));
    }
    out
}

/// A file that shows something of the pod.
pub(super) fn downward_file(file: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = required(file, &["path"], place);
    out.extend(path::non_reserved(file.str_at(&["path"]), &place.child("path")));
    match (given(file, "fieldRef"), given(file, "resourceFieldRef")) {
        (Some(field), resource) => {
            out.extend(field_reference::field(field, &place.child("fieldRef"), Reader::File));
            if resource.is_some() {
                let why = "fieldRef and resourceFieldRef can not be specified simultaneously";
                out.push(place.invalid("resource", why));
            }
        }
        (None, Some(resource)) => {
            let place = place.child("resourceFieldRef");
            out.extend(field_reference::resource(resource, &place, Reader::File));
        }
        (None, None) => out.push(place.required("one of fieldRef and resourceFieldRef is required")),
    }
    out.extend(mode(file, "mode", place));
    out
}
