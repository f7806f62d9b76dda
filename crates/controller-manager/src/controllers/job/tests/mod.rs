//! Jobs and pods for the tables, and what one sync of them does.

mod ends;
mod laws;
mod recording;
mod retries;
mod running;
mod suspension;

use super::job_pod::INDEX;
use super::*;
use crate::plan::{Failure, Write};
use skiff_apimachinery::{Document, Reason, doc};
use skiff_client::{Cached, Verb};

const NOW: &str = "2026-01-01T12:00:00Z";
const STARTED: &str = "2026-01-01T11:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn with(mut object: Document, path: &[&str], value: impl Into<Document>) -> Document {
    object.set(path, value);
    object
}

/// A Job that runs so many pods at a time.
fn job(parallelism: i64, completions: Option<i64>) -> Document {
    let mut job = doc!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "j", "namespace": "n", "uid": "job", "resourceVersion": "1"},
        "spec": {
            "parallelism": parallelism, "backoffLimit": 6, "completionMode": "NonIndexed", "suspend": false,
            "podReplacementPolicy": "TerminatingOrFailed", "selector": {"matchLabels": {"app": "j"}},
            "template": {
                "metadata": {"labels": {"app": "j"}},
                "spec": {"restartPolicy": "Never", "containers": [{"name": "c"}]}
            }
        }
    });
    if let Some(completions) = completions {
        job.set(&["spec", "completions"], completions);
    }
    job
}

/// A Job whose pods have indexes.
fn indexed_job(parallelism: i64, completions: i64) -> Document {
    with(job(parallelism, Some(completions)), &["spec", "completionMode"], "Indexed")
}

fn replacing_failed_only(job: Document) -> Document {
    with(job, &["spec", "podReplacementPolicy"], "Failed")
}

fn with_status(job: Document, status: Document) -> Document {
    with(job, &["status"], status)
}

/// A pod of the Job in a phase, since an hour.
fn pod(name: &str, phase: &str) -> Document {
    doc!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "n", "uid": name, "labels": {"app": "j"},
            "creationTimestamp": STARTED, "finalizers": [(finalizer::FINALIZER)],
            "ownerReferences": [
                {"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "job", "controller": true}
            ]},
        "spec": {"nodeName": "node", "containers": []},
        "status": {"phase": phase}
    })
}

/// Pods of the Job in a phase.
fn pods(count: usize, phase: &str) -> Vec<Document> {
    (0..count).map(|number| pod(&format!("{}{number}", phase.to_lowercase()), phase)).collect()
}

/// Pods of the Job by index and phase; each is named for both.
fn indexed(pods: &[(&str, &str)]) -> Vec<Document> {
    let named = |(position, (index, phase)): (usize, &(&str, &str))| {
        let name = format!("{}-{index}-{position}", phase.to_lowercase());
        with(pod(&name, phase), &["metadata", "annotations", INDEX], *index)
    };
    pods.iter().enumerate().map(named).collect()
}

fn ready(pod: Document) -> Document {
    with(
        pod,
        &["status", "conditions"],
        doc!([{"type": "Ready", "status": "True", "lastTransitionTime": STARTED}]),
    )
}

fn terminating(pod: Document) -> Document {
    with(pod, &["metadata", "deletionTimestamp"], STARTED)
}

fn untracked(mut pod: Document) -> Document {
    pod.remove(&["metadata", "finalizers"]);
    pod
}

fn all(groups: impl IntoIterator<Item = Vec<Document>>) -> Vec<Document> {
    groups.into_iter().flatten().collect()
}

fn remembering(job: Document, pods: Vec<Document>, backoffs: &mut Backoffs, now: Timestamp) -> View {
    let job: Arc<Cached<Untyped>> = Arc::new(Cached::decode(Arc::new(job)).unwrap());
    let pods = pods.into_iter().map(|pod| -> CachedPod { Arc::new(Cached::decode(Arc::new(pod)).unwrap()) });
    let claimed = ownership::claim(&job, &selector_of(&job), pods);
    View::new(job, claimed, backoffs, now)
}

