//! Tables for what CronJobs start, keep and tell.

use super::*;
use skiff_apimachinery::doc;
use skiff_client::Verb;

const CREATED: &str = "2026-05-19T09:00:00Z";

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// A CronJob that starts a Job at each full hour.
fn cron_job() -> Document {
    doc!({
        "apiVersion": "batch/v1", "kind": "CronJob",
        "metadata": {"name": "hourly", "namespace": "n", "uid": "c", "creationTimestamp": CREATED},
        "spec": {
            "schedule": "0 * * * ?", "concurrencyPolicy": "Allow", "suspend": false,
            "successfulJobsHistoryLimit": 1, "failedJobsHistoryLimit": 1,
            "jobTemplate": {
                "metadata": {"labels": {"a": "b"}, "annotations": {"x": "y"}},
                "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c"}]}}}
            }
        }
    })
}

fn job(name: &str) -> Document {
    doc!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": name, "namespace": "n", "uid": name, "resourceVersion": "7", "ownerReferences": [
            {"apiVersion": "batch/v1", "kind": "CronJob", "name": "hourly", "uid": "c", "controller": true}
        ]},
        "status": {"startTime": (format!("2026-05-19T09:00:0{}Z", name.len() % 10))}
    })
}

fn ended(name: &str, end: &str) -> Document {
    let mut job = job(name);
    job.set(&["status", "conditions"], doc!([{"type": end, "status": "True"}]));
    job.set(&["status", "completionTime"], "2026-05-19T09:30:00Z");
    job
}

fn with(mut object: Document, path: &[&str], value: impl Into<Document>) -> Document {
    object.set(path, value);
    object
}

/// A CronJob whose status says that these Jobs run.
fn running(cron_job: Document, names: &[&str]) -> Document {
    let active: Document = names.iter().map(|name| doc!({"name": *name, "uid": *name})).collect();
    with(cron_job, &["status", "active"], active)
}

fn world(cron_job: Document, jobs: Vec<Document>) -> World {
    let cached = |object: Document| Arc::new(Cached::decode(Arc::new(object)).unwrap());
    World { cron_job: cached(cron_job), jobs: jobs.into_iter().map(cached).collect() }
}

fn planned(cron_job: Document, jobs: Vec<Document>, now: &str) -> Plan {
    plan(&world(cron_job, jobs), at(now))
}

fn created(plan: &Plan) -> Vec<&str> {
    let creations = plan.writes().filter(|write| write.call.verb == Verb::Create);
    creations.filter_map(|write| write.call.body.as_ref().map(|job| job.name())).collect()
}

fn deleted(plan: &Plan) -> Vec<&str> {
    plan.writes()
        .filter(|write| write.call.verb == Verb::Delete)
        .map(|write| write.call.name.as_str())
        .collect()
}

fn told(plan: &Plan) -> Vec<(&str, &str)> {
    let notices = plan.actions.iter().filter_map(|action| match action {
        Action::Tell(notice) => Some((notice.reason, notice.message.as_str())),
        _ => None,
    });
    notices.collect()
}

#[test]
fn a_time_that_has_come_starts_one_job() {
    let ten = format!("hourly-{}", at("2026-05-19T10:00:00Z").as_second() / 60);
    let twelve = format!("hourly-{}", at("2026-05-19T12:00:00Z").as_second() / 60);
    let since = |time: &str| with(cron_job(), &["status", "lastScheduleTime"], time);
    let cases: [(&str, Document, &str, &[&str]); 9] = [
        ("too early", cron_job(), "2026-05-19T09:59:59Z", &[]),
        ("just in time", cron_job(), "2026-05-19T10:00:00Z", &[&ten]),
        ("a while later", cron_job(), "2026-05-19T10:40:00Z", &[&ten]),
        ("only the last of several", cron_job(), "2026-05-19T12:10:00Z", &[&twelve]),
        ("already started", since("2026-05-19T10:00:00Z"), "2026-05-19T10:00:30Z", &[]),
        ("suspended", with(cron_job(), &["spec", "suspend"], true), "2026-05-19T10:00:00Z", &[]),
        (
            "being deleted",
            with(cron_job(), &["metadata", "deletionTimestamp"], CREATED),
            "2026-05-19T10:00:00Z",
            &[],
        ),
        (
            "within its deadline",
            with(cron_job(), &["spec", "startingDeadlineSeconds"], 60),
            "2026-05-19T10:00:30Z",
            &[&ten],
        ),
        (
            "after its deadline",
            with(cron_job(), &["spec", "startingDeadlineSeconds"], 60),
            "2026-05-19T10:02:00Z",
            &[],
        ),
    ];
    for (what, cron_job, now, wanted) in cases {
        assert_eq!(created(&planned(cron_job, Vec::new(), now)), wanted, "{what}");
    }
}

