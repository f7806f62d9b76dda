//! Two pods cannot have the same port of a node.

use super::{Happening, Plugin, Refusal};
use crate::node::Node;
use crate::pod::Pod;

/// The plugin.
pub struct NodePorts;

impl Plugin for NodePorts {
    fn name(&self) -> &'static str {
        "NodePorts"
    }

    fn filter(&self, pod: &Pod, node: &Node) -> Result<(), Refusal> {
        let taken =
            pod.host_ports.iter().any(|wanted| node.host_ports.iter().any(|used| used.conflicts(wanted)));
        if taken {
            let reason = "node(s) didn't have free ports for the requested pod ports";
            return Err(Refusal::crowded(vec![reason.to_owned()]));
        }
        Ok(())
    }

    fn helped_by(&self, happening: Happening) -> bool {
        match happening {
            Happening::Node(change) => change.added,
            Happening::PodLeft => true,
        }
    }
}
