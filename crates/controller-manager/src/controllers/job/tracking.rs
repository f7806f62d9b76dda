//! Counting pods that ended, each once, though writes may fail and this process may stop between any two of them
//! (KEP-2307).
//!
//! A pod is counted in three writes: the status takes in its UID ([`Uncounted`]), or its index; then the pod loses the
//! finalizer; then the status, which finds the pod kept no longer, counts it and drops the UID. So a pod that is still
//! kept is never in the counts, and one that is not always is.

use super::end::{End, Outcome};
use super::job_pod::JobPod;
use super::tally::Tally;
use super::uncounted::Uncounted;
use super::view::View;
use std::collections::HashSet;

/// Most pods that the status takes in at a time: their UIDs take about 20 kB.
const MOST: usize = 500;

/// What is to be written down of pods that ended.
#[derive(Debug)]
pub(super) struct Tracking<'v> {
    /// Pods that the status is to account for.
    pub(super) uncounted: Uncounted<'v>,
    /// How many more succeeded that are kept no longer.
    pub(super) succeeded: usize,
    /// How many more failed that are kept no longer.
    pub(super) failed: usize,
    /// Pods that are free to go once the status says so.
    pub(super) free: Vec<&'v JobPod>,
}

/// What a pod adds to the status.
enum Worth {
    Nothing,
    Index,
    Success,
    Failure,
}

/// Looks at the pods of one Job.
struct Tracker<'v, 'a> {
    view: &'v View,
    tally: &'a Tally<'v>,
    end: Option<&'a End>,
    /// Pods that the status took in before.
    succeeded: HashSet<&'v str>,
    failed: HashSet<&'v str>,
}

impl<'v> Tracking<'v> {
    /// Of the Job's pods but those that were removed, which do not count.
    pub(super) fn of(view: &'v View, tally: &Tally<'v>, end: Option<&End>, removed: &HashSet<&str>) -> Self {
        let known = Uncounted::of(&view.job);
        let (succeeded, failed) = (known.succeeded_set(), known.failed_set());
        let tracker = Tracker { view, tally, end, succeeded, failed };
        let mut uncounted = known.kept(&view.pods);
        let counted =
            (known.succeeded.len() - uncounted.succeeded.len(), known.failed.len() - uncounted.failed.len());
        let mut free = Vec::new();
        let mut new_indexes = 0;
        let kept = view.pods.iter().filter(|pod| pod.tracked && !removed.contains(pod.uid()));
        for pod in kept.filter(|pod| tracker.may_go(pod)) {
            free.push(pod);
            match tracker.worth(pod) {
                Worth::Nothing => {}
                Worth::Index => new_indexes += 1,
                Worth::Success => uncounted.succeeded.push(pod.uid()),
                Worth::Failure => uncounted.failed.push(pod.uid()),
            }
            if new_indexes + uncounted.len() >= MOST {
                break;
            }
        }
        Self { uncounted, succeeded: counted.0, failed: counted.1, free }
    }
}

impl Tracker<'_, '_> {
    /// Whether nothing is to be learned from a pod any more. When a Job ends all its pods may go, those included that
    /// it does not wait for.
    fn may_go(&self, pod: &JobPod) -> bool {
        self.view.is_ending()
            || self.end.is_some()
            || pod.has_succeeded()
            || (pod.failed && !self.is_retained(pod))
    }

    fn is_retained(&self, pod: &JobPod) -> bool {
        let indexes = self.tally.indexes.as_ref().zip(pod.index);
        let retained = indexes.and_then(|(indexes, index)| indexes.retained.get(&index));
        retained.is_some_and(|retained| retained.uid() == pod.uid())
    }

    fn worth(&self, pod: &JobPod) -> Worth {
        let is_known_failed = self.failed.contains(pod.uid());
        if pod.has_succeeded() && !is_known_failed {
            return self.worth_of_success(pod);
        }
        // What a Job that fails does not wait for has failed too.
        let has_failed = pod.failed || self.end.is_some_and(|end| end.outcome == Outcome::Failure);
        let counts = has_failed && pod.countable && !is_known_failed;
        if counts && self.view.spec().failure_policy().counts(pod) { Worth::Failure } else { Worth::Nothing }
    }

    fn worth_of_success(&self, pod: &JobPod) -> Worth {
        match &self.tally.indexes {
            // The index says enough: no other pod counts for it.
            Some(indexes) if pod.index.is_some_and(|index| !indexes.recorded.contains(index)) => Worth::Index,
            None if !self.succeeded.contains(pod.uid()) => Worth::Success,
            _ => Worth::Nothing,
        }
    }
}
