//! Pods made from a workload's template, and the hash that tells templates apart.

use crate::ownership::controller_ref;
use skiff_apimachinery::generate_name::safe_encode;
use skiff_apimachinery::{Document, Map, Node, doc, json};

/// Longest prefix that leaves room for the five generated characters in a pod's name.
const LONGEST_PREFIX: usize = 248;

/// A pod from `spec.template` of its owner, to be named by the API server.
pub fn pod_of(owner: &Document) -> Document {
    let template = owner.at(&["spec", "template"]);
    let mut metadata = doc!({"generateName": name_prefix(owner.name())});
    for field in ["labels", "annotations", "finalizers"] {
        if let Some(value) =
            template.and_then(|t| t.at(&["metadata", field])).filter(|value| !value.is_empty())
        {
            metadata.insert(field, value);
        }
    }
    metadata.insert("ownerReferences", vec![controller_ref(owner)]);
    let spec = template.and_then(|t| t.get("spec")).cloned().unwrap_or_default();
    doc!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
}

/// As upstream: the dash is left out where the name would become too long.
fn name_prefix(owner: &str) -> String {
    if owner.len() < LONGEST_PREFIX { format!("{owner}-") } else { owner.to_owned() }
}

/// The hash of a workload's template, in the alphabet of generated names. `status.collisionCount` changes it when the
/// name that is made of it was taken.
pub fn hash(workload: &Document) -> String {
    let canonical = canonical(workload.at(&["spec", "template"]).unwrap_or(&Document::NULL));
    let mut bytes = json::encode(&canonical);
    if let Some(collisions) = workload.i64_at(&["status", "collisionCount"]) {
        bytes.extend_from_slice(&collisions.to_le_bytes());
    }
    safe_encode(&fnv32a(&bytes).to_string())
}

/// The same content in one form: keys sorted, without nulls.
pub fn canonical(doc: &Document) -> Document {
    match doc.node() {
        Node::Object(map) => {
            let mut map: Map = map
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, canonical(value)))
                .collect();
            map.sort_keys();
            map.into()
        }
        Node::Array(list) => list.iter().map(canonical).collect(),
        _ => doc.clone(),
    }
}

fn fnv32a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_has_the_templates_metadata_and_its_owner() {
        let owner = doc!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web", "uid": "u"},
            "spec": {"template": {
                "metadata": {"labels": {"a": "b"}, "annotations": {}, "creationTimestamp": null},
                "spec": {"containers": []}
            }}
        });
        assert_eq!(
            pod_of(&owner),
            doc!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"generateName": "web-", "labels": {"a": "b"}, "ownerReferences": [{
                    "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u",
                    "controller": true, "blockOwnerDeletion": true
                }]},
                "spec": {"containers": []}
            })
        );
    }

    #[test]
    fn fnv_is_the_published_function() {
        assert_eq!(fnv32a(b""), 0x811c_9dc5);
        assert_eq!(fnv32a(b"foobar"), 0xbf9c_f968);
    }

    #[test]
    fn the_hash_is_of_the_content_and_of_the_collisions() {
        let workload = |template: Document| doc!({"spec": {"template": template}});
        let a = hash(&workload(doc!({"spec": {"x": 1, "y": 2}})));
        let mut collided = workload(doc!({"spec": {"y": 2, "x": 1, "z": null}}));
        assert_eq!(hash(&collided), a);
        collided.set(&["status", "collisionCount"], 1);
        assert_ne!(hash(&collided), a);
    }
}
