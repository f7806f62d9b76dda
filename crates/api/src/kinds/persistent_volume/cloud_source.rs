//! Disks and shares of cloud providers as sources of persistent volumes.

use super::source::{needed, needed_all, secret};
use super::validate::given;
use crate::validation::names;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

const MAX_PARTITION: i64 = 255;
const AZURE_MANAGED: &str =
    "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";
const AZURE_BLOB: &str = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";

/// A disk that is named by one field, and maybe a partition of it.
pub(super) fn disk(field: &FieldPath, source: &Document, id: &str) -> FieldErrors {
    let mut out: FieldErrors = needed(field, source, id).into_iter().collect();
    let partition = source.i64_at(&["partition"]).unwrap_or(0);
    if !(0..=MAX_PARTITION).contains(&partition) {
        // Zero is the whole disk, though the text does not say so.
        let why = names::range_text(1, MAX_PARTITION);
        out.push(FieldError::invalid(&field.child("partition"), partition, why));
    }
    out
}

pub(super) fn cinder(field: &FieldPath, source: &Document) -> FieldErrors {
    let mut out = needed_all(field, source, &["volumeID"]);
    out.extend(secret(field, source, &["name", "namespace"]));
    out
}

pub(super) fn azure_file(field: &FieldPath, source: &Document) -> FieldErrors {
    let mut out = needed_all(field, source, &["secretName", "shareName"]);
    if given(source, "secretNamespace").is_some() {
        out.extend(needed(field, source, "secretNamespace"));
    }
    out
}

pub(super) fn azure_disk(field: &FieldPath, source: &Document) -> FieldErrors {
    const CACHING_MODES: [&str; 3] = ["None", "ReadOnly", "ReadWrite"];
    const KINDS: [&str; 3] = ["Dedicated", "Managed", "Shared"];
    let mut out = needed_all(field, source, &["diskName", "diskURI"]);
    let text = |name: &str| source.get(name).and_then(Document::as_str);
    for (name, allowed) in [("cachingMode", &CACHING_MODES), ("kind", &KINDS)] {
        if let Some(value) = text(name).filter(|value| !allowed.contains(value)) {
            out.push(FieldError::not_supported(&field.child(name), value, allowed));
        }
    }
    if let Some(kind) = text("kind") {
        let (start, form) =
            if kind == "Managed" { ("/subscriptions/", AZURE_MANAGED) } else { ("https://", AZURE_BLOB) };
        let uri = source.str_at(&["diskURI"]);
        if !uri.starts_with(start) {
            out.push(FieldError::not_supported(&field.child("diskURI"), uri, &[form]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn disks_and_shares_are_named() {
        type Rule = fn(&FieldPath, &Document) -> FieldErrors;
        let cases: [(&str, Rule, Document, &[&str]); 6] = [
            (
                "partition",
                |field, source| disk(field, source, "pdName"),
                doc!({"pdName": "d", "partition": 256}),
                &["s.partition: Invalid value: 256: must be between 1 and 255, inclusive"],
            ),
            (
                "cinder",
                cinder,
                doc!({"secretRef": {"name": "n"}}),
                &["s.volumeID: Required value", "s.secretRef.namespace: Required value"],
            ),
            (
                "share",
                azure_file,
                doc!({"secretName": "s", "secretNamespace": ""}),
                &["s.shareName: Required value", "s.secretNamespace: Required value"],
            ),
            (
                "managed",
                azure_disk,
                doc!({"diskName": "d", "diskURI": "/subscriptions/1", "kind": "Managed"}),
                &[],
            ),
            (
                "blob",
                azure_disk,
                doc!({"diskName": "d", "diskURI": "/subscriptions/1", "kind": "Shared"}),
                &[
                    r#"s.diskURI: Unsupported value: "/subscriptions/1": supported values: "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd""#,
                ],
            ),
            (
                "caching",
                azure_disk,
                doc!({"diskName": "d", "diskURI": "u", "cachingMode": "All"}),
                &[
                    r#"s.cachingMode: Unsupported value: "All": supported values: "None", "ReadOnly", "ReadWrite""#,
                ],
            ),
        ];
        for (name, rule, source, expected) in cases {
            let errors = rule(&FieldPath::new("s"), &source);
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(texts, expected, "{name}");
        }
    }
}
