//! Recreate: all old pods end before the first new one starts.

use super::rollout::{self, Rollout};
use super::scaling::resize;
use super::{CachedSet, World, creation};
use crate::plan::Write;

/// One step: size old ReplicaSets to zero, or wait for their pods, or create and size the new one.
pub(super) fn step(world: &World, rollout: &Rollout<'_>) -> Vec<Write> {
    let shrunk: Vec<Write> = rollout.old.iter().filter_map(|set| resize(rollout, set, 0)).collect();
    if !shrunk.is_empty() || must_wait(world, rollout) {
        return shrunk;
    }
    match rollout.new {
        None => creation::new_set(world, rollout).into_iter().collect(),
        Some(new) => resize(rollout, new, rollout.replicas).into_iter().collect(),
    }
}

/// Whether pods of old templates are still wanted or still run.
pub(super) fn must_wait(world: &World, rollout: &Rollout<'_>) -> bool {
    let counts =
        |set: &&CachedSet| rollout::replicas(set) > 0 || set.i64_at(&["status", "replicas"]).unwrap_or(0) > 0;
    let new = rollout.new.map_or("", |new| new.uid());
    rollout.old.iter().any(counts) || world.running_pods.iter().any(|set| set != new)
}
