//! The pods of a DaemonSet by the node that they are on or meant for.

use super::World;
use super::template::REQUIRED_NODES;
use crate::pods::{self, CachedPod};
use skiff_apimachinery::Document;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Pods by the name of their node.
pub(super) struct ByNode<'w>(BTreeMap<&'w str, Vec<&'w CachedPod>>);

impl<'w> ByNode<'w> {
    /// The pods that count: those that have ended and are being deleted only wait for somebody's finalizer.
    pub(super) fn of(world: &'w World) -> Self {
        let mut nodes: BTreeMap<&str, Vec<&CachedPod>> = BTreeMap::new();
        let over = |pod: &CachedPod| pods::is_terminal(pod) && pod.deletion_timestamp().is_some();
        for pod in world.pods().filter(|pod| !over(pod)) {
            if let Some(node) = target(pod) {
                nodes.entry(node).or_default().push(pod);
            }
        }
        nodes.values_mut().for_each(|pods| pods.sort_by(|a, b| oldest_first(a, b)));
        Self(nodes)
    }

    /// The pods of a node, oldest first.
    pub(super) fn on(&self, node: &str) -> &[&'w CachedPod] {
        self.0.get(node).map(Vec::as_slice).unwrap_or_default()
    }

    /// Makes sure that a node is there, if need be without pods.
    pub(super) fn add(&mut self, node: &'w str) {
        self.0.entry(node).or_default();
    }

    /// Nodes and their pods, by the nodes' names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'w str, &[&'w CachedPod])> {
        self.0.iter().map(|(node, pods)| (*node, pods.as_slice()))
    }
}

/// The node that a pod is bound to, or else the one that its affinity binds it to.
fn target(pod: &CachedPod) -> Option<&str> {
    let bound = pods::node_name(pod);
    if !bound.is_empty() {
        return Some(bound);
    }
    let terms = pod.at(&REQUIRED_NODES)?.array_at(&["nodeSelectorTerms"]);
    let by_name =
        |field: &&Document| field.str_at(&["key"]) == "metadata.name" && field.str_at(&["operator"]) == "In";
    match terms.iter().flat_map(|term| term.array_at(&["matchFields"])).find(by_name)?.array_at(&["values"]) {
        [node] => node.as_str(),
        _ => None,
    }
}

/// Bound pods first, then by age.
fn oldest_first(a: &CachedPod, b: &CachedPod) -> Ordering {
    let unbound = |pod: &CachedPod| pods::node_name(pod).is_empty();
    let age = |pod: &CachedPod| (pod.creation_timestamp().to_owned(), pod.name().to_owned());
    unbound(a).cmp(&unbound(b)).then_with(|| age(a).cmp(&age(b)))
}