#[test]
fn a_job_has_the_templates_metadata_its_owner_and_its_time() {
    let zoned = with(cron_job(), &["spec", "timeZone"], "Asia/Kolkata");
    // Full hours there are half hours here.
    let plan = planned(zoned, Vec::new(), "2026-05-19T09:31:00Z");
    let body = plan.writes().next().and_then(|write| write.call.body.clone()).unwrap();
    assert_eq!(
        body["metadata"],
        doc!({
            "name": (format!("hourly-{}", at("2026-05-19T09:30:00Z").as_second() / 60)), "namespace": "n",
            "labels": {"a": "b"},
            "annotations": {"x": "y", (job::SCHEDULED): "2026-05-19T15:00:00+05:30"},
            "ownerReferences": [{
                "apiVersion": "batch/v1", "kind": "CronJob", "name": "hourly", "uid": "c",
                "controller": true, "blockOwnerDeletion": true
            }]
        })
    );
    assert_eq!(body["spec"], cron_job()["spec"]["jobTemplate"]["spec"]);
    let plan = planned(cron_job(), Vec::new(), "2026-05-19T10:00:00Z");
    let body = plan.writes().next().and_then(|write| write.call.body.clone()).unwrap();
    assert_eq!(body.annotation(job::SCHEDULED), Some("2026-05-19T10:00:00Z"));
}

#[test]
fn the_policy_decides_beside_a_running_job() {
    let beside = |policy: &str| {
        let cron_job = with(running(cron_job(), &["old"]), &["spec", "concurrencyPolicy"], policy);
        planned(cron_job, vec![job("old")], "2026-05-19T10:00:00Z")
    };
    let plan = beside("Allow");
    assert_eq!((created(&plan).len(), deleted(&plan)), (1, vec![]));
    let plan = beside("Replace");
    assert_eq!((created(&plan).len(), deleted(&plan)), (1, vec!["old"]));
    let plan = beside("Forbid");
    assert_eq!((created(&plan).len(), deleted(&plan)), (0, vec![]));
    let why = "Not starting job because prior execution is running and concurrency policy is Forbid";
    assert_eq!(told(&plan), [("JobAlreadyActive", why)]);
    // It ended: the status is only not written yet.
    let cron_job = with(running(cron_job(), &["old"]), &["spec", "concurrencyPolicy"], "Forbid");
    let plan = planned(cron_job, vec![ended("old", "Complete")], "2026-05-19T10:00:00Z");
    assert_eq!(created(&plan).len(), 1);
}

#[test]
fn what_is_wrong_is_told() {
    let schedule = |text: &str| with(cron_job(), &["spec", "schedule"], text);
    let late = with(cron_job(), &["spec", "startingDeadlineSeconds"], 60);
    let cases = [
        (
            with(cron_job(), &["spec", "timeZone"], "Moon/Sea"),
            "UnknownTimeZone",
            "invalid timeZone: \"Moon/Sea\": unknown time zone Moon/Sea",
        ),
        (
            schedule("x"),
            "UnparseableSchedule",
            "unparseable schedule: \"x\" : expected exactly 5 fields, found 1: [x]",
        ),
        (
            schedule("59 23 31 2 *"),
            "InvalidSchedule",
            "invalid schedule: \"59 23 31 2 *\" : time difference between two schedules is less than 1 second",
        ),
        (
            with(schedule("* * * * ?"), &["metadata", "creationTimestamp"], "2026-05-19T06:00:00Z"),
            "TooManyMissedTimes",
            "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew",
        ),
        (running(cron_job(), &["gone"]), "MissingJob", "Active job went missing: gone"),
    ];
    for (cron_job, reason, message) in cases {
        let plan = planned(cron_job, Vec::new(), "2026-05-19T09:50:00Z");
        assert_eq!(told(&plan), [(reason, message)]);
    }
    assert_eq!(told(&planned(late, Vec::new(), "2026-05-19T10:02:00Z")), []);
    let plan = planned(cron_job(), vec![job("strange")], "2026-05-19T09:50:00Z");
    let what = "Saw a job that the controller did not create or forgot: strange";
    assert_eq!(told(&plan), [("UnexpectedJob", what)]);
    let plan = planned(running(cron_job(), &["old"]), vec![ended("old", "Failed")], "2026-05-19T09:50:00Z");
    assert_eq!(told(&plan), [("SawCompletedJob", "Saw completed job: old, condition: Failed")]);
}

