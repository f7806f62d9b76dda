//! A node must have what a pod asks for; of those that have, the emptier is better (`LeastAllocated`).

use super::{Happening, MAX_SCORE, Plugin, Refusal};
use crate::node::Node;
use crate::pod::Pod;

/// The plugin.
pub struct NodeResourcesFit;

impl Plugin for NodeResourcesFit {
    fn name(&self) -> &'static str {
        "NodeResourcesFit"
    }

    fn filter(&self, pod: &Pod, node: &Node) -> Result<(), Refusal> {
        let (wanted, has, used) = (&pod.requests, &node.allocatable, &node.requested);
        let mut missing = Vec::new();
        let mut hopeless = false;
        if node.pods >= node.max_pods {
            missing.push("Too many pods".to_owned());
            hopeless |= node.max_pods == 0;
        }
        let mut compare = |name: &str, wanted: i64, has: i64, used: i64| {
            if wanted > 0 && wanted > has - used {
                missing.push(format!("Insufficient {name}"));
                hopeless |= wanted > has;
            }
        };
        compare("cpu", wanted.milli_cpu, has.milli_cpu, used.milli_cpu);
        compare("memory", wanted.memory, has.memory, used.memory);
        compare("ephemeral-storage", wanted.ephemeral_storage, has.ephemeral_storage, used.ephemeral_storage);
        for (name, amount) in &wanted.other {
            compare(name, *amount, has.other(name), used.other(name));
        }
        match (missing.is_empty(), hopeless) {
            (true, _) => Ok(()),
            (false, hopeless) => Err(Refusal { reasons: missing, preemption_may_help: !hopeless }),
        }
    }

    fn scores(&self, _: &Pod) -> bool {
        true
    }

    fn score(&self, pod: &Pod, node: &Node) -> i64 {
        let (wanted, has, used) = (&pod.scoring_requests, &node.allocatable, &node.scoring_requested);
        let free = |wanted: i64, has: i64, used: i64| {
            let left = has - used - wanted;
            (has > 0).then(|| if left < 0 { 0 } else { left * MAX_SCORE / has })
        };
        let parts = [
            free(wanted.milli_cpu, has.milli_cpu, used.milli_cpu),
            free(wanted.memory, has.memory, used.memory),
        ];
        let counted = parts.iter().flatten().count() as i64;
        if counted == 0 { 0 } else { parts.iter().flatten().sum::<i64>() / counted }
    }

    fn helped_by(&self, happening: Happening) -> bool {
        match happening {
            Happening::Node(change) => change.added || change.allocatable,
            Happening::PodLeft => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::Resources;
    use skiff_apimachinery::doc;

    fn node(milli_cpu: i64, used: i64) -> Node {
        let cpu = |milli_cpu| Resources { milli_cpu, memory: 1 << 30, ..Resources::default() };
        Node {
            allocatable: cpu(milli_cpu),
            requested: Resources { milli_cpu: used, ..Resources::default() },
            scoring_requested: Resources { milli_cpu: used, ..Resources::default() },
            max_pods: 110,
            ..Node::default()
        }
    }

    fn pod(cpu: &str) -> Pod {
        Pod::read(&doc!({"spec": {"containers": [
            {"resources": {"requests": {"cpu": cpu, "memory": "1Mi", "example.com/gpu": "0"}}}
        ]}}))
    }

    #[test]
    fn what_is_missing_is_named_and_preemption_helps_unless_the_node_is_too_small() {
        let refusal = NodeResourcesFit.filter(&pod("500m"), &node(1000, 600)).unwrap_err();
        assert_eq!(refusal, Refusal::crowded(vec!["Insufficient cpu".into()]));
        assert!(!NodeResourcesFit.filter(&pod("2"), &node(1000, 600)).unwrap_err().preemption_may_help);
        assert!(NodeResourcesFit.filter(&pod("400m"), &node(1000, 600)).is_ok());
    }

    #[test]
    fn the_emptier_node_scores_higher() {
        let (empty, full) = (node(1000, 0), node(1000, 800));
        assert!(NodeResourcesFit.score(&pod("100m"), &empty) > NodeResourcesFit.score(&pod("100m"), &full));
    }
}
