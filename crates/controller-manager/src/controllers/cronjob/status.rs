//! A CronJob's status: which Jobs run, when the last one was due, when the last one succeeded.

use super::World;
use super::history::ended;
use super::job::SCHEDULED;
use crate::plan::{Notice, Plan, Report, Write, with_status};
use skiff_apimachinery::time::{format_time, parse_time};
use skiff_apimachinery::{Document, doc};
use skiff_client::resources::CRON_JOBS;

/// What happened to the Jobs since.
pub(super) fn tell(world: &World) -> Vec<Notice> {
    let cron_job = &*world.cron_job;
    let mut out = Vec::new();
    for job in &world.jobs {
        match (world.is_active(job), ended(job)) {
            (true, Some(end)) => {
                let what = format!("Saw completed job: {}, condition: {end}", job.name());
                out.push(Notice::normal(cron_job, "SawCompletedJob", what));
            }
            (false, None) if !is_forgotten(world, job) => {
                let what = format!("Saw a job that the controller did not create or forgot: {}", job.name());
                out.push(Notice::warning(cron_job, "UnexpectedJob", what));
            }
            _ => {}
        }
    }
    for reference in world.active().iter().filter(|reference| world.job(reference).is_none()) {
        let what = format!("Active job went missing: {}", reference.str_at(&["name"]));
        out.push(Notice::normal(cron_job, "MissingJob", what));
    }
    out
}

/// Whether a Job was started here, but the status was not written any more.
fn is_forgotten(world: &World, job: &Document) -> bool {
    let due = job.annotation(SCHEDULED).and_then(parse_time);
    let last = parse_time(world.cron_job.str_at(&["status", "lastScheduleTime"]));
    due.is_some_and(|due| last.is_none_or(|last| due > last))
}

/// The references of the status to Jobs that still run.
pub(super) fn running(world: &World) -> Vec<&Document> {
    let runs = |reference: &&Document| world.job(reference).is_some_and(|job| ended(job).is_none());
    world.active().iter().filter(runs).collect()
}

pub(super) fn conclude(world: &World, report: &Report) -> Plan {
    let mut plan = Plan::default();
    if let Some(changed) = with_status(&world.cron_job, status(world, report)) {
        plan.write(Write::update_status(&CRON_JOBS, changed));
    }
    plan
}

fn status(world: &World, report: &Report) -> Document {
    let mut status = world.cron_job.get("status").cloned().unwrap_or_else(Document::object);
    let started = report.created.iter().map(|job| &**job);
    let forgotten = world
        .jobs
        .iter()
        .filter(|job| !world.is_active(job) && ended(job).is_none() && is_forgotten(world, job));
    let started: Vec<&Document> = started.chain(forgotten.map(|job| &*job.object)).collect();
    let replaced = !report.created.is_empty() && world.spec().str_at(&["concurrencyPolicy"]) == "Replace";
    let kept = if replaced { Vec::new() } else { running(world) };
    let mut active: Vec<Document> = kept.into_iter().cloned().collect();
    active.extend(started.iter().map(|job| reference(job)));
    if active.is_empty() {
        status.remove(&["active"]);
    } else {
        status.insert("active", active);
    }
    let due = started.iter().filter_map(|job| job.annotation(SCHEDULED).and_then(parse_time)).max();
    if let Some(due) = due {
        status.insert("lastScheduleTime", format_time(due));
    }
    let succeeded = world.jobs.iter().filter(|job| ended(job) == Some("Complete"));
    let succeeded = succeeded.filter_map(|job| parse_time(job.str_at(&["status", "completionTime"]))).max();
    let before = parse_time(status.str_at(&["lastSuccessfulTime"]));
    if let Some(time) = succeeded.filter(|time| before.is_none_or(|before| *time > before)) {
        status.insert("lastSuccessfulTime", format_time(time));
    }
    status
}

/// A reference as the status keeps it.
fn reference(job: &Document) -> Document {
    doc!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": job.name(),
        "namespace": job.namespace(),
        "resourceVersion": job.resource_version(),
        "uid": job.uid()
    })
}
