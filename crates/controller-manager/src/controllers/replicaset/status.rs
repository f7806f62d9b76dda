//! The status: counts, and `ReplicaFailure` while pods cannot be created or deleted.

use super::{ReplicaKind, World};
use crate::plan::{Failure, Plan, Report, Write, with_status};
use crate::pods::{self, CachedPod};
use jiff::Timestamp;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, Map, doc};
use skiff_client::Verb;
use skiff_client::resources::PODS;

pub(super) fn conclude<K: ReplicaKind>(world: &World<K>, report: &Report, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let set = &world.set;
    if let Some(changed) = with_status(set, status(world, report, now)) {
        plan.write(Write::update_status(&K::RESOURCE, changed));
    }
    if let Some(after) = pods::next_availability(&world.active(), pods::min_ready_seconds(set), now) {
        plan.requeue(after);
    }
    plan
}

fn status<K: ReplicaKind>(world: &World<K>, report: &Report, now: Timestamp) -> Document {
    let set = &world.set;
    let active = world.active();
    let template_labels = set.object_at(&["spec", "template", "metadata", "labels"]);
    let seconds = pods::min_ready_seconds(set);
    let count = |counts: &dyn Fn(&CachedPod) -> bool| active.iter().filter(|pod| counts(pod)).count();
    let terminating = world.pods.owned.iter();
    let terminating =
        terminating.filter(|pod| pod.deletion_timestamp().is_some() && !pods::is_terminal(pod)).count();

    let mut status = doc!({"replicas": active.len()});
    for (field, count) in [
        (
            "fullyLabeledReplicas",
            count(&|pod| {
                let mut labels = template_labels.into_iter().flat_map(Map::iter);
                labels.all(|(key, value)| pod.label(key) == value.as_str())
            }),
        ),
        ("readyReplicas", count(&|pod| pods::is_ready(pod))),
        ("availableReplicas", count(&|pod| pods::is_available(pod, seconds, now))),
    ] {
        if count > 0 {
            status.insert(field, count);
        }
    }
    if K::COUNTS_TERMINATING {
        status.insert("terminatingReplicas", terminating);
    }
    if set.generation() > 0 {
        status.insert("observedGeneration", set.generation());
    }
    let conditions = conditions(set, report, now);
    if !conditions.is_empty() {
        status.insert("conditions", conditions);
    }
    status
}

fn conditions(set: &Document, report: &Report, now: Timestamp) -> Vec<Document> {
    let old = set.array_at(&["status", "conditions"]);
    let is_failure = |condition: &&Document| condition.str_at(&["type"]) == "ReplicaFailure";
    let mut conditions: Vec<Document> = old.iter().filter(|c| !is_failure(c)).cloned().collect();
    let standing = old.iter().find(is_failure);
    let failed = report.failures.iter().find_map(|failure| Some((reason(failure)?, failure)));
    match (failed, standing) {
        (Some(_), Some(standing)) => conditions.push(standing.clone()),
        (Some((reason, failure)), None) => conditions.push(doc!({
            "type": "ReplicaFailure",
            "status": "True",
            "lastTransitionTime": format_time(now),
            "reason": reason,
            "message": failure.status.message.as_str()
        })),
        (None, _) => {}
    }
    conditions
}

fn reason(failure: &Failure) -> Option<&'static str> {
    match failure.call.verb {
        _ if failure.call.resource != PODS => None,
        Verb::Create => Some("FailedCreate"),
        Verb::Delete => Some("FailedDelete"),
        _ => None,
    }
}
