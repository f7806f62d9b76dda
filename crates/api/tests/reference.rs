//! Comparison of the table and of the OpenAPI document with upstream's own (`SKIFF_REFERENCE`, or `../shared/reference`
//! beside the repository). Where that folder is absent the tests say so and pass.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use skiff_api::{Resource, Verbs, builtin, openapi};
use skiff_apimachinery::{Document, Map, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

fn reference(file: &str) -> Option<Vec<u8>> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference");
    let path = std::env::var_os("SKIFF_REFERENCE").map_or(root, PathBuf::from).join(file);
    let found = std::fs::read(&path).ok();
    if found.is_none() {
        eprintln!("skipped: {} is absent", path.display());
    }
    found
}

/// All rows, as with `--runtime-config=api/all=true`.
fn everything() -> Vec<Arc<Resource>> {
    builtin().iter().map(|row| Arc::new(Resource { enabled: true, ..Resource::clone(row) })).collect()
}

#[test]
fn sixty_six_resources_are_served_by_default() {
    assert_eq!(builtin().iter().filter(|row| row.enabled).count(), 66);
    assert!(builtin().iter().all(|row| row.schema.is_some()));
}

#[test]
fn rows_are_upstreams() {
    let Some(table) = reference("api-resources-1.35.tsv") else { return };
    let text = String::from_utf8(table).unwrap();
    let expected: BTreeSet<String> = text
        .lines()
        .filter(|line| !line.starts_with("group\t") && !line.contains("/{path}"))
        .map(|line| line.replace("core\t", "\t"))
        .collect();
    let mut found = BTreeSet::new();
    for row in builtin() {
        let scope = if row.namespaced() { "namespaced" } else { "cluster" };
        let mut line = |resource: String, kind: &str, verbs: Verbs| {
            let mut verbs: Vec<&str> = verbs.without(Verbs::WATCH).names().collect();
            if kind.ends_with("Options") {
                verbs = vec!["connect"];
            }
            let (group, version) = (&row.gvk.group, &row.gvk.version);
            found.insert(format!("{group}\t{version}\t{resource}\t{kind}\t{scope}\t{}", verbs.join(",")));
        };
        line(row.plural.to_string(), &row.gvk.kind, row.verbs);
        for subresource in &row.subresources {
            line(format!("{}/{}", row.plural, subresource.name), &subresource.gvk.kind, subresource.verbs);
        }
    }
    assert_eq!(difference(&expected, &found), "");
}

#[test]
fn definitions_are_upstreams() {
    let Some(upstream) = reference("openapi-v2-1.35.json") else { return };
    let upstream = json::decode(&upstream).unwrap();
    let ours = json::decode(&openapi::v2_json(&everything())).unwrap();
    let expected = described(upstream.object_at(&["definitions"]).unwrap());
    let found = described(ours.object_at(&["definitions"]).unwrap());
    // types that only upstream's own endpoints and discovery mention
    let beyond = [
        "APIGroup",
        "APIResource",
        "APIVersions",
        "GroupVersionForDiscovery",
        "ServerAddress",
        "version.Info",
    ];
    let expected: BTreeSet<String> =
        expected.into_iter().filter(|line| !beyond.iter().any(|name| line.contains(name))).collect();
    assert_eq!(difference(&expected, &found), "");
}

/// A line for each definition, without its texts.
fn described(definitions: &Map) -> BTreeSet<String> {
    definitions
        .iter()
        .map(|(name, definition)| {
            let mut definition = definition.clone();
            strip(&mut definition);
            format!("{name} {definition}")
        })
        .collect()
}

fn strip(schema: &mut Document) {
    schema.remove(&["description"]);
    for property in
        schema.get_mut("properties").and_then(Document::as_object_mut).into_iter().flat_map(Map::values_mut)
    {
        property.remove(&["description"]);
        property.as_object_mut().unwrap().sort_keys();
    }
    let by_text = |a: &Document, b: &Document| a.as_str().cmp(&b.as_str());
    if let Some(required) = schema.get_mut("required").and_then(Document::as_array_mut) {
        required.sort_by(by_text);
    }
    let map = schema.as_object_mut().unwrap();
    map.sort_keys();
    if let Some(kinds) = schema.get_mut("x-kubernetes-group-version-kind") {
        kinds.make_array().iter_mut().for_each(|kind| kind.as_object_mut().unwrap().sort_keys());
    }
}

#[test]
fn operations_are_upstreams() {
    let Some(upstream) = reference("openapi-v2-1.35.json") else { return };
    let upstream = json::decode(&upstream).unwrap();
    let ours = json::decode(&openapi::v2_json(&everything())).unwrap();
    assert_eq!(difference(&operations(&upstream), &operations(&ours)), "");
}

/// A line for each operation on a resource: path, method, id, action, kind, names of parameters.
fn operations(document: &Document) -> BTreeSet<String> {
    let shared = document.object_at(&["parameters"]).unwrap();
    let names: BTreeMap<String, String> = shared
        .iter()
        .map(|(key, parameter)| (format!("#/parameters/{key}"), parameter.str_at(&["name"]).to_owned()))
        .collect();
    // what all operations of a path take may be listed with the path or with each operation
    let listed = |item: &Document, operation: &Document| -> String {
        let mut out: Vec<&str> = [item, operation]
            .into_iter()
            .flat_map(|place| place.array_at(&["parameters"]))
            .map(|p| p.get("$ref").and_then(Document::as_str).map_or(p.str_at(&["name"]), |r| &names[r]))
            .collect();
        out.sort_unstable();
        out.join(",")
    };
    let mut out = BTreeSet::new();
    for (path, item) in document.object_at(&["paths"]).unwrap().iter() {
        if path.contains("/watch/") {
            continue;
        }
        for (method, operation) in
            item.as_object().unwrap().iter().filter(|(method, _)| *method != "parameters")
        {
            let action = operation.str_at(&["x-kubernetes-action"]);
            if action.is_empty() || matches!(method, "head" | "options") {
                continue;
            }
            let kind = &operation["x-kubernetes-group-version-kind"];
            let answer = operation.at(&["responses", "200", "schema"]).cloned().unwrap_or_default();
            out.insert(format!(
                "{path} {method} {} {action} {}/{}/{} [{}] {answer}",
                operation.str_at(&["operationId"]),
                kind.str_at(&["group"]),
                kind.str_at(&["version"]),
                kind.str_at(&["kind"]),
                listed(item, operation),
            ));
        }
    }
    out
}

/// The lines that only one side has.
fn difference(expected: &BTreeSet<String>, found: &BTreeSet<String>) -> String {
    let missing = expected.difference(found).map(|line| format!("- {line}\n"));
    let extra = found.difference(expected).map(|line| format!("+ {line}\n"));
    missing.chain(extra).collect()
}
