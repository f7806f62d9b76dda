//! The rows that a definition makes: one for each of its versions.

use super::conditions::{self, TERMINATING};
use super::strategy::CustomStrategy;
use skiff_api::{Resource, Scope, Strategy, Subresource, Verbs, schemas};
use skiff_apimachinery::gvk::Str;
use skiff_apimachinery::schema::SchemaRef;
use skiff_apimachinery::{Document, GroupVersionKind, structural};
use std::sync::Arc;

/// The schema of metadata.
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// The rows of a definition whose names were accepted.
pub(super) fn rows(definition: &Document) -> Vec<Arc<Resource>> {
    let Some(metadata) = schemas::lookup(OBJECT_META) else { return Vec::new() };
    let versions = definition.array_at(&["spec", "versions"]);
    versions.iter().map(|version| Arc::new(row(definition, version, &metadata))).collect()
}

/// The key prefix of a definition's instances.
pub(super) fn storage_prefix(definition: &Document) -> String {
    format!("{}/{}", definition.str_at(&["spec", "group"]), definition.str_at(&["spec", "names", "plural"]))
}

/// The version in which instances are stored.
pub(super) fn storage_version(definition: &Document) -> &str {
    let versions = definition.array_at(&["spec", "versions"]);
    let stored = versions.iter().find(|version| version.bool_at(&["storage"]) == Some(true));
    stored.map_or("", |version| version.str_at(&["name"]))
}

/// A text by which rows that would come out the same are told from those that would not.
pub(super) fn fingerprint(definition: &Document) -> String {
    format!(
        "{} {} {} {}",
        definition.uid(),
        definition.generation(),
        conditions::holds(definition, TERMINATING),
        definition["status"]["acceptedNames"]
    )
}

fn row(definition: &Document, version: &Document, metadata: &SchemaRef) -> Resource {
    let names = &definition["status"]["acceptedNames"];
    let name = |field: &str| Str::Owned(names.str_at(&[field]).to_owned());
    let all = |field: &str| {
        let texts = names.array_at(&[field]).iter().filter_map(Document::as_str);
        texts.map(|text| Str::Owned(text.to_owned())).collect::<Vec<_>>()
    };
    let group = definition.str_at(&["spec", "group"]).to_owned();
    let terminating = conditions::holds(definition, TERMINATING);
    let is_hub = version.bool_at(&["storage"]) == Some(true);
    let description = version.at(&["schema", "openAPIV3Schema"]).unwrap_or(&Document::NULL);
    let schema = SchemaRef::from(structural::build(description, metadata));
    let gvk = GroupVersionKind::new(group.clone(), version.str_at(&["name"]).to_owned(), name("kind"));
    let hub = GroupVersionKind::new(group, storage_version(definition).to_owned(), name("kind"));
    let strategy: Arc<dyn Strategy> = Arc::new(CustomStrategy::new(version, schema.clone()));
    Resource {
        plural: name("plural"),
        singular: name("singular"),
        list_kind: name("listKind"),
        short_names: all("shortNames"),
        categories: all("categories"),
        scope: if definition.str_at(&["spec", "scope"]) == "Cluster" {
            Scope::Cluster
        } else {
            Scope::Namespaced
        },
        // Nothing new comes while the definition goes.
        verbs: if terminating { Verbs::ALL.without(Verbs::CREATE) } else { Verbs::ALL },
        subresources: subresources(version, &gvk),
        schema: Some(schema),
        storage_prefix: storage_prefix(definition).into(),
        hub,
        conversion: None,
        strategy,
        // What is stored must be reachable to be removed.
        enabled: version.bool_at(&["served"]) == Some(true) || (terminating && is_hub),
        gate: None,
        custom: true,
        gvk,
    }
}

fn subresources(version: &Document, gvk: &GroupVersionKind) -> Vec<Subresource> {
    let mut out = Vec::new();
    let has = |name: &str| version.at(&["subresources", name]).is_some_and(|given| !given.is_null());
    if has("scale") {
        let scale = GroupVersionKind::new("autoscaling", "v1", "Scale");
        out.push(Subresource { name: "scale".into(), gvk: scale, verbs: Verbs::STATUS });
    }
    if has("status") {
        out.push(Subresource { name: "status".into(), gvk: gvk.clone(), verbs: Verbs::STATUS });
    }
    out
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    /// A definition with two versions, a status, a scale and columns, as it is once its names are accepted.
    pub(in crate::custom) fn boats() -> Document {
        let schema = doc!({"type": "object", "properties": {
            "spec": {"type": "object", "required": ["length"], "properties": {
                "length": {"type": "integer", "minimum": 1},
                "sails": {"type": "integer", "default": 2},
                "color": {"type": "string"}
            }},
            "status": {"type": "object", "properties": {"afloat": {"type": "boolean"}, "sails": {"type": "integer"}}}
        }});
        let names = doc!({
            "plural": "boats", "singular": "boat", "kind": "Boat", "listKind": "BoatList", "shortNames": ["bt"]
        });
        doc!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "boats.example.com"},
            "spec": {
                "group": "example.com", "scope": "Namespaced", "names": names.clone(),
                "versions": [
                    {
                        "name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema.clone()},
                        "subresources": {"status": {}, "scale": {
                            "specReplicasPath": ".spec.sails", "statusReplicasPath": ".status.sails"
                        }},
                        "selectableFields": [{"jsonPath": ".spec.color"}],
                        "additionalPrinterColumns": [
                            {"name": "Length", "type": "integer", "jsonPath": ".spec.length"}
                        ]
                    },
                    {"name": "v1alpha1", "served": false, "storage": false, "schema": {"openAPIV3Schema": schema}}
                ]
            },
            "status": {"acceptedNames": names}
        })
    }

    #[test]
    fn a_version_makes_a_row() {
        let rows = rows(&boats());
        let row = &rows[0];
        assert_eq!(row.gvk, GroupVersionKind::new("example.com", "v1", "Boat"));
        assert_eq!(
            (&*row.plural, &*row.list_kind, &*row.storage_prefix),
            ("boats", "BoatList", "example.com/boats")
        );
        assert!(row.enabled && row.custom && row.namespaced() && row.hub == row.gvk);
        let names: Vec<&str> = row.subresources.iter().map(|subresource| &*subresource.name).collect();
        assert_eq!(names, ["scale", "status"]);
        assert!(!rows[1].enabled && rows[1].hub == row.gvk && rows[1].subresources.is_empty());
    }

    #[test]
    fn while_a_definition_goes_nothing_new_comes() {
        let mut definition = boats();
        definition.set(&["status", "conditions"], doc!([{"type": "Terminating", "status": "True"}]));
        let rows = rows(&definition);
        assert!(!rows[0].verbs.contains(Verbs::CREATE) && rows[0].verbs.contains(Verbs::DELETE));
        assert_ne!(fingerprint(&definition), fingerprint(&boats()));
    }
}
