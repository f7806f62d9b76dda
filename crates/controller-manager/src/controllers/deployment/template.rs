//! Pod templates: when two are the same, and the hash that names the ReplicaSet of one.

use k8s_openapi::api::apps::v1::Deployment;
use skiff_apimachinery::generate_name::safe_encode;
use skiff_apimachinery::{Document, Map, Node, json};
use skiff_client::Cached;

pub(super) const POD_TEMPLATE_HASH: &str = "pod-template-hash";

/// Whether two templates ask for the same pods, whatever their hash labels. As upstream's semantic comparison, it makes
/// no difference between an absent, a null and an empty list.
pub(super) fn equal(a: Option<&Document>, b: Option<&Document>) -> bool {
    equivalent(&without_hash(a), &without_hash(b))
}

fn without_hash(template: Option<&Document>) -> Document {
    let mut template = template.cloned().unwrap_or_default();
    template.remove(&["metadata", "labels", POD_TEMPLATE_HASH]);
    if let Some(metadata) = template.get_mut("metadata").and_then(Document::as_object_mut) {
        metadata.retain(|_, value| !value.is_empty());
    }
    template
}

fn equivalent(a: &Document, b: &Document) -> bool {
    let nothing = |doc: &Document| doc.is_null() || doc.as_array().is_some_and(<[Document]>::is_empty);
    match (a.node(), b.node()) {
        (Node::Object(a), Node::Object(b)) => {
            let same =
                |(key, value): (&str, &Document)| equivalent(value, b.get(key).unwrap_or(&Document::NULL));
            a.iter().all(same) && b.iter().all(|(key, value)| a.contains_key(key) || nothing(value))
        }
        (Node::Array(a), Node::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equivalent(a, b))
        }
        (a_node, b_node) => a_node == b_node || (nothing(a) && nothing(b)),
    }
}

/// The hash of a Deployment's template, in the alphabet of generated names. `status.collisionCount` changes it when the
/// name was taken.
pub(super) fn hash(deployment: &Cached<Deployment>) -> String {
    let canonical = sorted(deployment.at(&["spec", "template"]).unwrap_or(&Document::NULL));
    let mut bytes = json::encode(&canonical);
    if let Some(collisions) = deployment.i64_at(&["status", "collisionCount"]) {
        bytes.extend_from_slice(&collisions.to_le_bytes());
    }
    safe_encode(&fnv32a(&bytes).to_string())
}

/// The name of the ReplicaSet for a Deployment's template.
pub(super) fn set_name(deployment: &Cached<Deployment>) -> String {
    format!("{}-{}", deployment.name(), hash(deployment))
}

fn sorted(doc: &Document) -> Document {
    match doc.node() {
        Node::Object(map) => {
            let mut map: Map = map
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, sorted(value)))
                .collect();
            map.sort_keys();
            map.into()
        }
        Node::Array(list) => list.iter().map(sorted).collect(),
        _ => doc.clone(),
    }
}

fn fnv32a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn the_hash_label_and_empty_fields_make_no_difference() {
        let a = doc!({"metadata": {"labels": {"app": "web"}, "creationTimestamp": null}, "spec": {"containers": [{"name": "c", "args": []}]}});
        let b = doc!({"metadata": {"labels": {"app": "web", "pod-template-hash": "x"}}, "spec": {"containers": [{"name": "c"}], "volumes": null}});
        assert!(equal(Some(&a), Some(&b)) && equal(Some(&b), Some(&a)));
        let c = doc!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "args": ["x"]}]}});
        assert!(!equal(Some(&a), Some(&c)) && !equal(Some(&c), Some(&a)));
    }

    #[test]
    fn fnv_is_the_published_function() {
        assert_eq!(fnv32a(b""), 0x811c_9dc5);
        assert_eq!(fnv32a(b"foobar"), 0xbf9c_f968);
    }
}
