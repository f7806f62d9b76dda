//! `PodTopologyLabels`: a pod has the topology labels of its node, so that its containers can read them (KEP-4742).
//!
//! A pod gets its node mostly by a binding, whose labels become the pod's.

use super::{Operation, Plugin, Request};
use crate::objects::Objects;
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, GroupResource, Status};
use std::sync::Arc;

const LABELS: [&str; 2] = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"];

/// The plugin.
pub struct PodTopologyLabels {
    objects: Arc<dyn Objects>,
}

impl PodTopologyLabels {
    /// Over current nodes.
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects }
    }

    /// Labels a new pod, or the binding of one.
    fn label(&self, request: &Request<'_>, object: &mut Document) {
        let about_pods = request.resource.gvk.group.is_empty() && request.resource.plural == "pods";
        if request.operation != Operation::Create || !about_pods {
            return;
        }
        let node = match request.subresource {
            "" => object.str_at(&["spec", "nodeName"]),
            "binding" if object.str_at(&["target", "kind"]) == "Node" => object.str_at(&["target", "name"]),
            _ => return,
        };
        // A node that is not there (yet) is no reason to refuse the pod.
        let Some(node) = self.objects.get(&GroupResource::new("", "nodes"), "", node) else { return };
        for key in LABELS {
            if let Some(value) = node.label(key) {
                object.set(&["metadata", "labels", key], value);
            }
        }
    }
}

impl Plugin for PodTopologyLabels {
    fn name(&self) -> &'static str {
        "PodTopologyLabels"
    }

    fn admit<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a mut Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        self.label(request, object);
        Box::pin(std::future::ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::testing::{self, Write};
    use skiff_apimachinery::doc;

    fn labelled(subresource: &'static str, object: Document) -> Document {
        let node = doc!({"metadata": {"name": "n1", "labels": {
            "topology.kubernetes.io/zone": "z1", "kubernetes.io/hostname": "n1"
        }}});
        let plugin = PodTopologyLabels::new(testing::objects(vec![("nodes", node)]));
        Write::create("", "pods").through(subresource).admit(&plugin, object).unwrap()
    }

    #[test]
    fn a_binding_to_a_node_gets_its_topology_labels_alone() {
        let binding = labelled("binding", doc!({"target": {"kind": "Node", "name": "n1"}}));
        assert_eq!(binding["metadata"], doc!({"labels": {"topology.kubernetes.io/zone": "z1"}}));
    }

    #[test]
    fn the_node_knows_better_than_the_pod() {
        let pod = labelled(
            "",
            doc!({"metadata": {"labels": {"topology.kubernetes.io/zone": "mine"}}, "spec": {"nodeName": "n1"}}),
        );
        assert_eq!(pod.label("topology.kubernetes.io/zone"), Some("z1"));
    }

    #[test]
    fn without_a_known_node_nothing_happens() {
        let pod = doc!({"spec": {"containers": []}});
        assert_eq!(labelled("", pod.clone()), pod);
        let binding = doc!({"target": {"kind": "Node", "name": "gone"}});
        assert_eq!(labelled("binding", binding.clone()), binding);
        let other = doc!({"target": {"kind": "Rack", "name": "n1"}});
        assert_eq!(labelled("binding", other.clone()), other);
    }
}
