//! Pod templates: when two are the same, and how the ReplicaSet of one is named.

use crate::pod_template;
use k8s_openapi::api::apps::v1::Deployment;
use skiff_apimachinery::{Document, Node};
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

/// The name of the ReplicaSet for a Deployment's template.
pub(super) fn set_name(deployment: &Cached<Deployment>) -> String {
    format!("{}-{}", deployment.name(), pod_template::hash(deployment))
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
}
