//! `job-controller`: runs pods to completion.
//!
//! Reads Jobs and Pods; creates pods from the Job's template, deletes those that are in surplus, counts those that
//! ended, and writes the Job's status.
//!
//! A sync first asks what the Job has come to by now ([`end`]), then puts its pods right ([`manage`]), then writes down
//! what ended ([`status`], [`tracking`]). A pod is kept by a [`finalizer`] until the status accounts for it. The sync
//! that this brings about counts it, and at last says that the Job has ended. Pods that are kept though no Job will
//! count them are let go ([`orphan`]).

mod backoff;
mod conditions;
mod end;
mod failure_policy;
mod finalizer;
mod indexes;
mod job_pod;
mod manage;
mod metrics;
mod orphan;
mod removal;
mod spec;
mod status;
mod success_policy;
mod tally;
mod template;
mod tracking;
mod uncounted;
mod view;

pub use view::View;

use crate::controller::{Context, Controller, observed};
use crate::ownership::{self, selector_of};
use crate::plan::{Action, Notice, Plan, Report};
use crate::pods::{self, CachedPod};
use crate::sources::Sources;
use backoff::Backoffs;
use end::End;
use futures::future::BoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use manage::Change;
use metrics::Metrics;
use skiff_apimachinery::Status;
use skiff_apimachinery::meta::ObjectKey;
use skiff_apimachinery::time::Clock;
use skiff_client::resources::{JOBS, PODS};
use skiff_client::{Event, Index, Informer, Selection, Untyped};
use spec::Spec;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use tally::Tally;

/// The controller.
pub struct JobController {
    clock: Arc<dyn Clock>,
    jobs: Informer<Untyped>,
    pods: Informer<Pod>,
    pods_by_controller: Index<Pod>,
    backoffs: Mutex<Backoffs>,
    metrics: Metrics,
}

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A Job.
    Job(ObjectKey),
    /// A pod that may be kept for no Job.
    Pod(ObjectKey),
}

/// A subject and what matters to it.
pub enum World {
    /// A Job.
    Job(Box<View>),
    /// A pod that is kept for no Job.
    Orphan(CachedPod),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Job(key) => write!(f, "job {key}"),
            Self::Pod(key) => write!(f, "pod {key}"),
        }
    }
}

impl Controller for JobController {
    const NAME: &'static str = "job-controller";
    const IDENTITY: &'static str = "job-controller";
    const QUEUE: &'static str = "job";

    type Key = Subject;
    type World = World;

    fn new(context: &Context) -> Self {
        let pods = context.informers.of(&PODS, Selection::default());
        Self {
            clock: context.clock.clone(),
            jobs: context.informers.of(&JOBS, Selection::default()),
            pods_by_controller: pods::by_controller(&pods),
            pods,
            backoffs: Mutex::default(),
            metrics: Metrics::new(&context.metrics),
        }
    }

    fn sources(&self, sources: &mut Sources<Subject>) {
        let (pods, metrics) = (self.pods_by_controller.clone(), self.metrics.clone());
        sources.watch(&self.jobs, move |event| {
            metrics.take_in(event);
            let job = event.object();
            let mut subjects = vec![Subject::Job(job.key())];
            if matches!(event, Event::Deleted(_)) || conditions::finished(job).is_some() {
                let kept = pods.get(job.uid()).into_iter().filter(|pod| finalizer::holds(pod));
                subjects.extend(kept.map(|pod| Subject::Pod(pod.key())));
            }
            subjects
        });
        let jobs = self.jobs.clone();
        sources.watch(&self.pods, move |event| {
            let concerned = ownership::concerned(&jobs, selector_of, event).into_iter().map(Subject::Job);
            let orphan = orphan::shows(&jobs, event).then(|| Subject::Pod(event.object().key()));
            concerned.chain(orphan).collect::<Vec<Subject>>()
        });
    }

    fn observe<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, Result<Option<World>, Status>> {
        observed(match subject {
            Subject::Job(key) => self.view(key).map(|view| World::Job(Box::new(view))),
            Subject::Pod(key) => {
                let pod = self.pods.get(&key.namespace, &key.name);
                pod.filter(|pod| orphan::is_orphan(&self.jobs, pod)).map(World::Orphan)
            }
        })
    }

    fn plan(world: &World, _now: Timestamp) -> Plan {
        match world {
            World::Job(view) => plan(view),
            World::Orphan(pod) => orphan::plan(pod),
        }
    }

    fn conclude(world: &World, report: &Report, _now: Timestamp) -> Plan {
        match world {
            World::Job(view) => status::conclude(view, report),
            World::Orphan(_) => Plan::nothing(),
        }
    }
}

impl JobController {
    /// A Job that is to be run.
    fn view(&self, key: &ObjectKey) -> Option<View> {
        let mut backoffs = self.backoffs.lock().unwrap_or_else(PoisonError::into_inner);
        let job = self.jobs.get(&key.namespace, &key.name);
        let job =
            job.filter(|job| conditions::finished(job).is_none() && Spec::of(job).managed_by().is_none());
        let Some(job) = job else {
            backoffs.forget(key);
            return None;
        };
        let orphans = self.pods_by_controller.get(&pods::orphans_of(&key.namespace));
        let candidates = self.pods_by_controller.get(job.uid()).into_iter().chain(orphans);
        let claimed = ownership::claim(&job, &selector_of(&job), candidates);
        Some(View::new(job, claimed, &mut backoffs, self.clock.now()))
    }
}

fn plan(view: &View) -> Plan {
    let mut plan = Plan::default();
    let job = &view.job;
    if !view.spec().has_known_mode() {
        let message = "Skipped Job sync because completion mode is unknown";
        plan.actions.push(Action::Tell(Notice::warning(job, "UnknownCompletionMode", message)));
        return plan;
    }
    let adopted = view.adopt.iter().map(|pod| finalizer::adopt(job, pod));
    let released = view.release.iter().map(|pod| finalizer::release(job, pod));
    plan.all(adopted.chain(released).collect());
    let tally = Tally::of(view);
    let end = End::of(view, &tally);
    if end.is_none()
        && let Some(left) = end::time_left(view)
    {
        plan.requeue(left.unsigned_abs());
    }
    Change::of(view, &tally, end.as_ref()).carry_out(view, &tally, &mut plan);
    plan
}

#[cfg(test)]
mod tests;
