//! The picture of all nodes and of the pods on them, kept current by events and by what was decided but not yet heard back.

use crate::node::{Node, NodeChange};
use crate::pod::Pod;
use skiff_apimachinery::Document;
use skiff_apimachinery::meta::ObjectKey;
use std::collections::HashMap;
use std::sync::Arc;

/// All nodes, and which pod counts on which.
#[derive(Debug, Default)]
pub struct Cluster {
    nodes: Vec<Node>,
    index: HashMap<Box<str>, usize>,
    placed: HashMap<ObjectKey, Placed>,
}

#[derive(Debug)]
struct Placed {
    pod: Arc<Pod>,
    node: Box<str>,
    /// Decided here, not yet seen in the pod.
    assumed: bool,
}

impl Cluster {
    /// The nodes whose objects exist.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// How many nodes exist.
    pub fn len(&self) -> usize {
        self.nodes.iter().filter(|node| node.exists).count()
    }

    /// Whether no node exists.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes over a Node object.
    pub fn set_node(&mut self, doc: &Document) -> NodeChange {
        let at = self.slot(doc.name());
        self.nodes[at].set(doc)
    }

    /// Forgets a node; pods that are still said to be on it keep counting should it come back.
    pub fn remove_node(&mut self, name: &str) {
        let Some(&at) = self.index.get(name) else { return };
        if self.nodes[at].pods > 0 {
            self.nodes[at].exists = false;
            return;
        }
        self.index.remove(name);
        self.nodes.swap_remove(at);
        if let Some(moved) = self.nodes.get(at) {
            self.index.insert(moved.name.clone(), at);
        }
    }

    fn slot(&mut self, name: &str) -> usize {
        if let Some(&at) = self.index.get(name) {
            return at;
        }
        self.nodes.push(Node { name: name.into(), ..Node::default() });
        self.index.insert(name.into(), self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    /// Counts a pod that was heard of on the node it names; replaces what was assumed of it. Tells whether a pod left a node
    /// or got smaller, which may let another in.
    pub fn set_pod(&mut self, pod: Arc<Pod>) -> bool {
        if pod.node.is_empty() {
            return false;
        }
        if pod.ended {
            return self.remove_pod(&pod.key);
        }
        if let Some(placed) = self.placed.get_mut(&pod.key) {
            let same = placed.node == pod.node && placed.pod.uid == pod.uid;
            if same && placed.pod.requests == pod.requests && placed.pod.host_ports == pod.host_ports {
                placed.assumed = false;
                return false;
            }
        }
        let freed = self.remove_pod(&pod.key);
        self.place(Arc::clone(&pod), &pod.node, false);
        freed
    }

    /// Counts a pod on a node that was chosen for it, until the pod itself says so.
    pub fn assume(&mut self, pod: Arc<Pod>, node: &str) {
        self.remove_pod(&pod.key);
        self.place(pod, node, true);
    }

    fn place(&mut self, pod: Arc<Pod>, node: &str, assumed: bool) {
        let at = self.slot(node);
        self.nodes[at].add(&pod);
        self.placed.insert(pod.key.clone(), Placed { pod, node: node.into(), assumed });
    }

    /// Takes back what was assumed, because binding failed. A pod that was heard of since stays.
    pub fn forget(&mut self, key: &ObjectKey) {
        if self.placed.get(key).is_some_and(|placed| placed.assumed) {
            self.remove_pod(key);
        }
    }

    /// Whether the pod was given a node, here or as heard of.
    pub fn is_placed(&self, key: &ObjectKey) -> bool {
        self.placed.contains_key(key)
    }

    /// Counts a pod out; tells whether it counted.
    pub fn remove_pod(&mut self, key: &ObjectKey) -> bool {
        let Some(placed) = self.placed.remove(key) else { return false };
        if let Some(&at) = self.index.get(&placed.node) {
            self.nodes[at].remove(&placed.pod);
            if !self.nodes[at].exists && self.nodes[at].pods == 0 {
                self.remove_node(&placed.node);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn node(name: &str) -> Document {
        doc!({"metadata": {"name": name}, "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}}})
    }

    fn pod(name: &str, node: &str) -> Arc<Pod> {
        Arc::new(Pod::read(&doc!({
            "metadata": {"name": name, "namespace": "d", "uid": name},
            "spec": {"nodeName": node, "containers": [{"resources": {"requests": {"cpu": "1"}}}]}
        })))
    }

    fn used(cluster: &Cluster, name: &str) -> i64 {
        cluster.nodes().iter().find(|n| *n.name == *name).map_or(-1, |n| n.requested.milli_cpu)
    }

    #[test]
    fn a_pod_counts_once_whether_assumed_or_heard_of() {
        let mut cluster = Cluster::default();
        cluster.set_node(&node("n1"));
        cluster.assume(pod("p", ""), "n1");
        assert_eq!(used(&cluster, "n1"), 1000);
        cluster.set_pod(pod("p", "n1"));
        assert_eq!(used(&cluster, "n1"), 1000);
        cluster.forget(&ObjectKey::new("d", "p"));
        assert_eq!(used(&cluster, "n1"), 1000, "a pod that was heard of is not forgotten");
        cluster.remove_pod(&ObjectKey::new("d", "p"));
        assert_eq!(used(&cluster, "n1"), 0);
    }

    #[test]
    fn pods_may_be_heard_of_before_their_node_and_outlive_it() {
        let mut cluster = Cluster::default();
        cluster.set_pod(pod("p", "n1"));
        assert!(cluster.is_empty());
        assert!(cluster.set_node(&node("n1")).added);
        assert_eq!(used(&cluster, "n1"), 1000);
        cluster.remove_node("n1");
        assert!(cluster.is_empty());
        cluster.remove_pod(&ObjectKey::new("d", "p"));
        assert!(cluster.nodes().is_empty());
    }
}
