//! A pod that names its node goes nowhere else.

use super::{Happening, Plugin, Refusal};
use crate::node::Node;
use crate::pod::Pod;

/// The plugin.
pub struct NodeName;

impl Plugin for NodeName {
    fn name(&self) -> &'static str {
        "NodeName"
    }

    fn filter(&self, pod: &Pod, node: &Node) -> Result<(), Refusal> {
        if pod.node.is_empty() || pod.node == node.name {
            Ok(())
        } else {
            Err(Refusal::final_("node(s) didn't match the requested node name"))
        }
    }

    fn helped_by(&self, happening: Happening) -> bool {
        matches!(happening, Happening::Node(change) if change.added)
    }
}
