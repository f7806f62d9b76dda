//! `cronjob-controller`: starts Jobs at the times of a schedule.
//!
//! Reads CronJobs and the Jobs that they control; creates and deletes Jobs, writes the CronJob's status. Of several times
//! that were missed only the last is made up for, unless it is too late for that. A Job's name is made of its time, so one
//! time never starts two.

mod history;
mod job;
mod schedule;
mod status;

use crate::controller::{Context, Controller, observed};
use crate::ownership::controller_uid;
use crate::plan::{Action, Ending, Notice, Plan, Report, Write};
use crate::sources::Sources;
use futures::future::BoxFuture;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use schedule::{Missed, Times};
use skiff_apimachinery::cron::{Schedule, zone};
use skiff_apimachinery::meta::ObjectKey;
use skiff_apimachinery::time::parse_time;
use skiff_apimachinery::{Document, Status};
use skiff_client::resources::{CRON_JOBS, JOBS};
use skiff_client::{Cached, Event, Index, Informer, Selection, Untyped};
use std::sync::Arc;
use std::time::Duration;

/// A time is looked at a little later, so that it has come.
const MARGIN: Duration = Duration::from_millis(100);

/// The controller.
pub struct CronJobController {
    cron_jobs: Informer<Untyped>,
    jobs: Informer<Untyped>,
    jobs_by_controller: Index<Untyped>,
}

/// One CronJob and the Jobs that it controls.
pub struct World {
    cron_job: Arc<Cached<Untyped>>,
    jobs: Vec<Arc<Cached<Untyped>>>,
}

impl Controller for CronJobController {
    const NAME: &'static str = "cronjob-controller";
    const IDENTITY: &'static str = "cronjob-controller";
    const QUEUE: &'static str = "cronjob";

    type Key = ObjectKey;
    type World = World;

    fn new(context: &Context) -> Self {
        let jobs = context.informers.of(&JOBS, Selection::default());
        let jobs_by_controller =
            jobs.index("controller", |job| controller_uid(job).map(str::to_owned).into_iter().collect());
        Self { cron_jobs: context.informers.of(&CRON_JOBS, Selection::default()), jobs_by_controller, jobs }
    }

    fn sources(&self, sources: &mut Sources<ObjectKey>) {
        sources.watch(&self.cron_jobs, |event| [event.object().key()]);
        sources.watch(&self.jobs, interested);
    }

    fn observe<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<World>, Status>> {
        observed(self.cron_jobs.get(&key.namespace, &key.name).map(|cron_job| {
            let jobs = self.jobs_by_controller.get(cron_job.uid());
            World { cron_job, jobs }
        }))
    }

    fn plan(world: &World, now: Timestamp) -> Plan {
        plan(world, now)
    }

    fn conclude(world: &World, report: &Report, _now: Timestamp) -> Plan {
        status::conclude(world, report)
    }
}

/// The CronJob that controls a Job.
fn interested(event: &Event<Untyped>) -> Option<ObjectKey> {
    let job = event.object();
    let owner = job.controller_ref()?;
    (owner.str_at(&["kind"]) == "CronJob").then(|| ObjectKey::new(job.namespace(), owner.str_at(&["name"])))
}

impl World {
    fn spec(&self) -> &Document {
        &self.cron_job["spec"]
    }

    /// The Jobs that the status says are running.
    fn active(&self) -> &[Document] {
        self.cron_job.array_at(&["status", "active"])
    }

    fn is_active(&self, job: &Document) -> bool {
        self.active().iter().any(|reference| reference.str_at(&["uid"]) == job.uid())
    }

    /// The Job that a reference of the status names.
    fn job(&self, reference: &Document) -> Option<&Arc<Cached<Untyped>>> {
        self.jobs.iter().find(|job| job.uid() == reference.str_at(&["uid"]))
    }

    /// The time zone, or the text of one that nobody knows.
    fn zone(&self) -> Result<TimeZone, String> {
        let name = self.spec().str_at(&["timeZone"]);
        if name.is_empty() {
            return Ok(TimeZone::system());
        }
        zone::load(name).map_err(|why| format!("invalid timeZone: {name:?}: {why}"))
    }

