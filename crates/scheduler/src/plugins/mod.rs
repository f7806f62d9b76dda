//! What decides where a pod may go and where it goes best: one file per plugin, named as upstream names them.
//!
//! To add one: a file here with a unit struct that implements [`Plugin`], and a line in [`default_plugins`]. Filters come in
//! upstream's order, because the first refusal of a node is the one that is told.

mod image_locality;
mod node_affinity;
mod node_name;
mod node_ports;
mod node_resources_balanced_allocation;
mod node_resources_fit;
mod node_unschedulable;
mod taint_toleration;

use crate::node::{Node, NodeChange};
use crate::pod::Pod;

/// Highest score of a node.
pub const MAX_SCORE: i64 = 100;

/// Why a node cannot take a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Upstream's texts, such as `Insufficient cpu`; they are counted over all nodes.
    pub reasons: Vec<String>,
    /// Whether removing other pods from the node could help.
    pub preemption_may_help: bool,
}

/// Something that happened in the cluster.
#[derive(Debug, Clone, Copy)]
pub enum Happening {
    /// A node came or changed.
    Node(NodeChange),
    /// A pod left a node, or needs less.
    PodLeft,
}

/// One rule of placement.
pub trait Plugin: Send + Sync + 'static {
    /// Upstream's name.
    fn name(&self) -> &'static str;

    /// Whether the node can take the pod at all.
    ///
    /// # Errors
    /// The refusal.
    fn filter(&self, _pod: &Pod, _node: &Node) -> Result<(), Refusal> {
        Ok(())
    }

    /// Whether the pod wants to be scored by this plugin; if not, all nodes are equal to it.
    fn scores(&self, _pod: &Pod) -> bool {
        false
    }

    /// How well the node suits the pod, in the plugin's own measure.
    fn score(&self, _pod: &Pod, _node: &Node) -> i64 {
        0
    }

    /// Turns own measures of all candidates into 0 to [`MAX_SCORE`].
    fn normalize(&self, _scores: &mut [i64]) {}

    /// How much the score counts.
    fn weight(&self) -> i64 {
        1
    }

    /// Whether this may let in a pod that the plugin refused.
    fn helped_by(&self, _happening: Happening) -> bool {
        false
    }
}

impl Refusal {
    /// A refusal that preemption cannot change.
    pub fn final_(reason: impl Into<String>) -> Self {
        Self { reasons: vec![reason.into()], preemption_may_help: false }
    }

    /// A refusal because of what other pods use.
    pub fn crowded(reasons: Vec<String>) -> Self {
        Self { reasons, preemption_may_help: true }
    }
}

/// The plugins of the default profile, in upstream's order.
pub fn default_plugins() -> Vec<Box<dyn Plugin>> {
    vec![
        Box::new(node_unschedulable::NodeUnschedulable),
        Box::new(node_name::NodeName),
        Box::new(taint_toleration::TaintToleration),
        Box::new(node_affinity::NodeAffinity),
        Box::new(node_ports::NodePorts),
        Box::new(node_resources_fit::NodeResourcesFit),
        Box::new(node_resources_balanced_allocation::NodeResourcesBalancedAllocation),
        Box::new(image_locality::ImageLocality),
    ]
}

/// Scales measures so that the largest becomes [`MAX_SCORE`]; `reverse` makes small measures good.
fn scale_to_max(scores: &mut [i64], reverse: bool) {
    let max = scores.iter().copied().max().unwrap_or(0);
    for score in scores {
        let scaled = if max == 0 { 0 } else { *score * MAX_SCORE / max };
        *score = if reverse { MAX_SCORE - scaled } else { scaled };
    }
}
