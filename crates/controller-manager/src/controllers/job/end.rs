//! What a Job comes to: whether it succeeds or fails by now, and why.

use super::conditions::{self, Condition};
use super::failure_policy::Action;
use super::indexes::Indexes;
use super::job_pod::JobPod;
use super::success_policy;
use super::tally::{IndexTally, Tally};
use super::view::View;
use jiff::{SignedDuration, Timestamp};
use skiff_apimachinery::time::parse_time;

/// Why Jobs fail.
const FAILURES: [&str; 5] = [
    "BackoffLimitExceeded",
    "DeadlineExceeded",
    "PodFailurePolicy",
    "MaxFailedIndexesExceeded",
    "FailedIndexes",
];

/// How a Job ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) outcome: Outcome,
    /// Machine-readable reason.
    pub(super) reason: String,
    /// The text.
    pub(super) message: String,
    /// Whether the status says so already.
    pub(super) is_announced: bool,
}

/// Whether it went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Success,
    Failure,
}

impl End {
    /// What the Job has come to; `None` while it goes on. What was announced is not judged again.
    pub(super) fn of(view: &View, tally: &Tally<'_>) -> Option<Self> {
        announced(view)
            .or_else(|| by_failure_policy(view))
            .or_else(|| by_limits(view, tally))
            .or_else(|| by_indexes(view, tally.indexes.as_ref()?))
    }

    /// As many pods succeeded as were asked for.
    pub(super) fn completed() -> Self {
        Self::new(Outcome::Success, "CompletionsReached", "Reached expected number of succeeded pods")
    }

    /// The condition that announces it.
    pub(super) fn announcement(&self) -> Condition<'_> {
        self.condition(match self.outcome {
            Outcome::Success => "SuccessCriteriaMet",
            Outcome::Failure => "FailureTarget",
        })
    }

    /// The condition that says that it has come.
    pub(super) fn conclusion(&self) -> Condition<'_> {
        self.condition(match self.outcome {
            Outcome::Success => "Complete",
            Outcome::Failure => "Failed",
        })
    }

    /// The reason of a failure as events tell it; one that only others can have given goes without its name.
    pub(super) fn failure_reason(&self) -> &'static str {
        FAILURES.into_iter().find(|known| *known == self.reason).unwrap_or("Failed")
    }

    fn new(outcome: Outcome, reason: &str, message: impl Into<String>) -> Self {
        Self { outcome, reason: reason.to_owned(), message: message.into(), is_announced: false }
    }

    fn failure(reason: &str, message: impl Into<String>) -> Self {
        Self::new(Outcome::Failure, reason, message)
    }

    fn condition(&self, kind: &'static str) -> Condition<'_> {
        Condition { kind, holds: true, reason: &self.reason, message: &self.message }
    }
}

fn announced(view: &View) -> Option<End> {
    let announced = |kind: &str, outcome: Outcome| {
        let told = conditions::holding(&view.job, kind)?;
        let end = End::new(outcome, told.str_at(&["reason"]), told.str_at(&["message"]));
        Some(End { is_announced: true, ..end })
    };
    announced("SuccessCriteriaMet", Outcome::Success).or_else(|| announced("FailureTarget", Outcome::Failure))
}

fn by_failure_policy(view: &View) -> Option<End> {
    let policy = view.spec().failure_policy();
    view.pods.iter().filter(|pod| pod.failed).find_map(|pod| match policy.action(pod)? {
        Action::FailJob(message) => Some(End::failure("PodFailurePolicy", message)),
        Action::Ignore | Action::Count | Action::FailIndex => None,
    })
}

fn by_limits(view: &View, tally: &Tally<'_>) -> Option<End> {
    if tally.failed > view.spec().backoff_limit() || has_restarted_too_often(view) {
        let message = "Job has reached the specified backoff limit";
        return Some(End::failure("BackoffLimitExceeded", message));
    }
    let is_late = time_left(view).is_some_and(|left| !left.is_positive());
    is_late.then(|| End::failure("DeadlineExceeded", "Job was active longer than specified deadline"))
}

fn has_restarted_too_often(view: &View) -> bool {
    let (spec, restarts) = (view.spec(), || view.pods.iter().map(JobPod::restarts).sum::<usize>());
    spec.restarts_in_place() && restarts() >= spec.backoff_limit().max(1)
}

fn by_indexes(view: &View, indexes: &IndexTally<'_>) -> Option<End> {
    let (spec, succeeded) = (view.spec(), &indexes.succeeded);
    let failed = indexes.failed.as_ref().map_or(0, Indexes::len);
    if spec.max_failed_indexes().is_some_and(|most| failed > most) {
        let message = "Job has exceeded the specified maximal number of failed indexes";
        return Some(End::failure("MaxFailedIndexesExceeded", message));
    }
    if failed > 0 && failed + succeeded.len() >= spec.completions().unwrap_or(0) {
        return Some(End::failure("FailedIndexes", "Job has failed indexes"));
    }
    let met = success_policy::met(spec.success_rules(), succeeded, indexes.end)?;
    Some(End::new(Outcome::Success, "SuccessPolicy", met))
}

/// When the Job began to run, as the status is to say; `None` while it never did.
pub(super) fn started(view: &View) -> Option<Timestamp> {
    if view.spec().is_suspended() {
        return parse_time(view.job.str_at(&["status", "startTime"]));
    }
    // A Job that is resumed starts anew: it may be active for as long as one that was never suspended.
    let resumes = conditions::holding(&view.job, "Suspended").is_some();
    let told = parse_time(view.job.str_at(&["status", "startTime"])).filter(|_| !resumes);
    Some(told.unwrap_or(view.now))
}

/// How long the Job may still be active; `None` for ever, or while it is suspended.
pub(super) fn time_left(view: &View) -> Option<SignedDuration> {
    let deadline = view.spec().active_deadline().filter(|_| !view.spec().is_suspended())?;
    Some(deadline.saturating_sub(view.now.duration_since(started(view)?)))
}
