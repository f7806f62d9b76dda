//! Sizes of ReplicaSets: writing one, and following the user's change of `replicas` in the middle of a rollout.

use super::CachedSet;
use super::rollout::{self, DESIRED_REPLICAS, MAX_REPLICAS, Rollout, age, number};
use crate::plan::{Notice, Write};
use skiff_apimachinery::Document;
use skiff_client::resources::REPLICA_SETS;
use std::cmp::Reverse;

/// Gives a ReplicaSet a size; `None` if it has it already. Tells the change.
pub(super) fn resize(rollout: &Rollout<'_>, set: &CachedSet, size: i64) -> Option<Write> {
    (rollout::replicas(set) != size).then(|| sized(rollout, set, size)).flatten()
}

/// Gives a ReplicaSet a size and notes what the Deployment wanted; `None` if it has both already.
fn sized(rollout: &Rollout<'_>, set: &CachedSet, size: i64) -> Option<Write> {
    let (desired, max) = (rollout.replicas, rollout.replicas + rollout.max_surge);
    let before = rollout::replicas(set);
    if before == size
        && number(set, DESIRED_REPLICAS) == Some(desired)
        && number(set, MAX_REPLICAS) == Some(max)
    {
        return None;
    }
    let mut changed = Document::clone(&set.object);
    changed.set(&["spec", "replicas"], size);
    changed.set(&["metadata", "annotations", DESIRED_REPLICAS], desired.to_string());
    changed.set(&["metadata", "annotations", MAX_REPLICAS], max.to_string());
    let write = Write::update(&REPLICA_SETS, changed);
    if before == size {
        return Some(write);
    }
    let direction = if before < size { "up" } else { "down" };
    let message = format!("Scaled {direction} replica set {} from {before} to {size}", set.name());
    Some(write.on_success(Notice::normal(rollout.deployment, "ScalingReplicaSet", message)))
}

/// Follows a change of `replicas`.
pub(super) fn scale(rollout: &Rollout<'_>) -> Vec<Write> {
    if let Some(only) = active_or_latest(rollout) {
        return sized_or_noted(rollout, only).into_iter().collect();
    }
    if is_saturated(rollout) {
        return active(rollout.old.iter().copied()).filter_map(|set| resize(rollout, set, 0)).collect();
    }
    if rollout.recreate { Vec::new() } else { proportionally(rollout) }
}

/// As upstream, a size that is right already is left alone; only a paused or scaled Deployment comes here, and its
/// annotations must follow or it would be taken for scaled forever.
fn sized_or_noted(rollout: &Rollout<'_>, set: &CachedSet) -> Option<Write> {
    sized(rollout, set, rollout.replicas)
}

fn active<'w>(sets: impl Iterator<Item = &'w CachedSet>) -> impl Iterator<Item = &'w CachedSet> {
    sets.filter(|set| rollout::replicas(set) > 0)
}

/// The ReplicaSet that takes the whole change: the only one with pods, or where none has, the latest.
fn active_or_latest<'w>(rollout: &Rollout<'w>) -> Option<&'w CachedSet> {
    let mut with_pods = active(rollout.all());
    match (with_pods.next(), with_pods.next()) {
        (None, _) => rollout.new.or(rollout.old.last().copied()),
        (Some(only), None) => Some(only),
        (Some(_), Some(_)) => None,
    }
}

/// Whether the new ReplicaSet has all pods and all of them are available.
fn is_saturated(rollout: &Rollout<'_>) -> bool {
    rollout.new.is_some_and(|new| {
        rollout::replicas(new) == rollout.replicas
            && number(new, DESIRED_REPLICAS) == Some(rollout.replicas)
            && rollout::available(new) == rollout.replicas
    })
}

/// Spreads the change over all ReplicaSets with pods in proportion to their sizes, to keep the risk as it was.
fn proportionally(rollout: &Rollout<'_>) -> Vec<Write> {
    let mut sets: Vec<&CachedSet> = active(rollout.all()).collect();
    let allowed = if rollout.replicas > 0 { rollout.replicas + rollout.max_surge } else { 0 };
    let to_add = allowed - sets.iter().map(|set| rollout::replicas(set)).sum::<i64>();
    // The largest first; of equal ones the newest gains and the oldest loses.
    if to_add > 0 {
        sets.sort_by_key(|set| (Reverse(rollout::replicas(set)), Reverse(age(set))));
    } else {
        sets.sort_by_key(|set| (Reverse(rollout::replicas(set)), age(set)));
    }
    let mut added = 0;
    let mut sizes: Vec<i64> = Vec::with_capacity(sets.len());
    for set in &sets {
        let share = share(rollout, set, to_add, added);
        added += share;
        sizes.push(rollout::replicas(set) + share);
    }
    if let Some(first) = sizes.first_mut() {
        *first = (*first + to_add - added).max(0);
    }
    sets.iter().zip(sizes).filter_map(|(set, size)| sized(rollout, set, size)).collect()
}

fn share(rollout: &Rollout<'_>, set: &CachedSet, to_add: i64, added: i64) -> i64 {
    let left = to_add - added;
    if to_add == 0 || left == 0 {
        return 0;
    }
    let share = fraction(rollout, set);
    if to_add > 0 { share.min(left) } else { share.max(left) }
}

/// How much a ReplicaSet would gain if the total changed from what was allowed when it was last sized.
fn fraction(rollout: &Rollout<'_>, set: &CachedSet) -> i64 {
    let size = rollout::replicas(set);
    if rollout.replicas == 0 {
        return -size;
    }
    let status = || rollout.deployment.i64_at(&["status", "replicas"]).unwrap_or(0);
    let before = number(set, MAX_REPLICAS).filter(|max| *max > 0).unwrap_or_else(status);
    if before == 0 {
        return 0;
    }
    let scaled = (size * (rollout.replicas + rollout.max_surge)) as f64 / before as f64;
    scaled.round() as i64 - size
}
