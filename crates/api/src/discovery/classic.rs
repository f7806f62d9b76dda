//! The classic documents: `/api`, `/apis`, `/apis/GROUP`, `/api/v1`, `/apis/GROUP/VERSION`.

use super::{Group, Version, groups, storage_version_hash};
use crate::{Resource, Subresource};
use skiff_apimachinery::gvk::Str;
use skiff_apimachinery::{Document, GroupVersion, doc};
use std::sync::Arc;

/// `/api`: the versions of the core group and where clients reach the server (`HOST:PORT`).
pub fn api_versions(server_address: &str) -> Document {
    doc!({
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": server_address}]
    })
}

/// `/apis`: all groups but the core one.
pub fn group_list(rows: &[Arc<Resource>]) -> Document {
    let groups: Vec<Document> = groups(rows)
        .iter()
        .filter(|group| !group.name.is_empty())
        .map(|group| describe(group, Document::object()))
        .collect();
    doc!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `/apis/GROUP`; `None` if no version of the group is served.
pub fn group(rows: &[Arc<Resource>], name: &str) -> Option<Document> {
    let groups = groups(rows);
    let group = groups.iter().find(|group| group.name == name)?;
    Some(describe(group, doc!({"kind": "APIGroup", "apiVersion": "v1"})))
}

fn describe(group: &Group<'_>, mut to: Document) -> Document {
    let versions: Vec<Document> =
        group.versions.iter().map(|version| group_version(group, version)).collect();
    let preferred = versions.first().cloned();
    to.insert("name", group.name);
    to.insert("versions", versions);
    to.insert("preferredVersion", preferred);
    to
}

fn group_version(group: &Group<'_>, version: &Version<'_>) -> Document {
    doc!({"groupVersion": format!("{}/{}", group.name, version.name), "version": version.name})
}

/// `/api/v1` and `/apis/GROUP/VERSION`; `None` if the version is not served.
pub fn resource_list(rows: &[Arc<Resource>], version: &GroupVersion) -> Option<Document> {
    let groups = groups(rows);
    let group = groups.iter().find(|group| group.name == version.group)?;
    let found = group.versions.iter().find(|known| known.name == version.version)?;
    let mut resources = Vec::new();
    for row in &found.rows {
        resources.push(resource(row));
        resources.extend(row.subresources.iter().map(|subresource| subresource_of(row, subresource)));
    }
    let mut out = doc!({"kind": "APIResourceList"});
    if !version.group.is_empty() {
        out.insert("apiVersion", "v1");
    }
    out.insert("groupVersion", version.to_string());
    out.insert("resources", resources);
    Some(out)
}

fn resource(row: &Resource) -> Document {
    let mut out = doc!({
        "name": row.plural.as_ref(), "singularName": row.singular.as_ref(), "namespaced": row.namespaced(),
        "kind": row.gvk.kind.as_ref(), "verbs": row.verbs.names().collect::<Vec<_>>()
    });
    insert_texts(&mut out, "shortNames", &row.short_names);
    insert_texts(&mut out, "categories", &row.categories);
    if !row.storage_prefix.is_empty() {
        out.insert("storageVersionHash", storage_version_hash(&row.hub));
    }
    out
}

fn subresource_of(row: &Resource, subresource: &Subresource) -> Document {
    let mut out = doc!({
        "name": format!("{}/{}", row.plural, subresource.name), "singularName": "", "namespaced": row.namespaced()
    });
    if subresource.gvk.group_version() != row.group_version() {
        out.insert("group", subresource.gvk.group.as_ref());
        out.insert("version", subresource.gvk.version.as_ref());
    }
    out.insert("kind", subresource.gvk.kind.as_ref());
    out.insert("verbs", subresource.verbs.names().collect::<Vec<_>>());
    out
}

pub(super) fn insert_texts(to: &mut Document, field: &str, texts: &[Str]) {
    if !texts.is_empty() {
        to.insert(field, texts.iter().map(AsRef::as_ref).collect::<Vec<&str>>());
    }
}
