//! One Job as a sync sees it.

use super::backoff::{Backoff, Backoffs};
use super::job_pod::JobPod;
use super::spec::Spec;
use super::uncounted::Uncounted;
use crate::ownership::Claimed;
use crate::pods::CachedPod;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use skiff_client::{Cached, Untyped};
use std::collections::HashSet;
use std::sync::Arc;

/// A Job that has not ended, and what matters to it.
pub struct View {
    pub(super) job: Arc<Cached<Untyped>>,
    /// Its pods, those that it is about to adopt among them, by index.
    pub(super) pods: Vec<JobPod>,
    pub(super) adopt: Vec<CachedPod>,
    pub(super) release: Vec<CachedPod>,
    /// How the pods did of late, those that are not counted included.
    pub(super) backoff: Backoff,
    /// When this was seen. Plan and conclusion go by this moment, or the conclusion could hold for done what was not
    /// due yet when it was planned.
    pub(super) now: Timestamp,
}

impl View {
    /// Sorts the pods that may matter and takes in those that ended.
    pub(super) fn new(
        job: Arc<Cached<Untyped>>,
        claimed: Claimed<Pod>,
        backoffs: &mut Backoffs,
        now: Timestamp,
    ) -> Self {
        let spec = Spec::of(&job);
        let owned = claimed.owned.into_iter().map(|pod| JobPod::owned(pod, spec));
        let adopted = claimed.adopt.iter().map(|pod| JobPod::adopted(pod.clone(), spec));
        let mut pods: Vec<JobPod> = owned.chain(adopted).collect();
        pods.sort_by_key(|pod| pod.index);
        let uncounted = Uncounted::of(&job);
        let succeeded = newly_succeeded(&pods, &uncounted.succeeded_set());
        let failed = newly_failed(&pods, &uncounted.failed_set());
        let backoff = backoffs.update(&job, &succeeded, &failed);
        Self { adopt: claimed.adopt, release: claimed.release, pods, job, backoff, now }
    }

    /// What the Job asks for.
    pub(super) fn spec(&self) -> Spec<'_> {
        Spec::of(&self.job)
    }

    /// Whether the Job is being deleted.
    pub(super) fn is_ending(&self) -> bool {
        self.job.deletion_timestamp().is_some()
    }
}

/// The pods that succeeded and that the status does not account for.
pub(super) fn newly_succeeded<'p>(pods: &'p [JobPod], uncounted: &HashSet<&str>) -> Vec<&'p JobPod> {
    newly(pods, uncounted, JobPod::has_succeeded)
}

/// The pods that failed and that the status does not account for.
pub(super) fn newly_failed<'p>(pods: &'p [JobPod], uncounted: &HashSet<&str>) -> Vec<&'p JobPod> {
    newly(pods, uncounted, |pod| pod.failed)
}

fn newly<'p>(pods: &'p [JobPod], uncounted: &HashSet<&str>, so: impl Fn(&JobPod) -> bool) -> Vec<&'p JobPod> {
    let is_new = |pod: &&JobPod| pod.tracked && pod.countable && !uncounted.contains(pod.uid()) && so(pod);
    pods.iter().filter(is_new).collect()
}
