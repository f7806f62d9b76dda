//! OpenAPI documents, made on demand from the rows that are served: OpenAPI 2.0 as JSON and as gnostic's protobuf, OpenAPI
//! 3.0 as an index and one document for each group and version.
//!
//! Documents are written piece by piece, so that making a 4 MB document does not need ten times as much memory; the API
//! server keeps the bytes.

mod definition;
mod descriptions;
mod parameters;
mod paths;
mod protobuf;
mod references;

use crate::{Resource, schemas};
use definition::custom_name;
use descriptions::Descriptions;
use paths::Paths;
use sha2::{Digest, Sha256};
use skiff_apimachinery::schema::SchemaRef;
use skiff_apimachinery::{Document, GroupVersion, GroupVersionKind, doc, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The release that documents name.
const RELEASE: &str = "v1.35.0";

/// Which OpenAPI a document speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// 2.0.
    V2,
    /// 3.0.
    V3,
}

impl Dialect {
    /// A reference to a definition.
    fn reference(self, definition: &str) -> Document {
        let place = match self {
            Self::V2 => "#/definitions/",
            Self::V3 => "#/components/schemas/",
        };
        doc!({"$ref": format!("{place}{definition}")})
    }
}

/// `/openapi/v2` as JSON.
pub fn v2_json(rows: &[Arc<Resource>]) -> Vec<u8> {
    let content = Content::new(served(rows), Dialect::V2);
    let mut out = Writer::default();
    out.entry("swagger", &"2.0".into());
    out.entry("info", &doc!({"title": "Kubernetes", "version": RELEASE}));
    out.open("paths");
    content.paths(&mut |path, item| out.entry(path, item));
    out.close();
    out.open("definitions");
    content.definitions(&mut |name, definition| out.entry(name, definition));
    out.close();
    out.open("parameters");
    parameters::shared().iter().for_each(|(name, parameter)| out.entry(name, parameter));
    out.close();
    out.entry("securityDefinitions", &doc!({"BearerToken": (bearer_token())}));
    out.entry("security", &doc!([{"BearerToken": []}]));
    out.finish()
}

/// `/openapi/v2` as gnostic's `openapi.v2.Document`, which kubectl asks for.
pub fn v2_protobuf(rows: &[Arc<Resource>]) -> Vec<u8> {
    let content = Content::new(served(rows), Dialect::V2);
    let mut out = protobuf::Root::new("Kubernetes", RELEASE);
    content.paths(&mut |path, item| out.path(path, item));
    content.definitions(&mut |name, definition| out.definition(name, definition));
    parameters::shared().iter().for_each(|(name, parameter)| out.parameter(name, parameter));
    out.security("BearerToken", &bearer_token());
    out.finish()
}

/// `/openapi/v3`: where the document of each group and version is. The hash in the address changes with its content.
pub fn v3_index(rows: &[Arc<Resource>]) -> Document {
    let mut versions: BTreeMap<String, Vec<&Resource>> = BTreeMap::new();
    for row in served(rows) {
        let path = paths::base_path(&row.gvk);
        versions.entry(path.trim_start_matches('/').to_owned()).or_default().push(row);
    }
    let paths: Document = versions
        .into_iter()
        .map(|(path, rows)| {
            let address = format!("/openapi/v3/{path}?hash={}", hash(&rows));
            (path, doc!({"serverRelativeURL": address}))
        })
        .collect();
    doc!({"paths": paths})
}

/// The document of one group and version as JSON; `None` if it is not served.
pub fn v3_json(rows: &[Arc<Resource>], version: &GroupVersion) -> Option<Vec<u8>> {
    let rows: Vec<&Resource> = served(rows).filter(|row| row.group_version() == *version).collect();
    if rows.is_empty() {
        return None;
    }
    let content = Content::new(rows.into_iter(), Dialect::V3);
    let mut out = Writer::default();
    out.entry("openapi", &"3.0.0".into());
    out.entry("info", &doc!({"title": "Kubernetes", "version": RELEASE}));
    out.open("paths");
    content.paths(&mut |path, item| out.entry(path, item));
    out.close();
    out.open("components");
    out.open("schemas");
    content.definitions(&mut |name, definition| out.entry(name, definition));
    out.close();
    out.entry("securitySchemes", &doc!({"BearerToken": (bearer_token())}));
    out.close();
    Some(out.finish())
}

