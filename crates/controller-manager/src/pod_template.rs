//! Pods made from a workload's template.

use crate::ownership::controller_ref;
use skiff_apimachinery::{Document, doc};

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
}
