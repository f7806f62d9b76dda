//! `status.uncountedTerminatedPods`: pods that ended and that the status knows of, but that may still be kept for it.

use super::job_pod::JobPod;
use skiff_apimachinery::Document;
use std::collections::HashSet;

/// UIDs of pods.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Uncounted<'a> {
    /// Of those that succeeded.
    pub(super) succeeded: Vec<&'a str>,
    /// Of those that failed.
    pub(super) failed: Vec<&'a str>,
}

impl<'a> Uncounted<'a> {
    /// Those of a Job.
    pub(super) fn of(job: &'a Document) -> Self {
        let list = |field: &str| {
            let uids = job.array_at(&["status", "uncountedTerminatedPods", field]).iter();
            uids.filter_map(Document::as_str).collect()
        };
        Self { succeeded: list("succeeded"), failed: list("failed") }
    }

    /// Those that are still kept.
    pub(super) fn kept(&self, pods: &[JobPod]) -> Self {
        let kept: HashSet<&str> = pods.iter().filter(|pod| pod.tracked).map(JobPod::uid).collect();
        let still = |uids: &[&'a str]| uids.iter().copied().filter(|uid| kept.contains(uid)).collect();
        Self { succeeded: still(&self.succeeded), failed: still(&self.failed) }
    }

    /// Those that succeeded, to look them up.
    pub(super) fn succeeded_set(&self) -> HashSet<&'a str> {
        self.succeeded.iter().copied().collect()
    }

    /// Those that failed, to look them up.
    pub(super) fn failed_set(&self) -> HashSet<&'a str> {
        self.failed.iter().copied().collect()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.succeeded.len() + self.failed.len()
    }

    /// As the status holds them.
    pub(super) fn to_document(&self) -> Document {
        let mut out = Document::object();
        for (field, uids) in [("succeeded", &self.succeeded), ("failed", &self.failed)] {
            if !uids.is_empty() {
                out.insert(field, uids.clone());
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn they_are_written_as_they_are_read() {
        for pods in [doc!({}), doc!({"failed": ["a"]}), doc!({"succeeded": ["a", "b"], "failed": ["c"]})] {
            let job = doc!({"status": {"uncountedTerminatedPods": (pods.clone())}});
            assert_eq!(Uncounted::of(&job).to_document(), pods);
        }
        assert_eq!(Uncounted::of(&doc!({})), Uncounted::default());
    }
}
