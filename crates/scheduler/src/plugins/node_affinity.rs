//! Node selectors and node affinity.

use super::{Happening, Plugin, Refusal, scale_to_max};
use crate::node::Node;
use crate::pod::Pod;

/// The plugin.
pub struct NodeAffinity;

impl Plugin for NodeAffinity {
    fn name(&self) -> &'static str {
        "NodeAffinity"
    }

    fn filter(&self, pod: &Pod, node: &Node) -> Result<(), Refusal> {
        let selected = pod.node_selector.iter().all(|(key, value)| node.labels.get(key) == Some(value));
        let wanted = pod
            .required_affinity
            .as_ref()
            .is_none_or(|terms| terms.iter().any(|term| term.matches(&node.name, &node.labels)));
        if selected && wanted {
            Ok(())
        } else {
            Err(Refusal::final_("node(s) didn't match Pod's node affinity/selector"))
        }
    }

    fn scores(&self, pod: &Pod) -> bool {
        !pod.preferred_affinity.is_empty()
    }

    fn score(&self, pod: &Pod, node: &Node) -> i64 {
        let matching = pod.preferred_affinity.iter().filter(|p| p.term.matches(&node.name, &node.labels));
        matching.map(|preference| preference.weight).sum()
    }

    fn normalize(&self, scores: &mut [i64]) {
        scale_to_max(scores, false);
    }

    fn weight(&self) -> i64 {
        2
    }

    fn helped_by(&self, happening: Happening) -> bool {
        matches!(happening, Happening::Node(change) if change.added || change.labels)
    }
}
