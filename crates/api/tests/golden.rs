//! Upstream's fully populated objects in JSON and protobuf (`SKIFF_REFERENCE`, or `../shared/reference` beside the
//! repository): both must decode to the same object, and JSON must encode to upstream's bytes. Where that folder is
//! absent the test says so and passes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use skiff_api::{builtin, schemas};
use skiff_apimachinery::{Document, GroupVersionKind, json, protobuf};
use std::collections::BTreeSet;
use std::path::PathBuf;

const FOLDER: &str = "golden-v1.35.0";

fn folder() -> Option<PathBuf> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference");
    let path = std::env::var_os("SKIFF_REFERENCE").map_or(root, PathBuf::from).join(FOLDER);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: {} is absent", path.display());
    None
}

/// Kinds that are served or travel as bodies.
fn kinds() -> BTreeSet<GroupVersionKind> {
    let rows = builtin();
    rows.iter()
        .flat_map(|row| row.subresources.iter().map(|sub| &sub.gvk).chain([&row.gvk]))
        .cloned()
        .collect()
}

#[test]
fn json_and_protobuf_are_two_forms_of_one_object() {
    let Some(folder) = folder() else { return };
    let mut wrong = Vec::new();
    let mut compared = 0;
    for kind in kinds() {
        let Some(schema) = schemas::lookup_kind(&kind) else { continue };
        let group = if kind.group.is_empty() { "core" } else { kind.group.as_ref() };
        let read = |ending: &str| {
            std::fs::read(folder.join(format!("{group}.{}.{}.{ending}", kind.version, kind.kind))).ok()
        };
        let (Some(text), Some(bytes)) = (read("json"), read("pb")) else { continue };
        let object = json::decode(&text).unwrap();
        match protobuf::decode(&bytes, None, &schemas::lookup_kind) {
            Ok(decoded) if decoded == object => {}
            Ok(decoded) => wrong
                .push(format!("{kind} decodes differently: {}", first_difference(&object, &decoded, "$"))),
            Err(error) => wrong.push(format!("{kind} does not decode: {error}")),
        }
        if protobuf::encode(&object, schema.get()) != bytes {
            let again = protobuf::encode(&object, schema.get());
            let at =
                again.iter().zip(&bytes).position(|(a, b)| a != b).unwrap_or(again.len().min(bytes.len()));
            let shown = String::from_utf8_lossy(&bytes[at.saturating_sub(40)..(at + 30).min(bytes.len())]);
            wrong.push(format!("{kind} encodes differently at {at} of {}: {shown:?}", bytes.len()));
        }
        compared += 1;
    }
    assert_eq!(wrong.join("\n"), "");
    assert!(compared > 90, "only {compared} kinds were compared");
}

#[test]
fn defaults_are_idempotent_and_rows_have_a_cell_for_each_column() {
    let Some(folder) = folder() else { return };
    for row in builtin() {
        let group = if row.gvk.group.is_empty() { "core" } else { row.gvk.group.as_ref() };
        let file = folder.join(format!("{group}.{}.{}.json", row.gvk.version, row.gvk.kind));
        let Ok(text) = std::fs::read(file) else { continue };
        let empty = Document::object();
        for mut object in [json::decode(&text).unwrap(), empty] {
            row.strategy.default(&mut object);
            let once = object.clone();
            row.strategy.default(&mut object);
            assert_eq!(object, once, "{}", row.gvk);
            let cells = row.strategy.cells(&object, jiff::Timestamp::UNIX_EPOCH);
            assert_eq!(cells.len(), row.strategy.columns().len(), "{}", row.gvk);
            row.strategy.validate_create(&object);
            row.strategy.validate_update(skiff_api::strategy::UpdateScope::Main, &object, &once);
            for field in row.strategy.selectable_fields() {
                row.strategy.select_field(&object, &field);
            }
        }
    }
}

#[test]
fn versions_convert_to_the_stored_one_and_back() {
    let Some(folder) = folder() else { return };
    for row in builtin().iter().filter(|row| row.hub.group.is_empty() || row.hub.version == "v2") {
        let Some(conversion) = row.conversion else { continue };
        let stored = if row.hub.group.is_empty() { "core" } else { row.hub.group.as_ref() };
        let file = folder.join(format!("{stored}.{}.{}.json", row.hub.version, row.hub.kind));
        let object = json::decode(&std::fs::read(file).unwrap()).unwrap();
        let mut converted = object.clone();
        (conversion.from_hub)(&mut converted);
        (conversion.to_hub)(&mut converted);
        assert!(object == converted, "{}: {}", row.gvk, first_difference(&object, &converted, "$"));
    }
}

fn first_difference(a: &Document, b: &Document, path: &str) -> String {
    if let (Some(left), Some(right)) = (a.as_object(), b.as_object()) {
        let keys: BTreeSet<&str> = left.keys().chain(right.keys()).collect();
        for key in keys {
            let (x, y) = (left.get(key), right.get(key));
            if x != y {
                return match (x, y) {
                    (Some(x), Some(y)) => first_difference(x, y, &format!("{path}.{key}")),
                    _ => format!("{path}.{key}: {x:?} / {y:?}"),
                };
            }
        }
    }
    if let (Some(left), Some(right)) = (a.as_array(), b.as_array())
        && left.len() == right.len()
    {
        for (i, (x, y)) in left.iter().zip(right).enumerate() {
            if x != y {
                return first_difference(x, y, &format!("{path}[{i}]"));
            }
        }
    }
    format!("{path}: {a:?} / {b:?}")
}
