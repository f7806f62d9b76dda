//! RollingUpdate: the new ReplicaSet grows within `maxSurge`, the old ones shrink within `maxUnavailable`.

use super::rollout::{self, Rollout};
use super::scaling::resize;
use super::{World, creation};
use crate::plan::Write;

/// One step: create the new ReplicaSet, or size it, or shrink old ones.
pub(super) fn step(world: &World, rollout: &Rollout<'_>) -> Vec<Write> {
    let Some(new) = rollout.new else {
        return creation::new_set(world, rollout).into_iter().collect();
    };
    if let Some(write) = resize(rollout, new, size_of_new(rollout)) {
        return vec![write];
    }
    shrink_old(rollout)
}

/// The size that the new ReplicaSet may have now.
pub(super) fn size_of_new(rollout: &Rollout<'_>) -> i64 {
    let size = rollout.new.map_or(0, |set| rollout::replicas(set));
    if size >= rollout.replicas {
        return rollout.replicas;
    }
    let room = rollout.replicas + rollout.max_surge - rollout.total();
    size + room.clamp(0, rollout.replicas - size)
}

/// Unhealthy pods of old ReplicaSets go first: they add nothing to availability. Then healthy ones, as far as the
/// available pods of all ReplicaSets allow.
fn shrink_old(rollout: &Rollout<'_>) -> Vec<Write> {
    let mut sizes: Vec<i64> = rollout.old.iter().map(|set| rollout::replicas(set)).collect();
    if sizes.iter().sum::<i64>() == 0 {
        return Vec::new();
    }
    let min_available = rollout.replicas - rollout.max_unavailable;
    let unavailable_new = rollout.new.map_or(0, |new| rollout::replicas(new) - rollout::available(new));
    let mut spare = rollout.total() - min_available - unavailable_new;
    if spare <= 0 {
        return Vec::new();
    }
    for (set, size) in rollout.old.iter().zip(&mut sizes) {
        let unhealthy = (*size - rollout::available(set)).max(0);
        let cut = unhealthy.min(spare);
        *size -= cut;
        spare -= cut;
    }
    let mut healthy_spare = (rollout.available() - min_available).max(0);
    for size in &mut sizes {
        let cut = (*size).min(healthy_spare);
        *size -= cut;
        healthy_spare -= cut;
    }
    rollout.old.iter().zip(sizes).filter_map(|(set, size)| resize(rollout, set, size)).collect()
}
