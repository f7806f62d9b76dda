//! One pod of a Job, with what of it counts.

use super::finalizer;
use super::spec::Spec;
use crate::pods::{self, CachedPod};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use skiff_client::Cached;

/// Which index a pod works on; an annotation, and a label of the same name.
pub(super) const INDEX: &str = "batch.kubernetes.io/job-completion-index";
/// How many pods of the index failed before this one.
pub(super) const FAILURES: &str = "batch.kubernetes.io/job-index-failure-count";
/// How many failed for reasons that the failure policy ignores.
pub(super) const IGNORED_FAILURES: &str = "batch.kubernetes.io/job-index-ignored-failure-count";

/// A pod of a Job.
#[derive(Debug, Clone)]
pub(super) struct JobPod {
    pub(super) pod: CachedPod,
    /// Whether it is kept until it is counted; what is kept no longer is counted already.
    pub(super) tracked: bool,
    /// Its index, if the Job has that.
    pub(super) index: Option<u32>,
    /// Whether its end counts: all do, but in a Job with indexes those without one.
    pub(super) countable: bool,
    /// Whether it has failed, in the eyes of the Job.
    pub(super) failed: bool,
}

impl JobPod {
    /// A pod that the Job controls.
    pub(super) fn owned(pod: CachedPod, job: Spec<'_>) -> Self {
        let index = job.indexed().and_then(|end| index_of(&pod).filter(|index| *index < end));
        let goes = pod.deletion_timestamp().is_some();
        Self {
            tracked: finalizer::holds(&pod),
            index,
            countable: job.indexed().is_none() || index.is_some(),
            // A pod that goes may never come to be seen failed.
            failed: pods::phase(&pod) == "Failed"
                || (goes && !job.replaces_failed_only() && pods::phase(&pod) != "Succeeded"),
            pod,
        }
    }

    /// A pod that the Job is about to adopt, as it will be then.
    pub(super) fn adopted(pod: CachedPod, job: Spec<'_>) -> Self {
        Self { tracked: true, ..Self::owned(pod, job) }
    }

    /// Its UID.
    pub(super) fn uid(&self) -> &str {
        self.pod.uid()
    }

    /// Whether it works, or will.
    pub(super) fn is_active(&self) -> bool {
        pods::is_active(&self.pod)
    }

    /// Whether it is ready.
    pub(super) fn is_ready(&self) -> bool {
        pods::is_ready(&self.pod)
    }

    /// Whether it is on its way out.
    pub(super) fn is_terminating(&self) -> bool {
        self.pod.deletion_timestamp().is_some() && !pods::is_terminal(&self.pod)
    }

    /// Whether it did its work.
    pub(super) fn has_succeeded(&self) -> bool {
        pods::phase(&self.pod) == "Succeeded"
    }

    /// How often the kubelet started containers again, while the pod is not over.
    pub(super) fn restarts(&self) -> usize {
        if !matches!(pods::phase(&self.pod), "Pending" | "Running") {
            return 0;
        }
        let all = init_containers(&self.pod).chain(containers(&self.pod));
        all.map(|container| usize::try_from(container.restart_count).unwrap_or(0)).sum()
    }

    /// How many pods of its index failed before it.
    pub(super) fn failures(&self) -> u32 {
        self.counter(FAILURES)
    }

    /// How many of its index failed before it and were ignored.
    pub(super) fn ignored_failures(&self) -> u32 {
        self.counter(IGNORED_FAILURES)
    }

    /// How many of its index failed before it, for whatever reason.
    pub(super) fn all_failures(&self) -> u32 {
        self.failures().saturating_add(self.ignored_failures())
    }

    /// When it ended. Without containers that tell, the kubelet's word that it is not ready, then the deletion, then
    /// the creation must do.
    pub(super) fn finished_at(&self) -> Timestamp {
        let pod = &self.pod;
        let ended = containers_ended(pod).or_else(|| unready_since(pod)).or_else(|| deleted_at(pod));
        let created = pod.typed.metadata.creation_timestamp.as_ref().map(|time| time.0);
        ended.or(created).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// What an annotation counts; what is no count of upstream's size is none.
    fn counter(&self, annotation: &str) -> u32 {
        let count = self.pod.annotation(annotation).and_then(|text| text.parse::<i32>().ok());
        count.and_then(|count| u32::try_from(count).ok()).unwrap_or(0)
    }
}

/// The state of a pod's containers.
pub(super) fn containers(pod: &Cached<Pod>) -> impl Iterator<Item = &ContainerStatus> {
    pod.typed.status.iter().flat_map(|status| &status.container_statuses).flatten()
}

/// The state of a pod's init containers.
pub(super) fn init_containers(pod: &Cached<Pod>) -> impl Iterator<Item = &ContainerStatus> {
    pod.typed.status.iter().flat_map(|status| &status.init_container_statuses).flatten()
}

fn index_of(pod: &Cached<Pod>) -> Option<u32> {
    pod.annotation(INDEX)?.parse().ok()
}

/// When the last of the containers ended; `None` if one has not, or does not tell.
fn containers_ended(pod: &Cached<Pod>) -> Option<Timestamp> {
    let ended = |container: &ContainerStatus| {
        let terminated = container.state.as_ref()?.terminated.as_ref()?;
        terminated.finished_at.as_ref().map(|time| time.0)
    };
    containers(pod).map(ended).collect::<Option<Vec<Timestamp>>>()?.into_iter().max()
}

fn unready_since(pod: &Cached<Pod>) -> Option<Timestamp> {
    let unready = pods::condition(pod, "Ready").filter(|ready| ready.status == "False")?;
    unready.last_transition_time.as_ref().map(|time| time.0)
}

/// When the deletion was asked for: the grace period is yet to come.
fn deleted_at(pod: &Cached<Pod>) -> Option<Timestamp> {
    let metadata = &pod.typed.metadata;
    let grace = SignedDuration::from_secs(metadata.deletion_grace_period_seconds.unwrap_or(0));
    metadata.deletion_timestamp.as_ref()?.0.checked_sub(grace).ok()
}