#[test]
fn it_looks_again_when_the_next_time_has_come() {
    let after = |cron_job: Document, now: &str| planned(cron_job, Vec::new(), now).requeue_after;
    let seconds = |seconds: u64| Some(Duration::from_secs(seconds) + MARGIN);
    assert_eq!(after(cron_job(), "2026-05-19T09:59:00Z"), seconds(60));
    assert_eq!(after(cron_job(), "2026-05-19T10:00:00Z"), seconds(3_600));
    assert_eq!(after(cron_job(), "2026-05-19T13:30:00Z"), seconds(1_800));
    assert_eq!(after(with(cron_job(), &["spec", "suspend"], true), "2026-05-19T13:30:00Z"), None);
}

#[test]
fn the_oldest_ended_jobs_go() {
    let names = ["a", "bb", "ccc"];
    let jobs = names.map(|name| ended(name, "Complete")).into_iter();
    let jobs: Vec<Document> = jobs.chain([ended("dddd", "Failed"), job("eeeee")]).collect();
    let plan = planned(running(cron_job(), &["eeeee"]), jobs.clone(), "2026-05-19T09:50:00Z");
    assert_eq!(deleted(&plan), ["a", "bb"]);
    let none = with(running(cron_job(), &["eeeee"]), &["spec", "failedJobsHistoryLimit"], 0);
    let plan = planned(none, jobs, "2026-05-19T09:50:00Z");
    assert_eq!(deleted(&plan), ["a", "bb", "dddd"]);
}

fn status_after(cron_job: Document, jobs: Vec<Document>, created: Vec<Document>) -> Document {
    let report = Report { created: created.into_iter().map(Arc::new).collect(), ..Report::default() };
    let plan = status::conclude(&world(cron_job, jobs), &report);
    plan.writes()
        .next()
        .and_then(|write| write.call.body.clone())
        .map_or(doc!(null), |object| object["status"].clone())
}

#[test]
fn the_status_tells_what_runs() {
    let started = || with(job("new"), &["metadata", "annotations", job::SCHEDULED], "2026-05-19T10:00:00Z");
    let reference = doc!({
        "apiVersion": "batch/v1", "kind": "Job", "name": "new", "namespace": "n", "resourceVersion": "7", "uid": "new"
    });
    let told = doc!({"active": [(reference.clone())], "lastScheduleTime": "2026-05-19T10:00:00Z"});
    assert_eq!(status_after(cron_job(), vec![], vec![started()]), told);
    // Started before, but not written down.
    assert_eq!(status_after(cron_job(), vec![started()], vec![]), told);
    // Ended.
    let old = running(cron_job(), &["old"]);
    let ended = ended("old", "Complete");
    assert_eq!(
        status_after(old.clone(), vec![ended], vec![]),
        doc!({"lastSuccessfulTime": "2026-05-19T09:30:00Z"})
    );
    // Beside another, and in its place.
    let both = status_after(old.clone(), vec![job("old")], vec![started()]);
    assert_eq!(both.array_at(&["active"]).len(), 2);
    let replacing = with(old, &["spec", "concurrencyPolicy"], "Replace");
    let one = status_after(replacing, vec![job("old")], vec![started()]);
    assert_eq!(one["active"], doc!([reference]));
    // Nothing new is not written.
    assert_eq!(status_after(cron_job(), vec![], vec![]), doc!(null));
}
