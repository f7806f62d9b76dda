//! Old ReplicaSets beyond `revisionHistoryLimit`.

use super::CachedSet;
use super::revision;
use super::rollout::{self, Rollout};
use crate::plan::Write;
use skiff_client::resources::REPLICA_SETS;

/// Deletes the lowest revisions beyond the limit that have no pods and want none.
pub(super) fn surplus(rollout: &Rollout<'_>) -> Vec<Write> {
    let limit = rollout.deployment.i64_at(&["spec", "revisionHistoryLimit"]).unwrap_or(10);
    // Upstream's way of saying "no limit".
    if limit >= i64::from(i32::MAX) {
        return Vec::new();
    }
    let alive = rollout.old.iter().filter(|set| set.deletion_timestamp().is_none());
    let mut sets: Vec<&CachedSet> = alive.copied().collect();
    sets.sort_by_key(|set| revision::of_set(set));
    let surplus = sets.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
    let idle = sets.into_iter().take(surplus).filter(|set| is_idle(set));
    idle.map(|set| Write::delete(&REPLICA_SETS, set)).collect()
}

fn is_idle(set: &CachedSet) -> bool {
    let status = |field: &str| set.i64_at(&["status", field]).unwrap_or(0);
    rollout::replicas(set) == 0 && status("replicas") == 0 && set.generation() <= status("observedGeneration")
}
