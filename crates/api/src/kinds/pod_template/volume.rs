//! Volumes: one source each, with what the source needs.

use super::container::relative_path;
use super::environment;
use crate::validation::invalid;
use skiff_apimachinery::quantity::Quantity;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, names};
use std::collections::HashSet;

/// Downward API fields that a file may hold.
const FIELDS: &[&str] =
    &["metadata.name", "metadata.namespace", "metadata.labels", "metadata.annotations", "metadata.uid"];

/// What is wrong with the volumes of a pod, and their names.
pub(super) fn validate<'a>(spec: &'a Document, field: &FieldPath) -> (FieldErrors, HashSet<&'a str>) {
    let mut out = FieldErrors::new();
    let mut seen = HashSet::new();
    for (i, volume) in spec.array_at(&["volumes"]).iter().enumerate() {
        let at = field.child("volumes").index(i);
        let name = volume.str_at(&["name"]);
        if name.is_empty() {
            out.push(FieldError::required(&at.child("name"), ""));
        } else {
            out.extend(invalid(&at.child("name"), name, names::dns1123_label(name)));
            if !seen.insert(name) {
                out.push(FieldError::duplicate(&at.child("name"), name));
            }
        }
        out.extend(source(volume, &at));
    }
    (out, seen)
}

fn source(volume: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    let mut found = false;
    let fields = volume.as_object().into_iter().flat_map(skiff_apimachinery::Map::iter);
    for (kind, source) in fields.filter(|(kind, source)| *kind != "name" && !source.is_null()) {
        let at = field.child(kind);
        if std::mem::replace(&mut found, true) {
            out.push(FieldError::forbidden(&at, "may not specify more than 1 volume type"));
            continue;
        }
        match kind {
            "emptyDir" => out.extend(empty_dir(source, &at)),
            "hostPath" => out.extend(host_path(source, &at)),
            "secret" => out.extend(files(source, &at, "secretName")),
            "configMap" => out.extend(files(source, &at, "name")),
            "downwardAPI" => {
                out.extend(mode(source, &at, "defaultMode"));
                out.extend(downward_items(source, &at));
            }
            "projected" => out.extend(projected(source, &at)),
            "persistentVolumeClaim" => out.extend(required(source, &at, "claimName")),
            "nfs" => {
                out.extend(required(source, &at, "server"));
                out.extend(required(source, &at, "path"));
                if !source.str_at(&["path"]).starts_with('/') {
                    let path = source.str_at(&["path"]);
                    out.push(FieldError::invalid(&at.child("path"), path, "must be an absolute path"));
                }
            }
            "csi" => out.extend(required(source, &at, "driver")),
            _ => {}
        }
    }
    if !found {
        out.push(FieldError::required(field, "must specify a volume type"));
    }
    out
}

fn required(source: &Document, field: &FieldPath, name: &str) -> Option<FieldError> {
    source.str_at(&[name]).is_empty().then(|| FieldError::required(&field.child(name), ""))
}

fn mode(source: &Document, field: &FieldPath, name: &str) -> Option<FieldError> {
    let mode = source.i64_at(&[name])?;
    (!(0..=0o777).contains(&mode)).then(|| {
        FieldError::invalid(
            &field.child(name),
            mode,
            "must be a number between 0 and 0777 (octal), both inclusive",
        )
    })
}

fn empty_dir(source: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    if let Some(limit) = source.get("sizeLimit").filter(|l| !l.is_null())
        && Quantity::from_document(limit).is_some_and(|q| q.is_ok_and(Quantity::is_negative))
    {
        out.push(FieldError::forbidden(
            &field.child("sizeLimit"),
            "SizeLimit field must be a valid resource quantity",
        ));
    }
    out
}

fn host_path(source: &Document, field: &FieldPath) -> FieldErrors {
    const TYPES: [&str; 8] =
        ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
    let mut out = FieldErrors::new();
    let path = source.str_at(&["path"]);
    if path.is_empty() {
        out.push(FieldError::required(&field.child("path"), ""));
        return out;
    }
    if path.split('/').any(|part| part == "..") {
        out.push(FieldError::invalid(&field.child("path"), path, "must not contain '..'"));
    }
    let ty = source.str_at(&["type"]);
    if !TYPES.contains(&ty) {
        out.push(FieldError::not_supported(&field.child("type"), ty, &TYPES));
    }
    out
}

