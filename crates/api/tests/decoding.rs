//! Upstream's fully populated objects (`SKIFF_REFERENCE`, or `../shared/reference` beside the repository) fit their schemas
//! as they are. Where that folder is absent the test says so and passes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use skiff_api::schemas;
use skiff_apimachinery::{decode, json, yaml};
use std::path::PathBuf;

/// Fields that upstream's Go types have and its API description does not.
const UNDESCRIBED: [&str; 2] = ["unknown field \"status\"", "unknown field \"spec.stubPKCS10Request\""];
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

#[test]
fn upstreams_objects_decode_unchanged_from_json_and_from_yaml() {
    let Some(folder) = folder() else { return };
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let object = json::decode(&std::fs::read(&path).unwrap()).unwrap();
        let Some(gvk) = object.gvk() else { continue };
        let Some(schema) = schemas::lookup_kind(&gvk) else { continue };
        compared += 1;
        let mut conformed = object.clone();
        match decode::conform(&mut conformed, schema.get()) {
            Ok(unknown) if unknown.is_empty() && conformed == object => {}
            Ok(unknown) if matches!(unknown.as_slice(), [one] if UNDESCRIBED.contains(&one.as_str())) => {}
            Ok(unknown) => {
                wrong.push(format!("{gvk}: {unknown:?} {}", difference(&object, &conformed, "")));
            }
            Err(error) => wrong.push(format!("{gvk}: {error}")),
        }
        let text = std::fs::read_to_string(path.with_extension("yaml")).unwrap();
        if yaml::decode(&text).unwrap() != object {
            wrong.push(format!("{gvk}: YAML and JSON differ"));
        }
        if yaml::encode(&object) != text {
            let written = yaml::encode(&object);
            let line = written.lines().zip(text.lines()).find(|(a, b)| a != b);
            wrong.push(format!("{gvk}: YAML is written differently: {line:?}"));
        }
    }
    assert_eq!(wrong.join("\n"), "");
    assert!(compared > 90, "only {compared} objects were compared");
}

fn difference(a: &skiff_apimachinery::Document, b: &skiff_apimachinery::Document, path: &str) -> String {
    if let (Some(left), Some(right)) = (a.as_object(), b.as_object()) {
        for key in left.keys().chain(right.keys()) {
            if left.get(key) != right.get(key) {
                return match (left.get(key), right.get(key)) {
                    (Some(x), Some(y)) => difference(x, y, &format!("{path}.{key}")),
                    (x, y) => format!("{path}.{key}: {x:?} became {y:?}"),
                };
            }
        }
    }
    if let (Some(left), Some(right)) = (a.as_array(), b.as_array()) {
        for (i, (x, y)) in left.iter().zip(right).enumerate() {
            if x != y {
                return difference(x, y, &format!("{path}[{i}]"));
            }
        }
    }
    format!("{path}: {a:?} became {b:?}")
}
