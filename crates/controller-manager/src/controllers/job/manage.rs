//! How many pods run: what is missing is created, what is in surplus goes.
//!
//! Never does a Job run more pods than its parallelism, nor more than it has completions left. In one sync pods are
//! either removed or created, as in upstream.

use super::backoff;
use super::end::End;
use super::finalizer;
use super::indexes::Indexes;
use super::job_pod::JobPod;
use super::removal::surplus;
use super::tally::{IndexTally, Tally};
use super::template;
use super::view::View;
use crate::plan::{Action, Plan, Report, Write};
use crate::pod_control;
use skiff_client::Verb;
use std::collections::HashSet;
use std::time::Duration;

/// Most pods created or removed in one sync.
const BURST: usize = 500;

/// What is to be done about pods.
#[derive(Debug)]
pub(super) enum Change<'v> {
    /// Nothing.
    Nothing,
    /// The Job has come to its end: these go, and are kept until they are counted.
    Stop(Vec<&'v JobPod>),
    /// These are in surplus, and will not be counted.
    Remove(Vec<&'v JobPod>),
    /// Pods are missing.
    Create(usize),
    /// Pods for these indexes are missing.
    CreateFor(Vec<u32>),
    /// Failed pods are replaced after this time.
    Wait(Duration),
}

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Effect<'v> {
    /// The pods that go now, by UID.
    pub(super) gone: HashSet<&'v str>,
    /// How many pods were created.
    pub(super) created: usize,
}

impl<'v> Change<'v> {
    /// What a Job needs that has come to this end or to none.
    pub(super) fn of(view: &View, tally: &Tally<'v>, end: Option<&End>) -> Self {
        let (spec, active) = (view.spec(), &tally.active);
        if end.is_some() {
            return Self::Stop(active.clone());
        }
        if view.is_ending() {
            return Self::Nothing;
        }
        let has_indexes = spec.indexed().is_some();
        if spec.is_suspended() {
            return Self::Remove(surplus(active, has_indexes, active.len()));
        }
        let wanted = wanted(view, tally);
        let mut removed = surplus(active, has_indexes, active.len().saturating_sub(wanted));
        if !removed.is_empty() {
            removed.truncate(BURST);
            return Self::Remove(removed);
        }
        let awaited = if spec.replaces_failed_only() { tally.terminating } else { 0 };
        match wanted.saturating_sub(awaited + active.len()).min(BURST) {
            0 => Self::Nothing,
            missing => Self::creation(view, tally, missing),
        }
    }

    fn creation(view: &View, tally: &Tally<'v>, missing: usize) -> Self {
        let per_index = view.spec().backoff_limit_per_index().is_some();
        match (&tally.indexes, view.backoff.pause(view.now)) {
            (_, Some(pause)) if !per_index => Self::Wait(pause),
            (None, _) => Self::Create(missing),
            (Some(indexes), _) => {
                let pending = pending(view, tally, indexes, missing);
                if per_index { Self::replacement(view, indexes, pending) } else { Self::CreateFor(pending) }
            }
        }
    }

    /// Of indexes that fail each for itself, those that need not wait.
    fn replacement(view: &View, indexes: &IndexTally<'_>, pending: Vec<u32>) -> Self {
        let pause = |index: &u32| {
            let failed = indexes.retained.get(index)?;
            backoff::pause(failed.all_failures().saturating_add(1), failed.finished_at(), view.now)
        };
        let now: Vec<u32> = pending.iter().copied().filter(|index| pause(index).is_none()).collect();
        match pending.iter().filter_map(pause).min() {
            Some(pause) if now.is_empty() => Self::Wait(pause),
            _ => Self::CreateFor(now),
        }
    }

    /// Plans it.
    pub(super) fn carry_out(self, view: &View, tally: &Tally<'_>, plan: &mut Plan) {
        let job = &view.job;
        let delete = |pods: &[&JobPod]| -> Vec<Write> {
            pods.iter().map(|pod| pod_control::delete(job, &pod.pod)).collect()
        };
        match self {
            Self::Nothing => {}
            Self::Stop(pods) => plan.all(delete(&pods)),
            Self::Remove(pods) => {
                let kept = pods.iter().filter(|pod| pod.tracked);
                plan.all(kept.map(|pod| finalizer::free(&pod.pod)).collect());
                plan.all(delete(&pods));
            }
            Self::Create(count) => create(plan, vec![pod_control::create(job, template::pod(job)); count]),
            Self::CreateFor(indexes) => {
                let retained = tally.indexes.as_ref().map(|indexes| &indexes.retained);
                let replaced = |index: &u32| retained.and_then(|retained| retained.get(index)).copied();
                let pod = |index: &u32| template::pod_for(job, *index, replaced(index));
                create(plan, indexes.iter().map(|index| pod_control::create(job, pod(index))).collect());
            }
            Self::Wait(pause) => plan.requeue(pause),
        }
    }

    /// What came of it, if nothing failed that was tried before it.
    pub(super) fn effect(&self, report: &Report) -> Effect<'v> {
        let failed = |verb: fn(Verb) -> bool| {
            let failures = report.failures.iter().filter(move |failure| verb(failure.call.verb));
            failures.map(|failure| failure.call.name.as_str()).collect::<HashSet<&str>>()
        };
        let gone = |pods: &[&'v JobPod]| {
            let stay = failed(|verb| verb == Verb::Delete);
            let gone = pods.iter().filter(|pod| !stay.contains(pod.pod.name()));
            gone.map(|pod| pod.uid()).collect::<HashSet<&'v str>>()
        };
        match self {
            Self::Stop(pods) => Effect { gone: gone(pods), created: 0 },
            // None is deleted before all are free to go.
            Self::Remove(pods) if failed(|verb| matches!(verb, Verb::Patch(_))).is_empty() => {
                Effect { gone: gone(pods), created: 0 }
            }
            Self::Create(_) | Self::CreateFor(_) => {
                Effect { gone: HashSet::new(), created: report.created.len() }
            }
            Self::Nothing | Self::Remove(_) | Self::Wait(_) => Effect::default(),
        }
    }
}

/// How many pods are to run.
fn wanted(view: &View, tally: &Tally<'_>) -> usize {
    let (parallelism, active) = (view.spec().parallelism(), tally.active.len());
    match view.spec().completions() {
        Some(completions) => completions.saturating_sub(tally.succeeded).min(parallelism),
        // A success means that the work is done: who still works may go on, and nobody joins.
        None if tally.succeeded > 0 => active,
        None => parallelism,
    }
}

/// The first indexes that need a pod.
fn pending(view: &View, tally: &Tally<'_>, indexes: &IndexTally<'_>, count: usize) -> Vec<u32> {
    let awaited = view.pods.iter().filter(|pod| view.spec().replaces_failed_only() && pod.is_terminating());
    let taken: Indexes = tally.active.iter().copied().chain(awaited).filter_map(|pod| pod.index).collect();
    let mut settled = indexes.succeeded.union(&taken);
    if let Some(failed) = &indexes.failed {
        settled = settled.union(failed);
    }
    settled.missing(indexes.end).take(count).collect()
}

fn create(plan: &mut Plan, writes: Vec<Write>) {
    if !writes.is_empty() {
        plan.actions.push(Action::SlowStart(writes));
    }
}