fn files(source: &Document, field: &FieldPath, name: &str) -> FieldErrors {
    let mut out: FieldErrors = required(source, field, name).into_iter().collect();
    out.extend(mode(source, field, "defaultMode"));
    out.extend(items(source, field));
    out
}

fn items(source: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    for (i, item) in source.array_at(&["items"]).iter().enumerate() {
        let at = field.child("items").index(i);
        out.extend(required(item, &at, "key"));
        out.extend(path_and_mode(item, &at));
    }
    out
}

fn path_and_mode(item: &Document, field: &FieldPath) -> FieldErrors {
    let mut out: FieldErrors = required(item, field, "path").into_iter().collect();
    let path = item.str_at(&["path"]);
    out.extend(relative_path(path, &field.child("path")));
    if path.starts_with("..") && !path.starts_with("../") && path != ".." {
        out.push(FieldError::invalid(&field.child("path"), path, "must not start with '..'"));
    }
    out.extend(mode(item, field, "mode"));
    out
}

fn downward_items(source: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    for (i, item) in source.array_at(&["items"]).iter().enumerate() {
        let at = field.child("items").index(i);
        out.extend(path_and_mode(item, &at));
        let given = |name: &str| item.get(name).filter(|r| !r.is_null());
        match (given("fieldRef"), given("resourceFieldRef")) {
            (Some(_), Some(_)) => {
                let why = "fieldRef and resourceFieldRef can not be specified simultaneously";
                out.push(FieldError::invalid(&at, "resource", why));
            }
            (Some(reference), None) => {
                out.extend(environment::field_reference(reference, &at.child("fieldRef"), FIELDS));
            }
            (None, Some(reference)) => {
                if reference.str_at(&["containerName"]).is_empty() {
                    out.push(FieldError::required(&at.child("resourceFieldRef").child("containerName"), ""));
                }
                out.extend(environment::resource_reference(reference, &at.child("resourceFieldRef")));
            }
            (None, None) => {
                out.push(FieldError::required(
                    &at.child("fieldRef"),
                    "one of fieldRef and resourceFieldRef is required",
                ));
            }
        }
    }
    out
}

fn projected(source: &Document, field: &FieldPath) -> FieldErrors {
    let mut out: FieldErrors = mode(source, field, "defaultMode").into_iter().collect();
    let mut paths = HashSet::new();
    for (i, part) in source.array_at(&["sources"]).iter().enumerate() {
        let at = field.child("sources").index(i);
        let kinds = part.as_object().into_iter().flat_map(skiff_apimachinery::Map::iter);
        let kinds: Vec<_> = kinds.filter(|(_, value)| !value.is_null()).collect();
        if kinds.len() > 1 {
            out.push(FieldError::forbidden(&at, "may not specify more than 1 volume type per source"));
        }
        for (kind, source) in kinds {
            let at = at.child(kind);
            match kind {
                "secret" | "configMap" => {
                    out.extend(required(source, &at, "name"));
                    out.extend(items(source, &at));
                }
                "downwardAPI" => out.extend(downward_items(source, &at)),
                "serviceAccountToken" => out.extend(token(source, &at)),
                "clusterTrustBundle" | "podCertificate" => {}
                other => out.push(FieldError::forbidden(&at, format!("{other} is no projected source"))),
            }
            let own = source.array_at(&["items"]).iter().map(|item| item.str_at(&["path"]));
            for path in own.chain([source.str_at(&["path"])]).filter(|path| !path.is_empty()) {
                if !paths.insert(path.to_owned()) {
                    let why = "conflicting duplicate paths";
                    out.push(FieldError::invalid(field, path, why));
                }
            }
        }
    }
    out
}

fn token(source: &Document, field: &FieldPath) -> FieldErrors {
    let mut out: FieldErrors = required(source, field, "path").into_iter().collect();
    out.extend(relative_path(source.str_at(&["path"]), &field.child("path")));
    let seconds = source.i64_at(&["expirationSeconds"]).unwrap_or(3600);
    let at = field.child("expirationSeconds");
    if seconds < 600 {
        out.push(FieldError::invalid(&at, seconds, "may not specify a duration less than 10 minutes"));
    }
    if seconds > 1 << 32 {
        out.push(FieldError::invalid(&at, seconds, "may not specify a duration larger than 2^32 seconds"));
    }
    out
}
