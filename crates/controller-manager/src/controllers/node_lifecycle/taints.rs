//! The taints that follow from a node's conditions and from `spec.unschedulable`.

use super::{World, conditions};
use jiff::Timestamp;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, doc};

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// Condition, its status, and the taint that it brings.
const BY_CONDITION: [(&str, &str, &str); 6] = [
    ("Ready", "False", NOT_READY),
    ("Ready", "Unknown", UNREACHABLE),
    ("MemoryPressure", "True", "node.kubernetes.io/memory-pressure"),
    ("DiskPressure", "True", "node.kubernetes.io/disk-pressure"),
    ("NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"),
    ("PIDPressure", "True", "node.kubernetes.io/pid-pressure"),
];

/// The node with its taints right; `None` if they are.
pub(super) fn updated(world: &World, now: Timestamp) -> Option<Document> {
    let node = &world.node;
    let wanted = wanted(world);
    let is = |taint: &Document, (key, effect): (&str, &str)| {
        taint.str_at(&["key"]) == key && taint.str_at(&["effect"]) == effect
    };
    let old = node.array_at(&["spec", "taints"]);
    let mut taints: Vec<Document> =
        old.iter().filter(|taint| !is_ours(taint) || wanted.iter().any(|w| is(taint, *w))).cloned().collect();
    let added: Vec<_> = wanted.into_iter().filter(|w| !old.iter().any(|taint| is(taint, *w))).collect();
    if added.is_empty() && taints.len() == old.len() {
        return None;
    }
    taints.extend(
        added
            .into_iter()
            .map(|(key, effect)| doc!({"key": key, "effect": effect, "timeAdded": format_time(now)})),
    );
    let mut changed = Document::clone(&node.object);
    changed.set(&["spec", "taints"], taints);
    Some(changed)
}

fn wanted(world: &World) -> Vec<(&'static str, &'static str)> {
    let node = &world.node;
    let mut wanted: Vec<(&str, &str)> = Vec::new();
    for (condition, status, taint) in BY_CONDITION {
        if conditions::status(node, condition) == status {
            wanted.push((taint, "NoSchedule"));
        }
    }
    if node.bool_at(&["spec", "unschedulable"]) == Some(true) {
        wanted.push((UNSCHEDULABLE, "NoSchedule"));
    }
    if world.any_ready {
        match conditions::readiness(node) {
            "False" => wanted.push((NOT_READY, "NoExecute")),
            "Unknown" => wanted.push((UNREACHABLE, "NoExecute")),
            _ => {}
        }
    }
    wanted
}

/// Whether this controller gives and takes a taint.
fn is_ours(taint: &Document) -> bool {
    let key = taint.str_at(&["key"]);
    match taint.str_at(&["effect"]) {
        "NoSchedule" => key == UNSCHEDULABLE || BY_CONDITION.iter().any(|(_, _, ours)| *ours == key),
        "NoExecute" => key == NOT_READY || key == UNREACHABLE,
        _ => false,
    }
}
