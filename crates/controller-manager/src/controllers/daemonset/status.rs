//! A DaemonSet's status: on how many nodes pods are wanted, are, are ready, are available and are of the current template.

use super::by_node::ByNode;
use super::placement::Placement;
use super::{Stage, World, rolling};
use crate::plan::{Plan, Report, Write, with_status};
use crate::pods;
use jiff::Timestamp;
use skiff_apimachinery::Document;
use skiff_client::Verb;
use skiff_client::resources::{CONTROLLER_REVISIONS, DAEMON_SETS};

#[derive(Default)]
struct Counts {
    desired: usize,
    current: usize,
    misscheduled: usize,
    ready: usize,
    available: usize,
    updated: usize,
}

pub(super) fn conclude(world: &World, report: &Report, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let status = match Stage::of(world) {
        Stage::NameTaken => with_collision(world),
        // Without its revision stored a template is not looked at any further.
        Stage::Pods(history) if !is_revision_refused(report) => {
            let seconds = pods::min_ready_seconds(&world.set);
            if let Some(after) = pods::next_availability(world.pods(), seconds, now) {
                plan.requeue(after);
            }
            with_counts(world, &count(world, &history.hash(), now))
        }
        Stage::Pods(_) | Stage::SelectsAll | Stage::Ending | Stage::Revisions(_) => return plan,
    };
    if let Some(changed) = with_status(&world.set, status) {
        plan.write(Write::update_status(&DAEMON_SETS, changed));
    }
    plan
}

fn is_revision_refused(report: &Report) -> bool {
    report
        .failures
        .iter()
        .any(|failure| failure.call.verb == Verb::Create && failure.call.resource == CONTROLLER_REVISIONS)
}

fn with_collision(world: &World) -> Document {
    let mut status = world.set["status"].clone();
    let collisions = status.i64_at(&["collisionCount"]).unwrap_or(0);
    status.insert("collisionCount", collisions + 1);
    status
}

fn count(world: &World, hash: &str, now: Timestamp) -> Counts {
    let placement = Placement::of(&world.set);
    let by_node = ByNode::of(world);
    let seconds = pods::min_ready_seconds(&world.set);
    let mut counts = Counts::default();
    for node in &world.nodes {
        let oldest = by_node.on(node.name()).first();
        if !placement.fit(node).should_run() {
            counts.misscheduled += usize::from(oldest.is_some());
            continue;
        }
        counts.desired += 1;
        let Some(pod) = oldest else { continue };
        counts.current += 1;
        counts.ready += usize::from(pods::is_ready(pod));
        counts.available += usize::from(pods::is_available(pod, seconds, now));
        counts.updated += usize::from(rolling::is_new(pod, hash));
    }
    counts
}

fn with_counts(world: &World, counts: &Counts) -> Document {
    let mut status = world.set["status"].clone();
    for (field, count) in [
        ("currentNumberScheduled", counts.current),
        ("numberMisscheduled", counts.misscheduled),
        ("desiredNumberScheduled", counts.desired),
        ("numberReady", counts.ready),
    ] {
        status.insert(field, count);
    }
    for (field, count) in [
        ("updatedNumberScheduled", counts.updated),
        ("numberAvailable", counts.available),
        ("numberUnavailable", counts.desired - counts.available),
    ] {
        if count > 0 {
            status.insert(field, count);
        } else {
            status.remove(&[field]);
        }
    }
    if world.set.generation() > 0 {
        status.insert("observedGeneration", world.set.generation());
    }
    status
}
