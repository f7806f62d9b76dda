//! What the pods of a Job come to.

use super::failure_policy::Action;
use super::indexes::Indexes;
use super::job_pod::JobPod;
use super::uncounted::Uncounted;
use super::view::{View, newly_failed, newly_succeeded};
use skiff_apimachinery::Document;
use std::collections::{HashMap, HashSet};

/// Pods and what they have done, counted ones and those to be counted.
pub(super) struct Tally<'v> {
    /// Those that work, or will.
    pub(super) active: Vec<&'v JobPod>,
    /// How many are on their way out.
    pub(super) terminating: usize,
    /// How many succeeded; of a Job with indexes, how many of those did.
    pub(super) succeeded: usize,
    /// How many failed, but for failures that are ignored.
    pub(super) failed: usize,
    /// The indexes, if pods have them.
    pub(super) indexes: Option<IndexTally<'v>>,
}

/// What has become of the indexes of a Job.
pub(super) struct IndexTally<'v> {
    /// Their end.
    pub(super) end: u32,
    /// Those that the status says have succeeded.
    pub(super) recorded: Indexes,
    /// Those that have succeeded.
    pub(super) succeeded: Indexes,
    /// Those that are given up, if indexes fail each for itself.
    pub(super) failed: Option<Indexes>,
    /// The last failed pod of each index that is to get another one. It is kept until then, because its annotations say
    /// how often the index failed.
    pub(super) retained: HashMap<u32, &'v JobPod>,
}

/// A count in a Job's status.
pub(super) fn told(job: &Document, field: &str) -> usize {
    job.i64_at(&["status", field]).and_then(|count| usize::try_from(count).ok()).unwrap_or(0)
}

impl<'v> Tally<'v> {
    /// Counts.
    pub(super) fn of(view: &'v View) -> Self {
        let (job, pods) = (&view.job, &view.pods);
        let uncounted = Uncounted::of(job);
        let succeeded = newly_succeeded(pods, &uncounted.succeeded_set()).len();
        let policy = view.spec().failure_policy();
        let failed = newly_failed(pods, &uncounted.failed_set());
        let failed = failed.iter().filter(|pod| policy.counts(pod)).count();
        let active: Vec<&JobPod> = pods.iter().filter(|pod| pod.is_active()).collect();
        let indexes = view.spec().indexed().map(|end| IndexTally::of(view, &active, end));
        Self {
            terminating: pods.iter().filter(|pod| pod.is_terminating()).count(),
            succeeded: match &indexes {
                Some(indexes) => indexes.succeeded.len(),
                None => told(job, "succeeded") + succeeded + uncounted.succeeded.len(),
            },
            failed: told(job, "failed") + failed + uncounted.failed.len(),
            active,
            indexes,
        }
    }
}

impl<'v> IndexTally<'v> {
    fn of(view: &'v View, active: &[&'v JobPod], end: u32) -> Self {
        let parse = |field: &str| Indexes::parse(view.job.str_at(&["status", field]), end);
        let tracked = || view.pods.iter().filter(|pod| pod.tracked);
        let recorded = parse("completedIndexes");
        let new: Indexes = tracked().filter(|pod| pod.has_succeeded()).filter_map(|pod| pod.index).collect();
        let succeeded = recorded.union(&new);
        let failed = view.spec().backoff_limit_per_index().map(|limit| {
            let new = tracked().filter(|pod| is_given_up(view, pod, limit)).filter_map(|pod| pod.index);
            let new: Indexes = new.filter(|index| !succeeded.contains(*index)).collect();
            parse("failedIndexes").union(&new)
        });
        let retained = match &failed {
            Some(failed) => retained(tracked(), active, &succeeded, failed),
            None => HashMap::new(),
        };
        Self { end, recorded, succeeded, failed, retained }
    }
}

/// Whether the failure of a pod means that its index is given up.
fn is_given_up(view: &View, pod: &JobPod, limit: u32) -> bool {
    pod.failed
        && match view.spec().failure_policy().action(pod) {
            Some(Action::FailIndex) => true,
            Some(Action::Ignore) => false,
            Some(Action::Count | Action::FailJob(_)) | None => pod.failures() >= limit,
        }
}

fn retained<'v>(
    pods: impl Iterator<Item = &'v JobPod>,
    active: &[&JobPod],
    succeeded: &Indexes,
    failed: &Indexes,
) -> HashMap<u32, &'v JobPod> {
    let replaced: HashSet<u32> = active.iter().filter_map(|pod| pod.index).collect();
    let is_over =
        |index: u32| succeeded.contains(index) || failed.contains(index) || replaced.contains(&index);
    let age = |pod: &JobPod| (pod.all_failures(), pod.finished_at());
    let mut retained: HashMap<u32, &'v JobPod> = HashMap::new();
    for pod in pods.filter(|pod| pod.failed) {
        let Some(index) = pod.index.filter(|index| !is_over(*index)) else { continue };
        let last = retained.entry(index).or_insert(pod);
        if age(pod) >= age(last) {
            *last = pod;
        }
    }
    retained
}
