//! A Deployment's status: counts from the ReplicaSets' status, and the conditions of [`progress`](super::progress).

use super::progress::{self, Conditions};
use super::rollout::Rollout;
use super::{CachedSet, World};
use crate::plan::{Plan, Report, Write, with_status};
use jiff::Timestamp;
use skiff_apimachinery::{Document, doc};
use skiff_client::resources::DEPLOYMENTS;

pub(super) fn conclude(world: &World, rollout: &Rollout<'_>, report: &Report, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let deployment = &world.deployment;
    let mut status = counts(rollout);
    let mut conditions = Conditions::of(deployment);
    progress::stage(&mut conditions, world, rollout, report, now);
    progress::availability(&mut conditions, rollout, &status, now);
    if !rollout.paused && !rollout.was_scaled() && deployment.deletion_timestamp().is_none() {
        progress::evaluate(&mut conditions, rollout, &status, now);
    }
    if name_is_taken(world, rollout) {
        let collisions = status.i64_at(&["collisionCount"]).unwrap_or(0);
        status.insert("collisionCount", collisions + 1);
    }
    if let Some(after) = progress::deadline(&conditions, rollout, &status, now) {
        plan.requeue(after);
    }
    status.insert("conditions", conditions.into_documents());
    if let Some(changed) = with_status(deployment, status) {
        plan.write(Write::update_status(&DEPLOYMENTS, changed));
    }
    plan
}

/// For a Deployment that nothing is done about: only says that its generation was seen.
pub(super) fn observed_only(world: &World) -> Plan {
    let mut plan = Plan::default();
    let mut status = world.deployment["status"].clone();
    status.insert("observedGeneration", world.deployment.generation());
    if let Some(changed) = with_status(&world.deployment, status) {
        plan.write(Write::update_status(&DEPLOYMENTS, changed));
    }
    plan
}

/// Whether the rollout has all pods new, and all available.
pub(super) fn is_complete(rollout: &Rollout<'_>, status: &Document) -> bool {
    let count = |field: &str| status.i64_at(&[field]).unwrap_or(0);
    count("updatedReplicas") == rollout.replicas
        && count("replicas") == rollout.replicas
        && count("availableReplicas") == rollout.replicas
        && count("observedGeneration") >= rollout.deployment.generation()
}

/// Whether the new ReplicaSet is missing because another has its name.
pub(super) fn name_is_taken(world: &World, rollout: &Rollout<'_>) -> bool {
    rollout.new.is_none() && world.homonym.is_some() && world.deployment.deletion_timestamp().is_none()
}

fn counts(rollout: &Rollout<'_>) -> Document {
    let sum = |field: &str| rollout.all().map(|set| count(set, field)).sum::<i64>();
    let available = sum("availableReplicas");
    let mut status = doc!({"observedGeneration": rollout.deployment.generation()});
    for (field, count) in [
        ("replicas", sum("replicas")),
        ("updatedReplicas", rollout.new.map_or(0, |new| count(new, "replicas"))),
        ("readyReplicas", sum("readyReplicas")),
        ("availableReplicas", available),
        ("unavailableReplicas", (rollout.total() - available).max(0)),
    ] {
        if count > 0 {
            status.insert(field, count);
        }
    }
    status.insert("terminatingReplicas", sum("terminatingReplicas"));
    if let Some(collisions) = rollout.deployment.i64_at(&["status", "collisionCount"]) {
        status.insert("collisionCount", collisions);
    }
    status
}

fn count(set: &CachedSet, field: &str) -> i64 {
    set.i64_at(&["status", field]).unwrap_or(0)
}
