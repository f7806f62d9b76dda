//! The pod of a DaemonSet for one node: the template, bound to the node by affinity, with what lets it run on nodes that
//! others are kept away from.

use super::revision::HASH;
use crate::pod_template::pod_of;
use skiff_apimachinery::{Document, doc};

/// The generation of the template as clients of old versions see it, and its label on pods.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";
const GENERATION_LABEL: &str = "pod-template-generation";
/// Where a pod says which nodes it can be on.
pub(super) const REQUIRED_NODES: [&str; 4] =
    ["spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"];

/// Taints that pods of DaemonSets stand: they are not driven off when a node fails, and run while it has no room.
const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];
/// The taint that pods of DaemonSets stand which bring the node's network up.
const NETWORK_UNAVAILABLE: (&str, &str) = ("node.kubernetes.io/network-unavailable", "NoSchedule");

/// The pod for a node, to be named by the API server and bound by the scheduler.
pub(super) fn pod_on(set: &Document, node: &str, hash: &str) -> Document {
    let mut pod = pod_of(set);
    // A generation that is no number is left out, as upstream does.
    if let Some(generation) = set.annotation(TEMPLATE_GENERATION).and_then(|text| text.parse::<i64>().ok()) {
        pod.set(&["metadata", "labels", GENERATION_LABEL], generation.to_string());
    }
    pod.set(&["metadata", "labels", HASH], hash);
    let tolerations = tolerations(&pod["spec"]);
    pod.set(&["spec", "tolerations"], tolerations);
    let by_name = doc!({"key": "metadata.name", "operator": "In", "values": [node]});
    pod.set(&REQUIRED_NODES, doc!({"nodeSelectorTerms": [{"matchFields": [by_name]}]}));
    pod
}

/// The tolerations of a pod's spec, and those that every pod of a DaemonSet has.
pub(super) fn tolerations(spec: &Document) -> Vec<Document> {
    let network = (spec.bool_at(&["hostNetwork"]) == Some(true)).then_some(NETWORK_UNAVAILABLE);
    let mut tolerations = spec.array_at(&["tolerations"]).to_vec();
    for (key, effect) in TOLERATED.into_iter().chain(network) {
        let added = doc!({"key": key, "operator": "Exists", "effect": effect});
        let same = |toleration: &Document| {
            ["key", "operator", "effect", "value"]
                .iter()
                .all(|field| toleration.str_at(&[field]) == added.str_at(&[field]))
        };
        // One with another duration gives way: these pods stay for as long as the taint does.
        if tolerations.iter().any(same) {
            tolerations.iter_mut().filter(|toleration| same(toleration)).for_each(|t| *t = added.clone());
        } else {
            tolerations.push(added);
        }
    }
    tolerations
}
