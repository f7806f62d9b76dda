//! What a Job asks for.

use super::failure_policy::FailurePolicy;
use jiff::SignedDuration;
use skiff_apimachinery::Document;

/// The controller that Jobs have unless they name another.
const JOB_CONTROLLER: &str = "kubernetes.io/job-controller";

/// A Job, read by its spec.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spec<'a>(&'a Document);

impl<'a> Spec<'a> {
    /// Of this Job.
    pub(super) fn of(job: &'a Document) -> Self {
        Self(job)
    }

    /// The controller that looks after the Job in place of this one.
    pub(super) fn managed_by(self) -> Option<&'a str> {
        let name = self.text("managedBy");
        (!name.is_empty() && name != JOB_CONTROLLER).then_some(name)
    }

    /// Whether pods complete in a way that is known here.
    pub(super) fn has_known_mode(self) -> bool {
        matches!(self.text("completionMode"), "" | "NonIndexed" | "Indexed")
    }

    /// How many pods run at a time.
    pub(super) fn parallelism(self) -> usize {
        self.count("parallelism").unwrap_or(1)
    }

    /// How many pods must succeed; `None` if the pods find out among themselves.
    pub(super) fn completions(self) -> Option<usize> {
        self.count("completions")
    }

    /// The end of the indexes, if each pod has one.
    pub(super) fn indexed(self) -> Option<u32> {
        let completions = self.number("completions").and_then(|number| u32::try_from(number).ok());
        (self.text("completionMode") == "Indexed").then(|| completions.unwrap_or(0))
    }

    /// How many pods may fail.
    pub(super) fn backoff_limit(self) -> usize {
        self.count("backoffLimit").unwrap_or(6)
    }

    /// How many pods of one index may fail, if indexes fail each for itself.
    pub(super) fn backoff_limit_per_index(self) -> Option<u32> {
        self.number("backoffLimitPerIndex").and_then(|number| u32::try_from(number).ok())
    }

    /// How many indexes may fail.
    pub(super) fn max_failed_indexes(self) -> Option<usize> {
        self.count("maxFailedIndexes")
    }

    /// For how long the Job may run.
    pub(super) fn active_deadline(self) -> Option<SignedDuration> {
        self.number("activeDeadlineSeconds").map(SignedDuration::from_secs)
    }

    /// Whether nothing is to run for now.
    pub(super) fn is_suspended(self) -> bool {
        self.0.bool_at(&["spec", "suspend"]) == Some(true)
    }

    /// Whether a pod is replaced only when it has failed, not already when it goes (KEP-3939).
    pub(super) fn replaces_failed_only(self) -> bool {
        self.text("podReplacementPolicy") == "Failed"
    }

    /// Whether the kubelet starts containers that fail again.
    pub(super) fn restarts_in_place(self) -> bool {
        self.0.str_at(&["spec", "template", "spec", "restartPolicy"]) == "OnFailure"
    }

    /// What failures of pods mean (KEP-3329).
    pub(super) fn failure_policy(self) -> FailurePolicy<'a> {
        FailurePolicy::of(self.0.array_at(&["spec", "podFailurePolicy", "rules"]))
    }

    /// What is enough of a success (KEP-3998).
    pub(super) fn success_rules(self) -> &'a [Document] {
        self.0.array_at(&["spec", "successPolicy", "rules"])
    }

    fn text(self, field: &str) -> &'a str {
        self.0.str_at(&["spec", field])
    }

    fn number(self, field: &str) -> Option<i64> {
        self.0.i64_at(&["spec", field])
    }

    fn count(self, field: &str) -> Option<usize> {
        self.number(field).and_then(|number| usize::try_from(number).ok())
    }
}
