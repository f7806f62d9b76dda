//! The scheduling cycle alone: 5,000 nodes in memory, a pod decided and assumed, then the next; no API, no binding.

use crate::figure::Figure;
use crate::objects;
use crate::row::{Bench, Measured, Row};
use anyhow::{Result, anyhow};
use skiff_apimachinery::{Document, doc};
use skiff_scheduler::cluster::Cluster;
use skiff_scheduler::cycle::Cycle;
use skiff_scheduler::plugins::default_plugins;
use skiff_scheduler::pod::Pod;
use std::sync::Arc;
use std::time::Instant;

/// The plugin that affinity to other pods needs.
const INTER_POD_AFFINITY: &str = "InterPodAffinity";

/// The row.
pub struct Scheduling;

impl Row for Scheduling {
    fn name(&self) -> &'static str {
        "scheduling"
    }

    fn figures(&self) -> Vec<Figure> {
        let mut figures = vec![
            Figure::new("plain", "scheduling cycle alone, 5,000 nodes in memory", "pods/s").at_least(5_000.0),
            Figure::new("node_affinity", "scheduling cycle alone, required node affinity", "pods/s")
                .at_least(500.0),
        ];
        if has_pod_affinity() {
            figures.push(
                Figure::new("pod_affinity", "scheduling cycle alone, required pod affinity", "pods/s")
                    .at_least(500.0),
            );
        }
        figures
    }

    fn measure(&self, bench: &Bench) -> Result<Measured> {
        let nodes = bench.count(5_000, 100);
        let plain = |_: &mut Document| {};
        let mut measured: Measured = [
            ("plain", rate(nodes, bench.count(10_000, 20), plain)?),
            ("node_affinity", rate(nodes, bench.count(5_000, 20), require_zone)?),
        ]
        .into();
        if has_pod_affinity() {
            measured.insert("pod_affinity", rate(nodes, bench.count(5_000, 20), require_neighbour)?);
        }
        Ok(measured)
    }
}

fn has_pod_affinity() -> bool {
    default_plugins().iter().any(|plugin| plugin.name() == INTER_POD_AFFINITY)
}

fn require_zone(pod: &mut Document) {
    let term = doc!({
        "matchExpressions": [
            {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["zone-1", "zone-2"]}
        ]
    });
    let path = ["spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"];
    pod.set(&path, doc!({"nodeSelectorTerms": [term]}));
}

fn require_neighbour(pod: &mut Document) {
    let term = doc!({
        "labelSelector": {"matchLabels": {"app": "bench"}},
        "topologyKey": "topology.kubernetes.io/zone"
    });
    let path = ["spec", "affinity", "podAffinity", "requiredDuringSchedulingIgnoredDuringExecution"];
    pod.set(&path, doc!([term]));
}

/// Pods that are decided in a second.
fn rate(nodes: usize, pods: usize, edit: impl Fn(&mut Document)) -> Result<f64> {
    let mut cluster = Cluster::default();
    for number in 0..nodes {
        cluster.set_node(&objects::node(number));
    }
    let pods: Vec<Arc<Pod>> = (0..pods)
        .map(|number| {
            let mut pod = objects::schedulable_pod(&format!("pod-{number}"));
            pod.set(&["metadata", "namespace"], objects::NAMESPACE);
            edit(&mut pod);
            Arc::new(Pod::read(&pod))
        })
        .collect();
    let mut cycle = Cycle::new(default_plugins());
    let (start, count) = (Instant::now(), pods.len());
    for (number, pod) in pods.into_iter().enumerate() {
        let node = cycle.decide(&pod, &cluster, |equals| number % equals.max(1));
        let node = node.map_err(|refused| anyhow!("a pod fits nowhere: {}", refused.message))?;
        cluster.assume(pod, &node);
    }
    Ok(count as f64 / start.elapsed().as_secs_f64())
}
