//! A Job's status: what its pods came to, and what the Job did.
//!
//! An end is announced first; pods that the Job does not wait for are still to be counted and to go. The end itself is
//! told by a later sync, when none is left.

use super::conditions::Condition;
use super::end::{self, End, Outcome};
use super::finalizer;
use super::job_pod::JobPod;
use super::manage::{Change, Effect};
use super::tally::{IndexTally, Tally, told};
use super::tracking::Tracking;
use super::view::View;
use crate::plan::{Action, Notice, Plan, Report, Write, with_status};
use skiff_apimachinery::Document;
use skiff_apimachinery::time::format_time;
use skiff_client::Verb;
use skiff_client::resources::JOBS;
use std::collections::HashSet;

/// What a sync came to.
struct Outcomes<'v> {
    view: &'v View,
    tally: Tally<'v>,
    effect: Effect<'v>,
    /// What the Job has come to, if all its pods go.
    end: Option<End>,
    /// Whether pods were managed, so that the Job is suspended or resumed indeed.
    is_managed: bool,
    tracking: Tracking<'v>,
}

pub(super) fn conclude(view: &View, report: &Report) -> Plan {
    let mut plan = Plan::default();
    if !view.spec().has_known_mode() || has_claim_failed(view, report) {
        return plan;
    }
    let outcomes = Outcomes::of(view, report);
    let (status, notices) = outcomes.status();
    if let Some(changed) = with_status(&view.job, status) {
        plan.write(Write::update_status(&JOBS, changed));
    }
    plan.actions.extend(notices.into_iter().map(Action::Tell));
    plan.all(outcomes.tracking.free.iter().map(|pod| finalizer::free(&pod.pod)).collect());
    plan
}

/// Whether a pod could not be adopted or released: then nothing else was tried.
fn has_claim_failed(view: &View, report: &Report) -> bool {
    let claimed: HashSet<&str> = view.adopt.iter().chain(&view.release).map(|pod| pod.name()).collect();
    let mut failures = report.failures.iter().map(|failure| &failure.call);
    failures.any(|call| matches!(call.verb, Verb::Patch(_)) && claimed.contains(call.name.as_str()))
}

impl<'v> Outcomes<'v> {
    fn of(view: &'v View, report: &Report) -> Self {
        let tally = Tally::of(view);
        let found = End::of(view, &tally);
        let change = Change::of(view, &tally, found.as_ref());
        let effect = change.effect(report);
        let is_managed = found.is_none() && !view.is_ending();
        let active = tally.active.len() - effect.gone.len() + effect.created;
        let end = match found {
            // Pods that could not be deleted may still do something that counts.
            Some(end) => (active == 0).then_some(end),
            None => is_complete(view, &tally, active).then(End::completed),
        };
        let removed = if matches!(change, Change::Remove(_)) { effect.gone.clone() } else { HashSet::new() };
        let tracking = Tracking::of(view, &tally, end.as_ref(), &removed);
        Self { view, tally, effect, end, is_managed, tracking }
    }

    /// The pods that were active and still are.
    fn left(&self) -> impl Iterator<Item = &'v JobPod> {
        self.tally.active.iter().copied().filter(move |pod| !self.effect.gone.contains(pod.uid()))
    }

    /// How many pods succeeded that are counted; of a Job with indexes, how many of those did.
    fn succeeded(&self) -> usize {
        let counted = || told(&self.view.job, "succeeded") + self.tracking.succeeded;
        self.tally.indexes.as_ref().map_or_else(counted, |indexes| indexes.succeeded.len())
    }

    fn terminating(&self) -> usize {
        self.tally.terminating + self.effect.gone.len()
    }

    /// The end, if it has come: it was announced, and no pod is left that is to be counted or to go.
    fn arrived(&self) -> Option<&End> {
        let is_settled = self.tracking.free.is_empty() && self.tracking.uncounted.len() == 0;
        self.end.as_ref().filter(|end| end.is_announced && is_settled && self.terminating() == 0)
    }

    fn status(&self) -> (Document, Vec<Notice>) {
        let (view, tally, tracking) = (self.view, &self.tally, &self.tracking);
        let mut status = view.job.get("status").cloned().unwrap_or_else(Document::object);
        let (conditions, mut notices) = self.conditions();
        put(&mut status, "conditions", conditions);
        put(&mut status, "startTime", end::started(view).map_or_else(String::new, format_time));
        put(&mut status, "active", self.left().count() + self.effect.created);
        put(&mut status, "succeeded", self.succeeded());
        put(&mut status, "failed", told(&view.job, "failed") + tracking.failed);
        status.insert("terminating", self.terminating());
        if let Some(indexes) = &tally.indexes {
            put_indexes(&mut status, indexes);
        }
        status.insert("uncountedTerminatedPods", tracking.uncounted.to_document());
        status.insert("ready", self.left().filter(|pod| pod.is_ready()).count());
        if let Some(end) = self.arrived() {
            if end.outcome == Outcome::Success {
                status.insert("completionTime", format_time(view.now));
            }
            notices.extend(told_at_the_end(view, self.succeeded(), end));
        }
        (status, notices)
    }

    fn conditions(&self) -> (Vec<Document>, Vec<Notice>) {
        let (job, now) = (&self.view.job, self.view.now);
        let mut conditions = job.array_at(&["status", "conditions"]).to_vec();
        let mut notices = Vec::new();
        match &self.end {
            Some(end) if !end.is_announced => {
                end.announcement().put(&mut conditions, now);
            }
            Some(_) => {
                if let Some(end) = self.arrived() {
                    end.conclusion().put(&mut conditions, now);
                }
            }
            None if self.is_managed => {
                let holds = self.view.spec().is_suspended();
                let (event, reason, message) = if holds {
                    ("Suspended", "JobSuspended", "Job suspended")
                } else {
                    ("Resumed", "JobResumed", "Job resumed")
                };
                if (Condition { kind: "Suspended", holds, reason, message }).put(&mut conditions, now) {
                    notices.push(Notice::normal(job, event, message));
                }
            }
            None => {}
        }
        (conditions, notices)
    }
}

/// Whether as many pods succeeded as were asked for, and no other works.
fn is_complete(view: &View, tally: &Tally<'_>, active: usize) -> bool {
    // Pods that find out among themselves are done when one is.
    active == 0 && tally.succeeded >= view.spec().completions().unwrap_or(1)
}

fn told_at_the_end(view: &View, succeeded: usize, end: &End) -> Vec<Notice> {
    let job = &view.job;
    match end.outcome {
        Outcome::Success => {
            let are_too_many = view.spec().completions().is_some_and(|most| succeeded > most);
            let surplus = are_too_many.then(|| {
                let message = "Too many succeeded pods running after completion count reached";
                Notice::warning(job, "TooManySucceededPods", message)
            });
            surplus.into_iter().chain([Notice::normal(job, "Completed", "Job completed")]).collect()
        }
        Outcome::Failure => vec![Notice::warning(job, end.failure_reason(), end.message.as_str())],
    }
}

fn put_indexes(status: &mut Document, indexes: &IndexTally<'_>) {
    put(status, "completedIndexes", indexes.succeeded.to_string());
    match &indexes.failed {
        // Told also when none has.
        Some(failed) => status.insert("failedIndexes", failed.to_string()),
        None => drop(status.remove(&["failedIndexes"])),
    }
}

/// Sets a field, or leaves it out where it says nothing, as Go does.
fn put(status: &mut Document, field: &str, value: impl Into<Document>) {
    let value = value.into();
    if value.is_empty() {
        status.remove(&[field]);
    } else {
        status.insert(field, value);
    }
}
