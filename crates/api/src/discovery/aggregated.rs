//! The aggregated documents: everything under `/api` or `/apis` in one answer.

use super::classic::insert_texts;
use super::groups;
use crate::Resource;
use skiff_apimachinery::{Document, GroupVersionKind, doc};
use std::sync::Arc;

/// Versions of the document; both have the same shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AggregatedVersion {
    /// `apidiscovery.k8s.io/v2`.
    V2,
    /// `apidiscovery.k8s.io/v2beta1`, for clients before 1.30.
    V2Beta1,
}

/// The `APIGroupDiscoveryList` of `/api` (`core`) or of `/apis`.
pub fn aggregated(rows: &[Arc<Resource>], core: bool, version: AggregatedVersion) -> Document {
    let items: Vec<Document> = groups(rows)
        .iter()
        .filter(|group| group.name.is_empty() == core)
        .map(|group| {
            let versions: Vec<Document> = group
                .versions
                .iter()
                .map(|version| {
                    let resources: Vec<Document> = version.rows.iter().map(|row| resource(row)).collect();
                    doc!({"version": version.name, "resources": resources, "freshness": "Current"})
                })
                .collect();
            let metadata = if core { doc!({}) } else { doc!({"name": group.name}) };
            doc!({"metadata": metadata, "versions": versions})
        })
        .collect();
    let api_version = match version {
        AggregatedVersion::V2 => "apidiscovery.k8s.io/v2",
        AggregatedVersion::V2Beta1 => "apidiscovery.k8s.io/v2beta1",
    };
    doc!({"kind": "APIGroupDiscoveryList", "apiVersion": api_version, "metadata": {}, "items": items})
}

fn resource(row: &Resource) -> Document {
    let mut out = doc!({
        "resource": row.plural.as_ref(), "responseKind": kind(&row.gvk),
        "scope": if row.namespaced() { "Namespaced" } else { "Cluster" },
        "singularResource": row.singular.as_ref(), "verbs": row.verbs.names().collect::<Vec<_>>()
    });
    insert_texts(&mut out, "shortNames", &row.short_names);
    insert_texts(&mut out, "categories", &row.categories);
    if !row.subresources.is_empty() {
        let subresources: Vec<Document> = row
            .subresources
            .iter()
            .map(|subresource| {
                doc!({
                    "subresource": subresource.name.as_ref(), "responseKind": kind(&subresource.gvk),
                    "verbs": subresource.verbs.names().collect::<Vec<_>>()
                })
            })
            .collect();
        out.insert("subresources", subresources);
    }
    out
}

fn kind(gvk: &GroupVersionKind) -> Document {
    doc!({"group": gvk.group.as_ref(), "version": gvk.version.as_ref(), "kind": gvk.kind.as_ref()})
}