/// What tells one state of a group and version from another: the release, and for custom resources their schemas.
fn hash(rows: &[&Resource]) -> String {
    let mut digest = Sha256::new();
    digest.update(RELEASE);
    digest.update(env!("CARGO_PKG_VERSION"));
    for row in rows {
        digest.update(row.gvk.to_string());
        digest.update(row.plural.as_bytes());
        row.subresources.iter().for_each(|subresource| digest.update(subresource.name.as_bytes()));
        if row.custom {
            let schema = row.schema.as_ref().map(SchemaRef::get);
            let described = definition::custom(&row.gvk, schema, Dialect::V3);
            digest.update(json::encode(&described));
        }
    }
    digest.finalize().iter().map(|byte| format!("{byte:02X}")).collect()
}

fn served(rows: &[Arc<Resource>]) -> impl Iterator<Item = &Resource> {
    rows.iter().map(AsRef::as_ref).filter(|row| row.enabled)
}

fn bearer_token() -> Document {
    doc!({
        "description": "Bearer Token authentication", "in": "header", "name": "authorization", "type": "apiKey"
    })
}

/// What a document tells: the paths of rows and the definitions that they need.
struct Content<'a> {
    rows: Vec<&'a Resource>,
    dialect: Dialect,
    texts: Descriptions,
    custom: BTreeMap<String, &'a Resource>,
}

impl<'a> Content<'a> {
    fn new(rows: impl Iterator<Item = &'a Resource>, dialect: Dialect) -> Self {
        let rows: Vec<&Resource> = rows.collect();
        let custom = rows.iter().filter(|row| row.custom).map(|row| (custom_name(&row.gvk), *row)).collect();
        Self { rows, dialect, texts: Descriptions::load(), custom }
    }

    /// The definition's name of a kind that paths mention.
    fn definition_name(&self, kind: &GroupVersionKind) -> Option<String> {
        if let Some(name) = schemas::definition_name(kind) {
            return Some(name.to_owned());
        }
        let is_custom = |row: &&&Resource| {
            row.gvk.group == kind.group
                && row.gvk.version == kind.version
                && (row.gvk.kind == kind.kind || row.list_kind == kind.kind)
        };
        self.custom.values().find(is_custom).map(|_| custom_name(kind))
    }

    fn paths(&self, emit: &mut dyn FnMut(&str, &Document)) {
        let definition = |kind: &GroupVersionKind| self.definition_name(kind);
        let mut all: Vec<(String, Document)> = Vec::new();
        for row in &self.rows {
            all.extend(Paths { row, dialect: self.dialect, definition: &definition }.items());
        }
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all.iter().for_each(|(path, item)| emit(path, item));
    }

    fn definitions(&self, emit: &mut dyn FnMut(&str, &Document)) {
        let mut wanted: BTreeSet<String> = BTreeSet::new();
        for name in ["DeleteOptions", "Patch", "Status", "ObjectMeta", "ListMeta", "WatchEvent"] {
            wanted.insert(format!("io.k8s.apimachinery.pkg.apis.meta.v1.{name}"));
        }
        for row in &self.rows {
            let list =
                GroupVersionKind::new(row.gvk.group.clone(), row.gvk.version.clone(), row.list_kind.clone());
            let kinds = row.subresources.iter().map(|subresource| &subresource.gvk).chain([&row.gvk, &list]);
            wanted.extend(kinds.filter_map(|kind| self.definition_name(kind)));
        }
        let wanted = references::closure(wanted);
        for definition in schemas::definitions().filter(|definition| wanted.contains(&definition.name())) {
            emit(&definition.name(), &definition::builtin(&definition, self.dialect, &self.texts));
        }
        for (name, row) in &self.custom {
            let schema = row.schema.as_ref().map(SchemaRef::get);
            emit(name, &definition::custom(&row.gvk, schema, self.dialect));
            let list =
                GroupVersionKind::new(row.gvk.group.clone(), row.gvk.version.clone(), row.list_kind.clone());
            let described = definition::custom_list(&row.gvk, &row.list_kind, &row.plural, self.dialect);
            emit(&custom_name(&list), &described);
        }
    }
}

/// Writes nested JSON objects entry by entry.
struct Writer {
    out: Vec<u8>,
    first: bool,
    depth: usize,
}

