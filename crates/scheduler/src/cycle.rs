//! One decision: filter the nodes, score those that are left, choose; or say in upstream's words why none is.

use crate::cluster::Cluster;
use crate::node::Node;
use crate::plugins::{Plugin, Refusal};
use crate::pod::Pod;
use crate::queue::PluginSet;
use std::collections::BTreeMap;

/// Below so many nodes all are looked at.
const ALWAYS_ENOUGH: usize = 100;
/// Never fewer than this share of the nodes is looked at, in percent.
const MIN_PERCENTAGE: usize = 5;

/// Decides with a list of plugins.
pub struct Cycle {
    plugins: Vec<Box<dyn Plugin>>,
    /// Where the search for candidates begins, so that all nodes have their turn.
    start: usize,
}

/// Why no node takes a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unschedulable {
    /// What the condition and the event say.
    pub message: String,
    /// The plugins that refused.
    pub refused_by: PluginSet,
}

impl Cycle {
    /// With these plugins.
    pub fn new(plugins: Vec<Box<dyn Plugin>>) -> Self {
        Self { plugins, start: 0 }
    }

    /// The plugins.
    pub fn plugins(&self) -> &[Box<dyn Plugin>] {
        &self.plugins
    }

    /// Chooses a node. `random` settles ties: it is given the number of equals and says which.
    ///
    /// # Errors
    /// Why no node takes the pod.
    pub fn decide(
        &mut self,
        pod: &Pod,
        cluster: &Cluster,
        mut random: impl FnMut(usize) -> usize,
    ) -> Result<Box<str>, Unschedulable> {
        let candidates = self.candidates(pod, cluster)?;
        if let [only] = candidates.as_slice() {
            return Ok(only.name.clone());
        }
        let scores = self.scores(pod, &candidates);
        let best = scores.iter().copied().max().unwrap_or(0);
        let mut equals =
            candidates.iter().zip(&scores).filter(|(_, score)| **score == best).map(|(node, _)| node);
        let count = equals.clone().count();
        let chosen = equals.nth(random(count).min(count.saturating_sub(1)));
        Ok(chosen.map(|node| node.name.clone()).unwrap_or_default())
    }

    fn candidates<'c>(&mut self, pod: &Pod, cluster: &'c Cluster) -> Result<Vec<&'c Node>, Unschedulable> {
        let nodes = cluster.nodes();
        let wanted = enough(nodes.len());
        let mut found = Vec::with_capacity(wanted.min(nodes.len()));
        let mut refusals = Refusals::default();
        let mut looked_at = 0;
        for offset in 0..nodes.len() {
            let node = &nodes[(self.start + offset) % nodes.len()];
            looked_at += 1;
            if !node.exists {
                continue;
            }
            match self.filter(pod, node) {
                Ok(()) => found.push(node),
                Err((plugin, refusal)) => refusals.add(plugin, refusal),
            }
            if found.len() >= wanted {
                break;
            }
        }
        if !nodes.is_empty() {
            self.start = (self.start + looked_at) % nodes.len();
        }
        if found.is_empty() { Err(refusals.explain(pod, self.plugins.len())) } else { Ok(found) }
    }

    fn filter(&self, pod: &Pod, node: &Node) -> Result<(), (usize, Refusal)> {
        for (i, plugin) in self.plugins.iter().enumerate() {
            plugin.filter(pod, node).map_err(|refusal| (i, refusal))?;
        }
        Ok(())
    }

    fn scores(&self, pod: &Pod, candidates: &[&Node]) -> Vec<i64> {
        let mut total = vec![0; candidates.len()];
        let mut own = Vec::with_capacity(candidates.len());
        for plugin in self.plugins.iter().filter(|plugin| plugin.scores(pod)) {
            own.clear();
            own.extend(candidates.iter().map(|node| plugin.score(pod, node)));
            plugin.normalize(&mut own);
            for (total, own) in total.iter_mut().zip(&own) {
                *total += own * plugin.weight();
            }
        }
        total
    }
}

/// How many candidates are enough: all of few nodes, a falling share of many (50 % less a percent for each 125 nodes).
fn enough(nodes: usize) -> usize {
    if nodes < ALWAYS_ENOUGH {
        return nodes.max(1);
    }
    let percentage = 50_usize.saturating_sub(nodes / 125).max(MIN_PERCENTAGE);
    (nodes * percentage / 100).max(ALWAYS_ENOUGH)
}

