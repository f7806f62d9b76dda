//! A ReplicaSet's status: counts, and `ReplicaFailure` while pods cannot be created or deleted.

use super::World;
use crate::plan::{Failure, Plan, Report, Write, with_status};
use crate::pods::{self, CachedPod};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ReplicaSet;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, doc};
use skiff_client::resources::{PODS, REPLICA_SETS};
use skiff_client::{Cached, Verb};
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) fn conclude(world: &World, report: &Report, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let set = &world.replica_set;
    if let Some(changed) = with_status(set, status(world, report, now)) {
        plan.write(Write::update_status(&REPLICA_SETS, changed));
    }
    if let Some(after) = next_availability(&world.active(), min_ready_seconds(set), now) {
        plan.requeue(after);
    }
    plan
}

fn min_ready_seconds(set: &Cached<ReplicaSet>) -> i32 {
    set.typed.spec.as_ref().and_then(|spec| spec.min_ready_seconds).unwrap_or(0)
}

fn status(world: &World, report: &Report, now: Timestamp) -> Document {
    let set = &world.replica_set;
    let active = world.active();
    let labels = template_labels(set);
    let seconds = min_ready_seconds(set);
    let count = |counts: &dyn Fn(&CachedPod) -> bool| active.iter().filter(|pod| counts(pod)).count();
    let terminating = world.pods.owned.iter();
    let terminating =
        terminating.filter(|pod| pod.deletion_timestamp().is_some() && !pods::is_terminal(pod)).count();

    let mut status = doc!({"replicas": active.len()});
    for (field, count) in [
        (
            "fullyLabeledReplicas",
            count(&|pod| labels.iter().all(|(key, value)| pod.label(key) == Some(value))),
        ),
        ("readyReplicas", count(&|pod| pods::is_ready(pod))),
        ("availableReplicas", count(&|pod| pods::is_available(pod, seconds, now))),
    ] {
        if count > 0 {
            status.insert(field, count);
        }
    }
    status.insert("terminatingReplicas", terminating);
    if set.generation() > 0 {
        status.insert("observedGeneration", set.generation());
    }
    let conditions = conditions(set, report, now);
    if !conditions.is_empty() {
        status.insert("conditions", conditions);
    }
    status
}

fn template_labels(set: &Cached<ReplicaSet>) -> BTreeMap<String, String> {
    let template = set.typed.spec.as_ref().and_then(|spec| spec.template.as_ref());
    template.and_then(|template| template.metadata.as_ref()?.labels.clone()).unwrap_or_default()
}

fn conditions(set: &Cached<ReplicaSet>, report: &Report, now: Timestamp) -> Vec<Document> {
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

/// When the next ready pod becomes available by time alone.
fn next_availability(active: &[CachedPod], min_ready_seconds: i32, now: Timestamp) -> Option<Duration> {
    let waits = active.iter().filter_map(|pod| pods::available_in(pod, min_ready_seconds, now));
    waits.filter(|wait| !wait.is_zero()).min()
}
