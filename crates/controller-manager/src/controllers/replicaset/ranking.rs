//! Which pods go first when there are too many: those that are missed least, in upstream's order.

use crate::pods::{self, CachedPod};
use jiff::Timestamp;
use std::cmp::Ordering;
use std::collections::HashMap;

const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// The `count` pods to delete.
pub fn least_missed(
    mut pods: Vec<CachedPod>,
    related_on_node: &HashMap<String, usize>,
    count: usize,
    now: Timestamp,
) -> Vec<CachedPod> {
    if count < pods.len() {
        pods.sort_by(|a, b| compare(a, b, related_on_node, now));
        pods.truncate(count);
    }
    pods
}

/// `Less` if `a` goes before `b`.
fn compare(
    a: &CachedPod,
    b: &CachedPod,
    related_on_node: &HashMap<String, usize>,
    now: Timestamp,
) -> Ordering {
    let assigned = |pod: &CachedPod| !pods::node_name(pod).is_empty();
    let related = |pod: &CachedPod| related_on_node.get(pods::node_name(pod)).copied().unwrap_or(0);
    assigned(a)
        .cmp(&assigned(b))
        .then_with(|| phase_order(a).cmp(&phase_order(b)))
        .then_with(|| pods::is_ready(a).cmp(&pods::is_ready(b)))
        .then_with(|| deletion_cost(a).cmp(&deletion_cost(b)))
        .then_with(|| related(b).cmp(&related(a)))
        .then_with(|| younger_first(pods::ready_since(a), pods::ready_since(b), now).then_with_uid(a, b))
        .then_with(|| restarts(b).cmp(&restarts(a)))
        .then_with(|| younger_first(created(a), created(b), now).then_with_uid(a, b))
}

fn phase_order(pod: &CachedPod) -> u8 {
    match pods::phase(pod) {
        "Pending" => 0,
        "Unknown" => 1,
        "Running" => 2,
        _ => 0,
    }
}

fn deletion_cost(pod: &CachedPod) -> i32 {
    pod.annotation(DELETION_COST).and_then(|cost| cost.parse().ok()).unwrap_or(0)
}

fn restarts(pod: &CachedPod) -> i32 {
    let status = pod.typed.status.as_ref();
    let containers = status.and_then(|status| status.container_statuses.as_ref());
    containers.into_iter().flatten().map(|container| container.restart_count).max().unwrap_or(0)
}

fn created(pod: &CachedPod) -> Option<Timestamp> {
    pod.typed.metadata.creation_timestamp.as_ref().map(|time| time.0)
}

/// How two moments compare.
enum Age {
    /// They are the same.
    Same,
    /// They differ, but not by an order of magnitude of the age.
    Alike,
    /// They differ.
    Differs(Ordering),
}

impl Age {
    /// Among pods of about the same age the choice is spread evenly: by UID, which is random.
    fn then_with_uid(self, a: &CachedPod, b: &CachedPod) -> Ordering {
        match self {
            Self::Same => Ordering::Equal,
            Self::Alike => a.uid().cmp(b.uid()),
            Self::Differs(ordering) => ordering,
        }
    }
}

/// Compares ages on a logarithmic scale (KEP-2185); an unknown moment is the youngest.
fn younger_first(a: Option<Timestamp>, b: Option<Timestamp>, now: Timestamp) -> Age {
    match (a, b) {
        (a, b) if a == b => Age::Same,
        (Some(a), Some(b)) => match magnitude(a, now).cmp(&magnitude(b, now)) {
            Ordering::Equal => Age::Alike,
            ordering => Age::Differs(ordering),
        },
        (None, _) => Age::Differs(Ordering::Less),
        (_, None) => Age::Differs(Ordering::Greater),
    }
}

fn magnitude(since: Timestamp, now: Timestamp) -> i64 {
    let age = now.duration_since(since).as_nanos();
    if age <= 0 { -1 } else { i64::from(age.ilog2()) }
}