#[derive(Default)]
struct Refusals {
    nodes: usize,
    reasons: BTreeMap<String, usize>,
    refused_by: PluginSet,
    preemption_may_help: usize,
}

impl Refusals {
    fn add(&mut self, plugin: usize, refusal: Refusal) {
        self.nodes += 1;
        self.refused_by |= 1 << plugin;
        self.preemption_may_help += usize::from(refusal.preemption_may_help);
        for reason in refusal.reasons {
            *self.reasons.entry(reason).or_default() += 1;
        }
    }

    fn explain(self, pod: &Pod, plugins: usize) -> Unschedulable {
        if self.nodes == 0 {
            // Any node may help.
            let refused_by = (1 << plugins) - 1;
            return Unschedulable { message: "no nodes available to schedule pods".to_owned(), refused_by };
        }
        let mut counted: Vec<String> =
            self.reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        counted.sort();
        let n = self.nodes;
        let mut message = format!("0/{n} nodes are available: {}.", counted.join(", "));
        if &*pod.preemption_policy == "Never" {
            message.push_str(" preemption: not eligible due to preemptionPolicy=Never.");
        } else {
            let helpless = n - self.preemption_may_help;
            let mut why = Vec::new();
            if self.preemption_may_help > 0 {
                why.push(format!(
                    "{} No preemption victims found for incoming pod",
                    self.preemption_may_help
                ));
            }
            if helpless > 0 {
                why.push(format!("{helpless} Preemption is not helpful for scheduling"));
            }
            why.sort();
            message.push_str(&format!(" preemption: 0/{n} nodes are available: {}.", why.join(", ")));
        }
        Unschedulable { message, refused_by: self.refused_by }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::default_plugins;
    use skiff_apimachinery::{Document, doc};
    use std::sync::Arc;

    fn node(name: &str, cpu: &str, taint: Option<&str>) -> Document {
        let mut node = doc!({
            "metadata": {"name": name},
            "status": {"allocatable": {"cpu": cpu, "memory": "8Gi", "pods": "110"}}
        });
        if let Some(key) = taint {
            node.set(&["spec", "taints"], doc!([{"key": key, "effect": "NoSchedule"}]));
        }
        node
    }

    fn pod(cpu: &str) -> Pod {
        Pod::read(&doc!({
            "metadata": {"name": "p", "namespace": "d"},
            "spec": {"containers": [{"resources": {"requests": {"cpu": cpu}}}]}
        }))
    }

    fn cluster(nodes: &[Document]) -> Cluster {
        let mut cluster = Cluster::default();
        for node in nodes {
            cluster.set_node(node);
        }
        cluster
    }

    fn decide(pod: &Pod, cluster: &Cluster) -> Result<Box<str>, Unschedulable> {
        Cycle::new(default_plugins()).decide(pod, cluster, |_| 0)
    }

    #[test]
    fn a_cluster_without_nodes_says_so() {
        assert_eq!(
            decide(&pod("1"), &Cluster::default()).unwrap_err().message,
            "no nodes available to schedule pods"
        );
    }

    #[test]
    fn refusals_are_counted_and_told_in_upstreams_words() {
        let cluster = cluster(&[node("a", "500m", None), node("b", "8", Some("x")), node("c", "100m", None)]);
        assert_eq!(
            decide(&pod("1"), &cluster).unwrap_err().message,
            "0/3 nodes are available: 1 node(s) had untolerated taint {x: }, 2 Insufficient cpu. \
             preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
        );
    }

    #[test]
    fn pods_spread_over_equal_nodes() {
        let mut cluster = cluster(&[node("a", "4", None), node("b", "4", None)]);
        let mut cycle = Cycle::new(default_plugins());
        let mut chosen = Vec::new();
        for i in 0..4 {
            let mut pod = pod("500m");
            pod.key.name = format!("p{i}");
            let node = cycle.decide(&pod, &cluster, |_| 0).unwrap();
            cluster.assume(Arc::new(pod), &node);
            chosen.push(node);
        }
        chosen.sort();
        assert_eq!(chosen.iter().map(|n| &**n).collect::<Vec<_>>(), ["a", "a", "b", "b"]);
    }

    #[test]
    fn of_many_nodes_a_share_is_enough() {
        assert_eq!(
            [enough(50), enough(100), enough(1000), enough(5000), enough(15000)],
            [50, 100, 420, 500, 750]
        );
    }
}
