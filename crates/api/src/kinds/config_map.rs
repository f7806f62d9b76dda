//! ConfigMaps: two maps that share their keys, at most 1 MiB, possibly immutable.

use super::cells;
use crate::strategy::UpdateScope;
use crate::validation::{self, names};
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Map};

/// Most bytes of all values together, here and in Secrets.
pub(crate) const MAX_SIZE: usize = 1024 * 1024;

/// `v1 ConfigMap`.
pub(crate) struct ConfigMap;

/// What is wrong with the keys of a map.
pub(crate) fn key_errors(field: &FieldPath, map: Option<&Map>) -> FieldErrors {
    map.into_iter()
        .flat_map(Map::keys)
        .flat_map(|key| validation::invalid(&field.key(key), key, names::config_map_key(key)))
        .collect()
}

/// What an update of an immutable ConfigMap or Secret may not do.
pub(crate) fn immutable_errors(new: &Document, old: &Document, fields: &[&str]) -> FieldErrors {
    if old.bool_at(&["immutable"]) != Some(true) {
        return FieldErrors::new();
    }
    let why = "field is immutable when `immutable` is set";
    let mut out = FieldErrors::new();
    if new.bool_at(&["immutable"]) != Some(true) {
        out.push(FieldError::forbidden(&FieldPath::new("immutable"), why));
    }
    let changed =
        |field: &&&str| new.get(field).filter(|v| !v.is_empty()) != old.get(field).filter(|v| !v.is_empty());
    out.extend(fields.iter().filter(changed).map(|field| FieldError::forbidden(&FieldPath::new(field), why)));
    out
}

/// Bytes that base64 text stands for.
pub(crate) fn decoded_len(text: &str) -> usize {
    text.trim_end_matches('=').len() * 3 / 4
}

impl Strategy for ConfigMap {
    fn validate_create(&self, object: &Document) -> FieldErrors {
        let (data, binary) = (object.object_at(&["data"]), object.object_at(&["binaryData"]));
        let mut out = key_errors(&FieldPath::new("data"), data);
        for key in data.into_iter().flat_map(Map::keys) {
            if binary.is_some_and(|binary| binary.contains_key(key)) {
                let field = FieldPath::new("data").key(key);
                out.push(FieldError::invalid(&field, key, "duplicate of key present in binaryData"));
            }
        }
        out.extend(key_errors(&FieldPath::new("binaryData"), binary));
        let texts = |map: Option<&Map>, size: fn(&str) -> usize| -> usize {
            map.into_iter().flat_map(Map::values).filter_map(Document::as_str).map(size).sum()
        };
        if texts(data, str::len) + texts(binary, decoded_len) > MAX_SIZE {
            // Upstream names the whole object so.
            out.push(FieldError::too_long(&FieldPath::new("[]"), MAX_SIZE));
        }
        out
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = immutable_errors(new, old, &["data", "binaryData"]);
        out.extend(self.validate_create(new));
        out
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Data"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let entries = |field| object.object_at(&[field]).map_or(0, Map::len);
        vec![cells::name(object), (entries("data") + entries("binaryData")).into(), cells::age(object, now)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn shown(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn keys_are_file_names_and_used_once() {
        const NO_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
        let cases: [(&str, Document, &[String]); 4] = [
            ("nothing", doc!({}), &[]),
            ("both maps", doc!({"data": {"a.b": ""}, "binaryData": {"_c": ""}}), &[]),
            (
                "keys that are none",
                doc!({"data": {"a/b": ""}, "binaryData": {"c d": ""}}),
                &[
                    format!(r#"data[a/b]: Invalid value: "a/b": {NO_KEY}"#),
                    format!(r#"binaryData[c d]: Invalid value: "c d": {NO_KEY}"#),
                ],
            ),
            (
                "a key twice",
                doc!({"data": {"a": ""}, "binaryData": {"a": ""}}),
                &[r#"data[a]: Invalid value: "a": duplicate of key present in binaryData"#.to_owned()],
            ),
        ];
        for (name, object, expected) in cases {
            assert_eq!(shown(&ConfigMap.validate_create(&object)), expected, "{name}");
        }
    }

    #[test]
    fn a_config_map_is_at_most_a_mebibyte() {
        // "eHg=" stands for two bytes.
        let of = |size: usize| doc!({"data": {"a": "x".repeat(size)}, "binaryData": {"b": "eHg="}});
        assert!(ConfigMap.validate_create(&of(MAX_SIZE - 2)).is_empty());
        assert_eq!(
            shown(&ConfigMap.validate_create(&of(MAX_SIZE - 1))),
            ["[]: Too long: may not be more than 1048576 bytes"]
        );
    }

    #[test]
    fn what_is_immutable_stays() {
        let old = doc!({"immutable": true, "data": {"a": "b"}});
        let why = "Forbidden: field is immutable when `immutable` is set";
        let cases: [(Document, &[&str]); 5] = [
            (old.clone(), &[]),
            (doc!({"data": {"a": "b"}}), &["immutable"]),
            (doc!({"immutable": true}), &["data"]),
            (doc!({"immutable": true, "data": {"a": "b"}, "binaryData": {"c": ""}}), &["binaryData"]),
            (doc!({"immutable": false, "data": {"a": "c"}}), &["immutable", "data"]),
        ];
        for (new, expected) in cases {
            let expected: Vec<String> = expected.iter().map(|field| format!("{field}: {why}")).collect();
            assert_eq!(shown(&ConfigMap.validate_update(UpdateScope::Main, &new, &old)), expected, "{new:?}");
        }
        let free = doc!({"data": {"a": "b"}});
        assert!(ConfigMap.validate_update(UpdateScope::Main, &doc!({}), &free).is_empty());
    }

    #[test]
    fn rows_count_the_keys() {
        let object = doc!({"metadata": {"name": "c"}, "data": {"a": ""}, "binaryData": {"b": ""}});
        let cells = ConfigMap.cells(&object, Timestamp::UNIX_EPOCH);
        assert_eq!(cells, [Document::from("c"), 2.into(), "<unknown>".into()]);
    }
}
