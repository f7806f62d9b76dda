//! Which finished Jobs are kept.

use super::World;
use skiff_apimachinery::Document;
use skiff_client::{Cached, Untyped};
use std::sync::Arc;

/// The type of the condition with which a Job ended.
pub(super) fn ended(job: &Document) -> Option<&str> {
    let conditions = job.array_at(&["status", "conditions"]);
    let ended = conditions.iter().find(|condition| {
        matches!(condition.str_at(&["type"]), "Complete" | "Failed")
            && condition.str_at(&["status"]) == "True"
    });
    ended.map(|condition| condition.str_at(&["type"]))
}

/// The oldest Jobs beyond the limits, of those that succeeded and of those that failed.
pub(super) fn surplus(world: &World) -> Vec<&Arc<Cached<Untyped>>> {
    let mut out = Vec::new();
    for (end, limit) in [("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")] {
        let Some(limit) = world.spec().i64_at(&[limit]) else { continue };
        let mut jobs: Vec<_> = world
            .jobs
            .iter()
            .filter(|job| ended(job) == Some(end) && job.deletion_timestamp().is_none())
            .collect();
        // Those that never started are the youngest.
        jobs.sort_by_key(|job| {
            let started = job.str_at(&["status", "startTime"]);
            (started.is_empty(), started.to_owned(), job.name().to_owned())
        });
        let kept = usize::try_from(limit).unwrap_or(0);
        jobs.truncate(jobs.len().saturating_sub(kept));
        out.extend(jobs);
    }
    out
}