impl Default for Writer {
    fn default() -> Self {
        Self { out: b"{".to_vec(), first: true, depth: 1 }
    }
}

impl Writer {
    fn key(&mut self, key: &str) {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        self.out.extend(json::encode(&key.into()));
        self.out.push(b':');
    }

    fn entry(&mut self, key: &str, value: &Document) {
        self.key(key);
        self.out.extend(json::encode(value));
    }

    fn open(&mut self, key: &str) {
        self.key(key);
        self.out.push(b'{');
        self.first = true;
        self.depth += 1;
    }

    fn close(&mut self) {
        self.out.push(b'}');
        self.first = false;
        self.depth -= 1;
    }

    fn finish(mut self) -> Vec<u8> {
        for _ in 0..self.depth {
            self.out.push(b'}');
        }
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scope, Subresource, Verbs};
    use skiff_apimachinery::schema::{Field, Schema, Type};

    fn boats() -> Vec<Arc<Resource>> {
        let text = Schema { ty: Type::String, description: "Its name.".into(), ..Schema::default() };
        let spec = Schema {
            ty: Type::Object,
            fields: vec![Field::new("name", text)],
            nullable: true,
            ..Schema::default()
        };
        let schema = Schema { ty: Type::Object, fields: vec![Field::new("spec", spec)], ..Schema::default() };
        let gvk = GroupVersionKind::new("example.com", "v1", "Boat");
        let scale = Subresource {
            name: "scale".into(),
            gvk: GroupVersionKind::new("autoscaling", "v1", "Scale"),
            verbs: Verbs::STATUS,
        };
        let like = crate::builtin()[0].clone();
        let row = Resource {
            plural: "boats".into(),
            singular: "boat".into(),
            list_kind: "BoatList".into(),
            scope: Scope::Namespaced,
            verbs: Verbs::ALL,
            subresources: vec![scale],
            schema: Some(schema.into()),
            hub: gvk.clone(),
            gvk,
            enabled: true,
            gate: None,
            custom: true,
            ..Resource::clone(&like)
        };
        vec![Arc::new(row)]
    }

    #[test]
    fn custom_resources_are_described_like_built_in_ones() {
        let v3 = v3_json(&boats(), &GroupVersion::new("example.com", "v1")).unwrap();
        let v3 = json::decode(&v3).unwrap();
        let boat = &v3["components"]["schemas"]["com.example.v1.Boat"];
        assert_eq!(boat["properties"]["spec"]["properties"]["name"]["description"], "Its name.".into());
        assert_eq!(boat["properties"]["spec"]["nullable"], true.into());
        for (field, text) in
            [("apiVersion", "APIVersion defines"), ("metadata", "Standard object's metadata.")]
        {
            assert!(boat["properties"][field].str_at(&["description"]).starts_with(text), "{field}");
        }
        assert_eq!(
            boat["x-kubernetes-group-version-kind"],
            doc!([{"group": "example.com", "kind": "Boat", "version": "v1"}])
        );
        let patch = &v3["paths"]["/apis/example.com/v1/namespaces/{namespace}/boats/{name}"]["patch"];
        assert!(patch.array_at(&["parameters"]).iter().any(|p| p.str_at(&["name"]) == "fieldValidation"));

        let v2 = json::decode(&v2_json(&boats())).unwrap();
        let spec = &v2["definitions"]["com.example.v1.Boat"]["properties"]["spec"];
        assert_eq!(spec.get("nullable"), None);
        for definition in ["com.example.v1.BoatList", "io.k8s.api.autoscaling.v1.Scale"] {
            assert!(v2["definitions"].get(definition).is_some(), "{definition}");
        }
    }

    #[test]
    fn the_index_changes_with_a_schema() {
        let before = v3_index(&boats());
        let mut changed = Resource::clone(&boats()[0]);
        changed.schema = Some(Schema { ty: Type::Object, ..Schema::default() }.into());
        let after = v3_index(&[Arc::new(changed)]);
        let address = |index: &Document| {
            index["paths"]["apis/example.com/v1"].str_at(&["serverRelativeURL"]).to_owned()
        };
        assert!(address(&before).starts_with("/openapi/v3/apis/example.com/v1?hash="));
        assert_ne!(address(&before), address(&after));
    }
}