    fn times<'a>(&'a self, schedule: &'a Schedule, zone: &'a TimeZone) -> Times<'a> {
        let last = parse_time(self.cron_job.str_at(&["status", "lastScheduleTime"]));
        let created = parse_time(self.cron_job.str_at(&["metadata", "creationTimestamp"]));
        Times { schedule, zone, since: last.or(created).unwrap_or(Timestamp::UNIX_EPOCH), last }
    }
}

fn plan(world: &World, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    plan.actions.extend(status::tell(world).into_iter().map(Action::Tell));
    if world.cron_job.deletion_timestamp().is_none() {
        start(world, now, &mut plan);
    }
    plan.all(history::surplus(world).into_iter().map(|job| deletion(world, job)).collect());
    plan
}

/// Starts what is due.
fn start(world: &World, now: Timestamp, plan: &mut Plan) {
    let (cron_job, spec) = (&*world.cron_job, world.spec());
    let mut warn = |reason, message: String| {
        plan.actions.push(Action::Tell(Notice::warning(cron_job, reason, message)));
    };
    let zone = match world.zone() {
        Ok(zone) => zone,
        Err(why) => return warn("UnknownTimeZone", why),
    };
    if spec.bool_at(&["suspend"]).unwrap_or(false) {
        return;
    }
    let text = spec.str_at(&["schedule"]);
    if text.contains("TZ") {
        let advice = "is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details";
        warn("UnsupportedSchedule", format!("CRON_TZ or TZ used in schedule {text:?} {advice}"));
    }
    let schedule = match Schedule::parse(text) {
        Ok(schedule) => schedule,
        Err(why) => {
            return warn("UnparseableSchedule", format!("unparseable schedule: {text:?} : {why}"));
        }
    };
    let times = world.times(&schedule, &zone);
    let deadline = spec.i64_at(&["startingDeadlineSeconds"]);
    let (due, missed) = match times.due(now, deadline) {
        Ok(due) => due,
        Err(why) => return warn("InvalidSchedule", format!("invalid schedule: {text:?} : {why}")),
    };
    if missed == Missed::Many {
        let advice =
            "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
        warn("TooManyMissedTimes", advice.to_owned());
    }
    if let Some(wait) = times.wait(now) {
        plan.requeue(wait.saturating_add(MARGIN));
    }
    let Some(due) = due else { return };
    if deadline.is_some_and(|deadline| schedule::is_over(due, deadline, now)) {
        let when = due.strftime("%a, %d %b %Y %H:%M:%S +0000");
        let told = Notice::warning(
            cron_job,
            "MissSchedule",
            format!("Missed scheduled time to start a job: {when}"),
        );
        plan.actions.push(Action::Tell(told));
        return;
    }
    let name = job::name(cron_job, due);
    let begun = world.active().iter().any(|reference| reference.str_at(&["name"]) == name);
    if begun || times.last == Some(due) {
        return;
    }
    match spec.str_at(&["concurrencyPolicy"]) {
        "Forbid" if !status::running(world).is_empty() => {
            let why = "Not starting job because prior execution is running and concurrency policy is Forbid";
            plan.actions.push(Action::Tell(Notice::normal(cron_job, "JobAlreadyActive", why)));
            return;
        }
        "Replace" => {
            let running = status::running(world).into_iter().filter_map(|reference| world.job(reference));
            plan.all(running.map(|job| deletion(world, job)).collect());
        }
        _ => {}
    }
    let created = Write::create(&JOBS, cron_job.namespace(), job::of(cron_job, due, &zone))
        .on_success(Notice::normal(cron_job, "SuccessfulCreate", "Created job ").ending(Ending::ObjectName))
        .on_failure(Notice::warning(cron_job, "FailedCreate", "Error creating job: ").ending(Ending::Error));
    plan.write(created);
}

fn deletion(world: &World, job: &Cached<Untyped>) -> Write {
    let cron_job = &*world.cron_job;
    let options = skiff_client::DeleteOptions {
        uid: Some(job.uid().to_owned()),
        propagation_policy: Some("Background"),
        ..skiff_client::DeleteOptions::default()
    };
    Write::delete_with(&JOBS, job, &options)
        .on_success(Notice::normal(cron_job, "SuccessfulDelete", format!("Deleted job {}", job.name())))
        .on_failure(Notice::warning(cron_job, "FailedDelete", "Deleted job: ").ending(Ending::Error))
}

#[cfg(test)]
mod tests;
