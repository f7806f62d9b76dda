//! CustomResourceDefinitions: names, versions and the rules that hold before a schema is compiled.
//!
//! Conditions and accepted names are written by the API server's naming step; rows for custom resources are made by the
//! API server from what is accepted here.

mod approval;
mod columns;
mod conversion;
mod names;
mod schema;
mod selectable;
mod subresources;
mod validate;
mod versions;

pub use approval::{Approval, approval, is_protected};
pub use schema::structural_errors;

use super::cells;
use crate::strategy::{ALL_METADATA, UpdateScope};
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, doc, structural};
use std::collections::HashSet;

/// `apiextensions.k8s.io/v1 CustomResourceDefinition`.
pub(crate) struct CustomResourceDefinition;

impl Strategy for CustomResourceDefinition {
    fn metadata_kept_by_status(&self) -> &'static [&'static str] {
        ALL_METADATA
    }

    fn default(&self, object: &mut Document) {
        let spec = object.ensure(&["spec"]);
        let kind = spec.str_at(&["names", "kind"]).to_owned();
        if spec.str_at(&["names", "singular"]).is_empty() {
            spec.set(&["names", "singular"], kind.to_ascii_lowercase());
        }
        if spec.str_at(&["names", "listKind"]).is_empty() && !kind.is_empty() {
            spec.set(&["names", "listKind"], format!("{kind}List"));
        }
        spec.set_default(&["conversion"], doc!({"strategy": "None"}));
        if spec.at(&["conversion", "webhook", "clientConfig", "service"]).is_some_and(|s| !s.is_null()) {
            spec.set_default(&["conversion", "webhook", "clientConfig", "service", "port"], 443);
        }
        if spec.bool_at(&["preserveUnknownFields"]) == Some(false) {
            spec.remove(&["preserveUnknownFields"]);
        }
    }

    fn prepare_for_create(&self, object: &mut Document) {
        let stored: Vec<Document> = storage_versions(object).take(1).map(Document::from).collect();
        object.insert(
            "status",
            doc!({"conditions": [], "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": stored}),
        );
    }

    fn prepare_for_update(&self, scope: UpdateScope, new: &mut Document, old: &Document) {
        let kept = if scope == UpdateScope::Main { "status" } else { "spec" };
        match old.get(kept) {
            Some(value) => new.insert(kept, value),
            None => drop(new.remove(&[kept])),
        }
        if scope == UpdateScope::Status {
            for field in ALL_METADATA {
                match old.at(&["metadata", field]) {
                    Some(value) => new.set(&["metadata", field], value),
                    None => drop(new.remove(&["metadata", field])),
                }
            }
        }
        if scope == UpdateScope::Main {
            let storage = storage_versions(new).next().map(str::to_owned);
            let stored = new.ensure(&["status", "storedVersions"]).make_array();
            if let Some(version) = storage
                && !stored.iter().any(|known| known.as_str() == Some(&version))
            {
                stored.push(version.into());
            }
        }
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        validate::definition(object, None)
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => validate::definition(new, Some(old)),
            UpdateScope::Status => validate::status(new),
        }
    }

    fn warnings(&self, new: &Document, old: Option<&Document>) -> Vec<String> {
        let known: HashSet<&str> = old.map(unknown_formats).unwrap_or_default().into_iter().collect();
        let unknown = unknown_formats(new).into_iter().filter(|format| !known.contains(format));
        unknown.map(|format| format!("unrecognized format {format:?}")).collect()
    }

    fn has_status(&self) -> bool {
        true
    }

    fn allow_unconditional_update(&self) -> bool {
        false
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::created_at()]
    }

    fn cells(&self, object: &Document, _now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), cells::created_at(object)]
    }
}

/// Whether the definition's resource is served: `Established` is true.
pub fn is_established(definition: &Document) -> bool {
    cells::condition(definition, "Established").is_some_and(|c| c.str_at(&["status"]) == "True")
}

fn storage_versions(definition: &Document) -> impl Iterator<Item = &str> {
    definition
        .array_at(&["spec", "versions"])
        .iter()
        .filter(|version| version.bool_at(&["storage"]) == Some(true))
        .map(|version| version.str_at(&["name"]))
}

/// Formats that say nothing, of all schemas; those that all versions share are named once.
fn unknown_formats(definition: &Document) -> Vec<&str> {
    let shared = versions::Shared::of(&definition["spec"]);
    let schemas = versions::schemas(&definition["spec"]);
    let count = if shared.schema { 1 } else { schemas.len() };
    let formats = schemas.into_iter().take(count).flatten().flat_map(structural::formats);
    formats.filter(|format| !structural::is_known_format(format)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition() -> Document {
        doc!({
            "metadata": {"name": "boats.example.com"},
            "spec": {
                "group": "example.com", "scope": "Namespaced", "names": {"plural": "boats", "kind": "Boat"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}]
            }
        })
    }

    #[test]
    fn names_are_filled_from_the_kind() {
        let mut object = definition();
        CustomResourceDefinition.default(&mut object);
        assert_eq!(object.str_at(&["spec", "names", "singular"]), "boat");
        assert_eq!(object.str_at(&["spec", "names", "listKind"]), "BoatList");
        assert_eq!(object["spec"]["conversion"], doc!({"strategy": "None"}));
        CustomResourceDefinition.prepare_for_create(&mut object);
        assert_eq!(object.at(&["status", "storedVersions"]), Some(&doc!(["v1"])));
        assert_eq!(CustomResourceDefinition.validate_create(&object), []);
    }

    #[test]
    fn unknown_formats_are_warned_of_once_they_come() {
        let mut object = definition();
        let version = &mut object.ensure(&["spec", "versions"]).make_array()[0];
        version.set(
            &["schema", "openAPIV3Schema", "properties"],
            doc!({"a": {"type": "string", "format": "moon"}, "b": {"type": "integer", "format": "int32"}}),
        );
        assert_eq!(CustomResourceDefinition.warnings(&object, None), [r#"unrecognized format "moon""#]);
        assert!(CustomResourceDefinition.warnings(&object, Some(&object)).is_empty());
    }
}
