//! A StatefulSet's status: how many pods there are, are ready, are available, are of the revision before and of the new
//! one, and which revisions these are.

use super::history::History;
use super::notice::{self, Deed};
use super::{Stage, World, claims, identity, manage, ordinal};
use crate::plan::{Action, Plan, Report, Write};
use crate::pods::{self, CachedPod};
use jiff::Timestamp;
use skiff_apimachinery::{Document, doc};
use skiff_client::Verb;
use skiff_client::resources::{CONTROLLER_REVISIONS, PERSISTENT_VOLUME_CLAIMS, STATEFUL_SETS};
use std::collections::BTreeMap;

/// The fields of which a change is worth a write. The times and reasons of others are not the controller's.
const TOLD: [&str; 7] = [
    "replicas",
    "readyReplicas",
    "availableReplicas",
    "currentReplicas",
    "updatedReplicas",
    "currentRevision",
    "updateRevision",
];

pub(super) fn conclude(world: &World, report: &Report, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    match Stage::of(world) {
        Stage::NameTaken => plan.write(update(world, with_collision(world))),
        // Without its revision stored a template is not looked at any further.
        Stage::Pods(history) if history.is_stored() || may_be_stored(world, report) => {
            plan.actions.extend(lacking_claims(world, report));
            let seconds = pods::min_ready_seconds(&world.set);
            if let Some(after) = pods::next_availability(world.pods(), seconds, now) {
                plan.requeue(after);
            }
            let status = status(world, &history, now);
            if differs(world, &status) {
                plan.write(update(world, status));
            }
        }
        Stage::Pods(_) | Stage::Claims(_) => {}
    }
    plan
}

fn update(world: &World, status: Document) -> Write {
    let mut changed = Document::clone(&world.set.object);
    changed.insert("status", status);
    Write::update_status(&STATEFUL_SETS, changed)
}

/// Whether this sync stored the template's revision.
fn may_be_stored(world: &World, report: &Report) -> bool {
    let refused = report
        .failures
        .iter()
        .any(|failure| failure.call.verb == Verb::Create && failure.call.resource == CONTROLLER_REVISIONS);
    !refused && !world.is_ending()
}

fn with_collision(world: &World) -> Document {
    let mut status = world.set["status"].clone();
    let collisions = status.i64_at(&["collisionCount"]).unwrap_or(0);
    status.insert("collisionCount", collisions + 1);
    status
}

/// A pod whose claims were refused cannot be created, which is told of the pod too.
fn lacking_claims(world: &World, report: &Report) -> Vec<Action> {
    let set = &world.set;
    let mut reasons: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for failure in &report.failures {
        let (call, status) = (&failure.call, &failure.status);
        if call.verb != Verb::Create
            || call.resource != PERSISTENT_VOLUME_CLAIMS
            || status.is_already_exists()
        {
            continue;
        }
        let claim = call.body.as_ref().map_or("", |claim| claim.name());
        if let Some(ordinal) = claims::ordinal_of(set, claim) {
            let why = format!("failed to create PVC {claim}: {}", status.message);
            reasons.entry(ordinal).or_default().push(why);
        }
    }
    let there = |ordinal: i64| world.pods().any(|pod| ordinal::of(set, pod) == Some(ordinal));
    let lacking = reasons.into_iter().filter(|(ordinal, _)| !there(*ordinal));
    let told = lacking.map(|(ordinal, reasons)| {
        let pod = ordinal::pod_name(set, ordinal);
        Action::Tell(notice::failed(set, Deed::Create, &pod, &notice::joined(&reasons)))
    });
    told.collect()
}

fn differs(world: &World, status: &Document) -> bool {
    let old = &world.set["status"];
    let seen = |status: &Document| status.i64_at(&["observedGeneration"]).unwrap_or(0);
    let same = |field: &&str| {
        old.i64_at(&[field]).unwrap_or(0) == status.i64_at(&[field]).unwrap_or(0)
            && old.str_at(&[field]) == status.str_at(&[field])
    };
    seen(status) > seen(old) || !TOLD.iter().all(same)
}

fn status(world: &World, history: &History<'_>, now: Timestamp) -> Document {
    let set = &world.set;
    let seconds = pods::min_ready_seconds(set);
    let pods: Vec<&CachedPod> = world.pods().filter(|pod| ordinal::of(set, pod).is_some()).collect();
    let count = |counts: &dyn Fn(&CachedPod) -> bool| -> i64 {
        i64::try_from(pods.iter().filter(|pod| counts(pod)).count()).unwrap_or(i64::MAX)
    };
    let is_ready = |pod: &CachedPod| pods::phase(pod) == "Running" && pods::is_ready(pod);
    let of_revision = |pod: &CachedPod, revision: &str| {
        pod.deletion_timestamp().is_none() && identity::revision(pod) == revision
    };
    let (replicas, ready) = (count(&|_| true), count(&is_ready));
    let available = count(&|pod| is_ready(pod) && pods::is_available(pod, seconds, now));
    let updated = count(&|pod| of_revision(pod, history.update()));
    // Pods that were just deleted for their revision are no longer counted under it.
    let replaced = if world.is_ending() { 0 } else { manage::changes(world, history, now).outdated.len() };
    let replaced = i64::try_from(replaced).unwrap_or(i64::MAX);
    let current = count(&|pod| of_revision(pod, history.current())).saturating_sub(replaced).max(0);

    let wanted = ordinal::replicas(set);
    let rolling = set.str_at(&["spec", "updateStrategy", "type"]) == "RollingUpdate";
    let complete = rolling && [updated, ready, replicas] == [wanted; 3];
    let (current, current_revision) =
        if complete { (updated, history.update()) } else { (current, history.current()) };

    let collisions = set.i64_at(&["status", "collisionCount"]).unwrap_or(0);
    let mut status = doc!({"observedGeneration": set.generation(), "replicas": replicas});
    for (field, count) in
        [("readyReplicas", ready), ("currentReplicas", current), ("updatedReplicas", updated)]
    {
        if count > 0 {
            status.insert(field, count);
        }
    }
    status.insert("currentRevision", current_revision);
    status.insert("updateRevision", history.update());
    status.insert("collisionCount", collisions);
    status.insert("availableReplicas", available);
    status
}
