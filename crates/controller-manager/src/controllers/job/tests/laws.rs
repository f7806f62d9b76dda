//! Laws that hold however pods end, and wherever writes fail.

use super::*;
use jiff::SignedDuration;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index as Pick;
use skiff_api::strategy::UpdateScope;
use std::collections::BTreeSet;

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// A pod does its work.
    Succeed(Pick),
    /// A pod fails.
    Fail(Pick),
    /// Someone deletes a pod.
    Delete(Pick),
    /// Someone wants other pods at a time.
    Scale(i64),
    /// The controller looks at the Job, and so many of its writes succeed.
    Sync(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<Pick>().prop_map(Step::Succeed),
        2 => any::<Pick>().prop_map(Step::Fail),
        1 => any::<Pick>().prop_map(Step::Delete),
        1 => (0..5_i64).prop_map(Step::Scale),
        4 => Just(Step::Sync(usize::MAX)),
        3 => (0..6_usize).prop_map(Step::Sync),
    ]
}

/// A Job, its pods, and what these have done in truth.
struct Cluster {
    job: Document,
    pods: Vec<Document>,
    backoffs: Backoffs,
    now: Timestamp,
    serial: usize,
    /// Pods that succeeded; of a Job with indexes, those.
    succeeded: BTreeSet<String>,
    failed: BTreeSet<String>,
}

fn is_active(pod: &Document) -> bool {
    pod.str_at(&["status", "phase"]) == "Running" && pod.deletion_timestamp().is_none()
}

impl Cluster {
    fn new(job: Document) -> Self {
        Self {
            job,
            pods: Vec::new(),
            backoffs: Backoffs::default(),
            now: now(),
            serial: 0,
            succeeded: BTreeSet::new(),
            failed: BTreeSet::new(),
        }
    }

    fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        // Long enough for every pause to be over.
        self.now += SignedDuration::from_hours(1);
        self.pods.retain(|pod| pod.deletion_timestamp().is_none() || finalizer::holds(pod));
        match step {
            Step::Succeed(pick) => self.end(pick, "Succeeded"),
            Step::Fail(pick) => self.end(pick, "Failed"),
            Step::Delete(pick) => self.delete(pick),
            Step::Scale(parallelism) => self.job.set(&["spec", "parallelism"], parallelism),
            Step::Sync(writes) => return self.sync(writes),
        }
        Ok(())
    }

    /// One of the pods that work.
    fn active(&self, pick: Pick) -> Option<usize> {
        let active: Vec<usize> = (0..self.pods.len()).filter(|at| is_active(&self.pods[*at])).collect();
        (!active.is_empty()).then(|| active[pick.index(active.len())])
    }

    fn end(&mut self, pick: Pick, phase: &str) {
        let Some(at) = self.active(pick) else { return };
        self.pods[at].set(&["status", "phase"], phase);
        let pod = &self.pods[at];
        // What is in surplus is let go before it is deleted: what it does then counts for nothing.
        if finalizer::holds(pod) {
            let name = pod.uid().to_owned();
            match (phase, pod.annotation(INDEX)) {
                ("Failed", _) => self.failed.insert(name),
                (_, Some(index)) => self.succeeded.insert(index.to_owned()),
                (_, None) => self.succeeded.insert(name),
            };
        }
    }

    fn delete(&mut self, pick: Pick) {
        if let Some(at) = self.active(pick) {
            self.stop(at);
        }
    }

    /// Deletes a pod; one that is kept counts as failed.
    fn stop(&mut self, at: usize) {
        let when = skiff_apimachinery::time::format_time(self.now);
        let pod = &mut self.pods[at];
        if is_active(pod) && finalizer::holds(pod) {
            self.failed.insert(pod.uid().to_owned());
        }
        pod.set(&["metadata", "deletionTimestamp"], when);
    }

    fn sync(&mut self, mut writes: usize) -> Result<(), TestCaseError> {
        if self.has_ended() {
            return Ok(());
        }
        let view = remembering(self.job.clone(), self.pods.clone(), &mut self.backoffs, self.now);
        let report = self.carry_out(&plan(&view), &mut writes)?;
        let after = self.carry_out(&status::conclude(&view, &report), &mut writes)?;
        self.check(report.is_ok() && after.is_ok())
    }

    fn has_ended(&self) -> bool {
        conditions::finished(&self.job).is_some()
    }

    /// As the runner does: the first action that fails is the last.
    fn carry_out(&mut self, plan: &Plan, writes: &mut usize) -> Result<Report, TestCaseError> {
        let mut report = Report::default();
        for action in &plan.actions {
            let of_action = match action {
                Action::Tell(_) => continue,
                Action::Write(write) => std::slice::from_ref(&**write),
                Action::All(writes) | Action::SlowStart(writes) => writes.as_slice(),
            };
            for write in of_action {
                if *writes == 0 {
                    let status = Status::new(500, Reason::InternalError, "no");
                    report.failures.push(Failure { call: write.call.clone(), status });
                } else {
                    *writes -= 1;
                    report.created.extend(self.write(write)?.map(Arc::new));
                }
            }
            if !report.is_ok() {
                break;
            }
        }
        Ok(report)
    }

    /// Carries out one write; returns what it created.
    fn write(&mut self, write: &Write) -> Result<Option<Document>, TestCaseError> {
        let body = write.call.body.clone().unwrap();
        let at = self.pods.iter().position(|pod| pod.name() == write.call.name);
        match (write.call.verb, at) {
            (Verb::Create, _) => {
                let pod = self.named(body);
                self.pods.push(pod.clone());
                return Ok(Some(pod));
            }
            (Verb::Delete, Some(at)) => self.stop(at),
            (Verb::Patch(_), Some(at)) => drop(self.pods[at].remove(&["metadata", "finalizers"])),
            (Verb::Update, _) => {
                let jobs = skiff_api::builtin().into_iter().find(|row| &*row.plural == "jobs").unwrap();
                let wrong = jobs.strategy.validate_update(UpdateScope::Status, &body, &self.job);
                let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
                prop_assert!(wrong.is_empty(), "the API server refuses {}: {wrong:?}", body["status"]);
                self.job.set(&["status"], &body["status"]);
            }
            _ => {}
        }
        Ok(None)
    }

    /// A pod as the API server makes it, and as the kubelet runs it.
    fn named(&mut self, mut pod: Document) -> Document {
        self.serial += 1;
        let name = format!("p{}", self.serial);
        for field in ["name", "uid"] {
            pod.set(&["metadata", field], name.as_str());
        }
        pod.set(&["metadata", "namespace"], "n");
        let when = skiff_apimachinery::time::format_time(self.now);
        pod.set(&["metadata", "creationTimestamp"], when);
        pod.set(&["status", "phase"], "Running");
        pod
    }

    /// What always holds, and what holds when every write succeeded.
    fn check(&self, all_succeeded: bool) -> Result<(), TestCaseError> {
        let spec = Spec::of(&self.job);
        let completions = spec.completions().unwrap_or(usize::MAX);
        let active: Vec<&Document> = self.pods.iter().filter(|pod| is_active(pod)).collect();
        prop_assert!(active.len() + self.succeeded.len() <= completions, "more pods than completions");
        prop_assert!(!all_succeeded || active.len() <= spec.parallelism(), "more pods than parallelism");
        if let Some(end) = spec.indexed() {
            let parse = |field: &str| indexes::Indexes::parse(self.job.str_at(&["status", field]), end);
            let (completed, failed) = (parse("completedIndexes"), parse("failedIndexes"));
            prop_assert_eq!(completed.common(&failed), 0, "an index is complete and has failed");
            let mut seen = BTreeSet::new();
            for index in active.iter().filter_map(|pod| pod.annotation(INDEX)?.parse::<u32>().ok()) {
                prop_assert!(seen.insert(index), "two pods for index {index}");
                prop_assert!(!completed.contains(index), "a pod for the complete index {index}");
                prop_assert!(!all_succeeded || !failed.contains(index), "a pod for the failed index {index}");
            }
        }
        Ok(())
    }

    /// Lets the controller come to rest.
    fn settle(&mut self) -> Result<(), TestCaseError> {
        (0..10).try_for_each(|_| self.take(Step::Sync(usize::MAX)))
    }

    fn told(&self, field: &str) -> usize {
        tally::told(&self.job, field)
    }
}

