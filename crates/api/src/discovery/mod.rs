//! Discovery documents, made from the rows that are served: the classic ones and the aggregated ones.
//!
//! Rows that are not enabled are left out. Order is upstream's: groups by priority, versions by maturity, resources by
//! name. The API server adds the groups of remote API services and serves the bytes.

mod aggregated;
mod classic;
mod priority;

pub use aggregated::{AggregatedVersion, aggregated};
pub use classic::{api_versions, group, group_list, resource_list};
pub use priority::{compare_groups, compare_versions, group_priority};

use crate::Resource;
use base64::Engine as _;
use sha2::{Digest, Sha256};
use skiff_apimachinery::GroupVersionKind;
use std::sync::Arc;

/// A group's rows by version, in the order in which clients should prefer them.
struct Group<'a> {
    name: &'a str,
    versions: Vec<Version<'a>>,
}

/// A version's rows, by name.
struct Version<'a> {
    name: &'a str,
    rows: Vec<&'a Resource>,
}

/// All groups, the core group first.
fn groups(rows: &[Arc<Resource>]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for row in rows.iter().filter(|row| row.enabled) {
        let (group, version) = (row.gvk.group.as_ref(), row.gvk.version.as_ref());
        let at = groups.iter().position(|known| known.name == group).unwrap_or_else(|| {
            groups.push(Group { name: group, versions: Vec::new() });
            groups.len() - 1
        });
        let versions = &mut groups[at].versions;
        let at = versions.iter().position(|known| known.name == version).unwrap_or_else(|| {
            versions.push(Version { name: version, rows: Vec::new() });
            versions.len() - 1
        });
        versions[at].rows.push(row);
    }
    for group in &mut groups {
        group.versions.sort_by(|a, b| compare_versions(a.name, b.name));
        for version in &mut group.versions {
            version.rows.sort_by(|a, b| a.plural.cmp(&b.plural));
        }
    }
    groups.sort_by(|a, b| compare_groups(a.name, b.name));
    groups
}

/// Upstream's short hash of the stored version, by which clients see that it changed.
pub fn storage_version_hash(hub: &GroupVersionKind) -> String {
    let text = format!("{}/{}/{}", hub.group, hub.version, hub.kind);
    let digest = Sha256::digest(text.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(&digest[..8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin;
    use skiff_apimachinery::{Document, GroupVersion, doc};

    #[test]
    fn groups_come_in_upstreams_order() {
        let list = group_list(&builtin());
        let names: Vec<&str> = list.array_at(&["groups"]).iter().map(|g| g.str_at(&["name"])).collect();
        assert_eq!(
            names,
            [
                "apiregistration.k8s.io",
                "apps",
                "events.k8s.io",
                "authentication.k8s.io",
                "authorization.k8s.io",
                "autoscaling",
                "batch",
                "certificates.k8s.io",
                "networking.k8s.io",
                "policy",
                "rbac.authorization.k8s.io",
                "storage.k8s.io",
                "admissionregistration.k8s.io",
                "apiextensions.k8s.io",
                "scheduling.k8s.io",
                "coordination.k8s.io",
                "node.k8s.io",
                "discovery.k8s.io",
                "flowcontrol.apiserver.k8s.io",
                "resource.k8s.io",
            ]
        );
        assert_eq!(
            group(&builtin(), "autoscaling").unwrap()["preferredVersion"],
            doc!({"groupVersion": "autoscaling/v2", "version": "v2"})
        );
    }

    #[test]
    fn a_resource_is_described_with_its_subresources() {
        let list = resource_list(&builtin(), &GroupVersion::new("", "v1")).unwrap();
        let of = |name: &str| -> Document {
            list.array_at(&["resources"]).iter().find(|r| r.str_at(&["name"]) == name).unwrap().clone()
        };
        assert_eq!(
            of("pods"),
            doc!({
                "name": "pods", "singularName": "pod", "namespaced": true, "kind": "Pod",
                "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
                "shortNames": ["po"], "categories": ["all"], "storageVersionHash": "xPOwRZ+Yhw8="
            })
        );
        assert_eq!(
            of("pods/eviction"),
            doc!({
                "name": "pods/eviction", "singularName": "", "namespaced": true, "group": "policy", "version": "v1",
                "kind": "Eviction", "verbs": ["create"]
            })
        );
    }

    #[test]
    fn aggregated_documents_hold_all_groups_but_core() {
        let all = aggregated(&builtin(), false, AggregatedVersion::V2);
        assert_eq!(all.items().len(), 20);
        let core = aggregated(&builtin(), true, AggregatedVersion::V2);
        let resources = core.items()[0].array_at(&["versions"])[0].array_at(&["resources"]).len();
        assert_eq!(resources, 17);
    }
}
