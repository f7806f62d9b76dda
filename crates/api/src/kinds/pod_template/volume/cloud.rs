//! Disks of clouds.

use super::{required, secret_name};
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors, names};

const MAX_PARTITION: i64 = 255;
const CACHING_MODES: [&str; 3] = ["None", "ReadOnly", "ReadWrite"];
const DISK_KINDS: [&str; 3] = ["Dedicated", "Managed", "Shared"];
const MANAGED_URI: &str =
    "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";
const BLOB_URI: &str = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";

/// A disk that has an id, and may have a partition.
pub(super) fn partitioned(source: &Document, id: &str, place: &Place<'_>) -> FieldErrors {
    let mut out = required(source, &[id], place);
    let partition = source.i64_at(&["partition"]).unwrap_or(0);
    if !(0..=MAX_PARTITION).contains(&partition) {
        // Nought means none, so upstream does not say that it is allowed.
        out.push(place.child("partition").invalid(partition, names::range_text(1, MAX_PARTITION)));
    }
    out
}

pub(super) fn azure_disk(source: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = required(source, &["diskName", "diskURI"], place);
    let text = |field: &str| source.get(field).and_then(Document::as_str);
    if let Some(mode) = text("cachingMode") {
        out.extend(place.child("cachingMode").among(mode, &CACHING_MODES));
    }
    let Some(kind) = text("kind") else { return out };
    out.extend(place.child("kind").among(kind, &DISK_KINDS));
    let (start, shown) =
        if kind == "Managed" { ("/subscriptions/", MANAGED_URI) } else { ("https://", BLOB_URI) };
    let uri = source.str_at(&["diskURI"]);
    if !uri.starts_with(start) {
        out.push(place.child("diskURI").not_supported(uri, &[shown]));
    }
    out
}

pub(super) fn cinder(source: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = required(source, &["volumeID"], place);
    out.extend(secret_name(source, place));
    out
}
