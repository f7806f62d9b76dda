//! Nodes on which CPU and memory would be used alike are better.

use super::{MAX_SCORE, Plugin};
use crate::node::Node;
use crate::pod::Pod;

/// The plugin.
pub struct NodeResourcesBalancedAllocation;

impl Plugin for NodeResourcesBalancedAllocation {
    fn name(&self) -> &'static str {
        "NodeResourcesBalancedAllocation"
    }

    fn scores(&self, pod: &Pod) -> bool {
        // Upstream skips pods without requests: they do not change the balance.
        pod.requests.milli_cpu > 0 || pod.requests.memory > 0
    }

    fn score(&self, pod: &Pod, node: &Node) -> i64 {
        let fraction = |wanted: i64, used: i64, has: i64| {
            if has <= 0 { 1.0 } else { ((used + wanted) as f64 / has as f64).min(1.0) }
        };
        let (wanted, used, has) = (&pod.requests, &node.requested, &node.allocatable);
        let cpu = fraction(wanted.milli_cpu, used.milli_cpu, has.milli_cpu);
        let memory = fraction(wanted.memory, used.memory, has.memory);
        // The standard deviation of two values is half their difference.
        ((1.0 - (cpu - memory).abs() / 2.0) * MAX_SCORE as f64) as i64
    }
}
