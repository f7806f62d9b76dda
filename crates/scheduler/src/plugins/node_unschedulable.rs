//! Cordoned nodes take only pods that tolerate it.

use super::{Happening, Plugin, Refusal};
use crate::node::Node;
use crate::pod::{Pod, Taint};

/// The plugin.
pub struct NodeUnschedulable;

impl Plugin for NodeUnschedulable {
    fn name(&self) -> &'static str {
        "NodeUnschedulable"
    }

    fn filter(&self, pod: &Pod, node: &Node) -> Result<(), Refusal> {
        if !node.unschedulable {
            return Ok(());
        }
        let taint = Taint {
            key: "node.kubernetes.io/unschedulable".into(),
            value: "".into(),
            effect: "NoSchedule".into(),
        };
        if pod.tolerates(&taint) { Ok(()) } else { Err(Refusal::final_("node(s) were unschedulable")) }
    }

    fn helped_by(&self, happening: Happening) -> bool {
        matches!(happening, Happening::Node(change) if change.added || change.taints)
    }
}