fn view(job: Document, pods: Vec<Document>) -> View {
    remembering(job, pods, &mut Backoffs::default(), now())
}

/// What a sync does.
#[derive(Debug)]
struct SyncResult {
    /// What is done about pods, each as `verb name`; creations for an index as `create INDEX`.
    done: Vec<String>,
    /// The status at its end.
    status: Document,
    /// The pods that are let go after the status was written.
    freed: Vec<String>,
    /// Reason and text of the events that it tells by itself.
    told: Vec<(&'static str, String)>,
    /// When the next one is due by time alone.
    again_after: Option<u64>,
}

/// One whose writes all succeed.
fn sync(job: Document, pods: Vec<Document>) -> SyncResult {
    synced(&view(job, pods))
}

fn synced(view: &View) -> SyncResult {
    let plan = plan(view);
    let created = plan.writes().filter(|write| write.call.verb == Verb::Create);
    let created = created.filter_map(|write| write.call.body.clone()).map(Arc::new).collect();
    with_report(view, &Report { created, failures: Vec::new() })
}

/// One whose writes came to this.
fn with_report(view: &View, report: &Report) -> SyncResult {
    let (plan, conclusion) = (plan(view), status::conclude(view, report));
    let told = plan.actions.iter().chain(&conclusion.actions).filter_map(|action| match action {
        Action::Tell(notice) => Some((notice.reason, notice.message.clone())),
        _ => None,
    });
    let (statuses, freed): (Vec<&Write>, Vec<&Write>) =
        conclusion.writes().partition(|write| write.call.verb == Verb::Update);
    let written = statuses.first().and_then(|write| write.call.body.as_ref());
    SyncResult {
        done: plan.writes().map(name).collect(),
        status: written.unwrap_or(&view.job.object)["status"].clone(),
        freed: freed.iter().map(|write| write.call.name.clone()).collect(),
        told: told.collect(),
        again_after: plan.requeue_after.map(|after| after.as_secs()),
    }
}

fn name(write: &Write) -> String {
    let call = &write.call;
    let body = call.body.as_ref().unwrap();
    let verb = match call.verb {
        Verb::Create => {
            return format!("create {}", body.annotation(INDEX).unwrap_or("")).trim_end().to_owned();
        }
        Verb::Delete => "delete",
        _ => match body.array_at(&["metadata", "ownerReferences"]).first() {
            Some(owner) if owner.get("$patch").is_some() => "release",
            Some(_) => "adopt",
            None => "free",
        },
    };
    format!("{verb} {}", call.name)
}

/// The condition of a type, as `STATUS REASON: MESSAGE`; empty if there is none.
fn condition(status: &Document, kind: &str) -> String {
    let told = status.array_at(&["conditions"]).iter().find(|told| told.str_at(&["type"]) == kind);
    told.map_or_else(String::new, |told| {
        let text = |field: &str| told.str_at(&[field]);
        format!("{} {}: {}", text("status"), text("reason"), text("message"))
    })
}

/// The counts of a status.
fn counts(status: &Document) -> Document {
    let mut counts = status.clone();
    for field in ["startTime", "conditions"] {
        counts.remove(&[field]);
    }
    counts
}

/// A report of writes of one kind that were refused.
fn refused(plan: &Plan, verb: Verb) -> Report {
    let refused = plan.writes().filter(|write| write.call.verb == verb);
    let failures = refused
        .map(|write| Failure { call: write.call.clone(), status: Status::new(403, Reason::Forbidden, "no") });
    Report { failures: failures.collect(), created: Vec::new() }
}

#[test]
fn a_job_of_an_unknown_mode_is_left_alone() {
    let sync = sync(with(job(1, Some(1)), &["spec", "completionMode"], "Random"), vec![]);
    assert_eq!((sync.done.len(), &sync.status), (0, &doc!(null)));
    let message = "Skipped Job sync because completion mode is unknown".to_owned();
    assert_eq!(sync.told, [("UnknownCompletionMode", message)]);
}
