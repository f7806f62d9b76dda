//! Volumes that come from the node, or that the node gets for itself.

use super::super::container;
use super::super::spec::Within;
use super::{path, required};
use crate::validation::place::Place;
use skiff_apimachinery::quantity::Quantity;
use skiff_apimachinery::{Document, FieldErrors};

/// What may be at a path of the host; nothing said is anything.
const HOST_PATH_TYPES: [&str; 8] =
    ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];

pub(super) fn empty_dir(source: &Document, place: &Place<'_>) -> FieldErrors {
    let limit = source.get("sizeLimit").and_then(Quantity::from_document);
    let is_negative = matches!(limit, Some(Ok(limit)) if limit.is_negative());
    let why = "SizeLimit field must be a valid resource quantity";
    is_negative.then(|| place.child("sizeLimit").forbidden(why)).into_iter().collect()
}

pub(super) fn host_path(source: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = required(source, &["path"], place);
    if !out.is_empty() {
        return out;
    }
    out.extend(path::without_backsteps(source.str_at(&["path"]), &place.child("path")));
    if let Some(ty) = source.get("type").and_then(Document::as_str) {
        out.extend(place.child("type").among(ty, &HOST_PATH_TYPES));
    }
    out
}

pub(super) fn git_repo(source: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = required(source, &["repository"], place);
    out.extend(path::descending(source.str_at(&["directory"]), &place.child("directory")));
    out
}

/// The files of an image (KEP-4639); a template may leave its name to others.
pub(super) fn image(source: &Document, place: &Place<'_>, within: Within<'_>) -> FieldErrors {
    let mut out = match within {
        Within::Pod(_) => required(source, &["reference"], place),
        Within::Template => FieldErrors::new(),
    };
    out.extend(container::pull_policy(source.str_at(&["pullPolicy"]), &place.child("pullPolicy")));
    out
}
