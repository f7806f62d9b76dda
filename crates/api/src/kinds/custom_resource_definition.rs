//! CustomResourceDefinitions: names, versions and the rules that hold before a schema is compiled.
//!
//! Conditions and accepted names are written by the API server's naming step; rows for custom resources are made by the
//! API server from what is accepted here.

use super::cells;
use crate::strategy::{ALL_METADATA, UpdateScope};
use crate::validation::{self, names};
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, doc, structural};
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
        if spec.str_at(&["conversion", "strategy"]).is_empty() {
            spec.set(&["conversion", "strategy"], "None");
        }
        if spec.at(&["conversion", "webhook", "clientConfig", "service"]).is_some_and(|s| !s.is_null()) {
            spec.set_default(&["conversion", "webhook", "clientConfig", "service", "port"], 443);
        }
        if spec.bool_at(&["preserveUnknownFields"]) == Some(false) {
            spec.remove(&["preserveUnknownFields"]);
        }
    }

    fn prepare_for_create(&self, object: &mut Document) {
        let stored: Vec<Document> = storage_versions(object).map(Document::from).collect();
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
            let storage: Vec<String> = storage_versions(new).map(str::to_owned).collect();
            let stored = new.ensure(&["status", "storedVersions"]).make_array();
            for version in storage {
                if !stored.iter().any(|known| known.as_str() == Some(&version)) {
                    stored.push(version.into());
                }
            }
        }
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let mut out = FieldErrors::new();
        let group = object.str_at(&["spec", "group"]);
        let plural = object.str_at(&["spec", "names", "plural"]);
        if object.name() != format!("{plural}.{group}") {
            let why = "must be spec.names.plural+\".\"+spec.group";
            out.push(FieldError::invalid(&FieldPath::new("metadata.name"), object.name(), why));
        }
        out.extend(spec_errors(&FieldPath::new("spec"), &object["spec"]));
        out
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        if scope == UpdateScope::Status {
            return FieldErrors::new();
        }
        let mut out = self.validate_create(new);
        if is_established(old) {
            let field = FieldPath::new("spec");
            for path in [&["group"][..], &["scope"], &["names", "plural"], &["names", "kind"]] {
                let at = |object: &Document| object["spec"].at(path).cloned();
                let field = field.child(&path.join("."));
                out.extend(validation::immutable(&field, at(new).as_ref(), at(old).as_ref()));
            }
        }
        out
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

fn spec_errors(field: &FieldPath, spec: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let group = spec.str_at(&["group"]);
    let path = field.child("group");
    if group.is_empty() {
        out.push(FieldError::required(&path, ""));
    } else {
        out.extend(validation::invalid(&path, group, names::dns1123_subdomain(group)));
        if !group.contains('.') {
            out.push(FieldError::invalid(&path, group, "should be a domain with at least one dot"));
        }
    }
    out.extend(validation::one_of(
        &field.child("scope"),
        spec.str_at(&["scope"]),
        &["Cluster", "Namespaced"],
    ));
    out.extend(name_errors(&field.child("names"), &spec["names"]));
    out.extend(version_errors(&field.child("versions"), spec.array_at(&["versions"])));
    let strategy = spec.str_at(&["conversion", "strategy"]);
    out.extend(validation::one_of(&field.child("conversion.strategy"), strategy, &["None", "Webhook"]));
    if strategy == "Webhook" && spec.at(&["conversion", "webhook", "clientConfig"]).is_none() {
        let why = "required when strategy is set to Webhook";
        out.push(FieldError::required(&field.child("conversion.webhook.clientConfig"), why));
    }
    if spec.bool_at(&["preserveUnknownFields"]) == Some(true) {
        let why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        out.push(FieldError::invalid(&field.child("preserveUnknownFields"), true, why));
    }
    out
}

fn name_errors(field: &FieldPath, given: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    for key in ["plural", "singular"] {
        let name = given.str_at(&[key]);
        if name.is_empty() {
            out.push(FieldError::required(&field.child(key), ""));
        } else {
            out.extend(validation::invalid(&field.child(key), name, names::dns1035_label(name)));
        }
    }
    for key in ["kind", "listKind"] {
        let name = given.str_at(&[key]);
        if name.is_empty() {
            out.push(FieldError::required(&field.child(key), ""));
        } else {
            let lower = name.to_ascii_lowercase();
            let complaints = names::dns1035_label(&lower)
                .into_iter()
                .map(|why| format!("may have mixed case, but should otherwise match: {why}"));
            out.extend(validation::invalid(&field.child(key), name, complaints.collect()));
        }
    }
    for key in ["shortNames", "categories"] {
        for (i, name) in given.array_at(&[key]).iter().enumerate() {
            let name = name.as_str().unwrap_or("");
            out.extend(validation::invalid(&field.child(key).index(i), name, names::dns1035_label(name)));
        }
    }
    if !given.str_at(&["kind"]).is_empty() && given.str_at(&["kind"]) == given.str_at(&["listKind"]) {
        let why = "kind and listKind may not be the same";
        out.push(FieldError::invalid(&field.child("listKind"), given.str_at(&["listKind"]), why));
    }
    out
}

fn version_errors(field: &FieldPath, versions: &[Document]) -> FieldErrors {
    let mut out = FieldErrors::new();
    let mut seen = HashSet::new();
    for (i, version) in versions.iter().enumerate() {
        let field = field.index(i);
        let name = version.str_at(&["name"]);
        out.extend(validation::invalid(&field.child("name"), name, names::dns1035_label(name)));
        if !seen.insert(name) {
            let why = "must contain unique version names";
            out.push(FieldError::invalid(&FieldPath::new("spec.versions"), versions.to_vec(), why));
        }
        let schema = field.child("schema.openAPIV3Schema");
        match version.at(&["schema", "openAPIV3Schema"]).filter(|s| !s.is_null()) {
            None => out.push(FieldError::required(&schema, "schemas are required")),
            Some(root) => out.extend(structural::errors(root, &schema)),
        }
    }
    let storage = versions.iter().filter(|v| v.bool_at(&["storage"]) == Some(true)).count();
    if storage != 1 {
        let why = "must have exactly one version marked as storage version";
        out.push(FieldError::invalid(field, versions.to_vec(), why));
    }
    out
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
        assert_eq!(CustomResourceDefinition.validate_create(&object), []);
        CustomResourceDefinition.prepare_for_create(&mut object);
        assert_eq!(object.at(&["status", "storedVersions"]), Some(&doc!(["v1"])));
    }

    #[test]
    fn schemas_must_be_structural() {
        let mut object = definition();
        CustomResourceDefinition.default(&mut object);
        let version = &mut object.ensure(&["spec", "versions"]).make_array()[0];
        version.set(&["schema", "openAPIV3Schema"], doc!({"properties": {"spec": {}}}));
        let errors = CustomResourceDefinition.validate_create(&object);
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "spec.versions[0].schema.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields",
                "spec.versions[0].schema.openAPIV3Schema.type: Required value: must not be empty at the root",
            ]
        );
    }

    #[test]
    fn exactly_one_version_is_stored() {
        let mut object = definition();
        CustomResourceDefinition.default(&mut object);
        object.ensure(&["spec", "versions"]).make_array()[0].insert("storage", false);
        let errors = CustomResourceDefinition.validate_create(&object);
        assert!(errors[0].to_string().ends_with("must have exactly one version marked as storage version"));
    }
}