fn run(job: Document, steps: Vec<Step>) -> Result<Cluster, TestCaseError> {
    let mut cluster = Cluster::new(job);
    for step in steps {
        cluster.take(step)?;
    }
    cluster.settle()?;
    let uncounted = uncounted::Uncounted::of(&cluster.job).len();
    prop_assert_eq!(uncounted, 0, "pods stay uncounted");
    prop_assert_eq!(cluster.told("succeeded"), cluster.succeeded.len(), "successes");
    Ok(cluster)
}

proptest! {
    #[test]
    fn pods_are_never_too_many_and_each_is_counted_once(
        completions in 0..6_i64,
        parallelism in 0..5_i64,
        limit in 0..5_i64,
        has_indexes in any::<bool>(),
        steps in vec(step(), 0..40),
    ) {
        let job = job(parallelism, Some(completions));
        let job = with(job, &["spec", "completionMode"], if has_indexes { "Indexed" } else { "NonIndexed" });
        let cluster = run(with(job, &["spec", "backoffLimit"], limit), steps)?;
        prop_assert_eq!(cluster.told("failed"), cluster.failed.len(), "failures");
        if cluster.succeeded.len() >= completions as usize {
            prop_assert!(cluster.has_ended(), "the work is done");
        }
    }

    #[test]
    fn indexes_fail_each_for_itself(
        completions in 1..6_i64,
        parallelism in 1..5_i64,
        per_index in 0..3_i64,
        most in option::of(0..3_i64),
        steps in vec(step(), 0..40),
    ) {
        let job = with(indexed_job(parallelism, completions), &["spec", "backoffLimitPerIndex"], per_index);
        let mut job = with(job, &["spec", "backoffLimit"], i32::MAX);
        if let Some(most) = most {
            job.set(&["spec", "maxFailedIndexes"], most);
        }
        let cluster = run(job, steps)?;
        // A failed pod is counted when its index has another one; while nothing may run that is never.
        let may_all_run = cluster.job.i64_at(&["spec", "parallelism"]).is_some_and(|most| most >= completions);
        let all_counted = cluster.has_ended() || may_all_run;
        let counted = cluster.told("failed");
        prop_assert!(counted <= cluster.failed.len(), "a failure was counted twice");
        prop_assert!(!all_counted || counted == cluster.failed.len(), "a failure was not counted");
    }
}
