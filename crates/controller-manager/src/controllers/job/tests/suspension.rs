//! Jobs that are suspended, and resumed (KEP-2232).

use super::*;

fn suspended(job: Document) -> Document {
    with(job, &["spec", "suspend"], true)
}

const SUSPENDED: &str = "True JobSuspended: Job suspended";
const RESUMED: &str = "False JobResumed: Job resumed";

/// A status that says that the Job was suspended after it ran.
fn was_suspended() -> Document {
    doc!({"startTime": STARTED, "conditions": [
        {"type": "Suspended", "status": "True", "reason": "JobSuspended", "message": "Job suspended"}
    ]})
}

#[test]
fn a_suspended_job_stops_its_pods() {
    let sync = sync(suspended(job(2, Some(4))), pods(2, "Running").into_iter().map(ready).collect());
    assert_eq!(sync.done, ["free running0", "free running1", "delete running0", "delete running1"]);
    assert_eq!(condition(&sync.status, "Suspended"), SUSPENDED);
    assert_eq!(sync.told, [("Suspended", "Job suspended".to_owned())]);
    assert_eq!(counts(&sync.status), doc!({"ready": 0, "terminating": 2, "uncountedTerminatedPods": {}}));
    // It never began.
    assert_eq!(sync.status.str_at(&["startTime"]), "");
    let again = super::sync(with_status(suspended(job(2, Some(4))), sync.status.clone()), vec![]);
    assert!(again.told.is_empty());
    assert_eq!(condition(&again.status, "Suspended"), SUSPENDED);
}

#[test]
fn a_resumed_job_starts_anew() {
    let resumed = with_status(job(2, Some(4)), was_suspended());
    let sync = sync(with(resumed, &["spec", "activeDeadlineSeconds"], 60), vec![]);
    assert_eq!(sync.done, ["create", "create"]);
    assert_eq!(condition(&sync.status, "Suspended"), RESUMED);
    assert_eq!(sync.told, [("Resumed", "Job resumed".to_owned())]);
    assert_eq!(sync.status.str_at(&["startTime"]), NOW);
    assert_eq!(sync.again_after, Some(60));
}

#[test]
fn suspension_is_not_told_of_jobs_that_it_does_not_touch() {
    let started = doc!({"startTime": STARTED});
    let deleted = with(job(2, Some(4)), &["metadata", "deletionTimestamp"], NOW);
    let cases = [
        ("never suspended", with_status(job(2, Some(4)), started), pods(2, "Running")),
        ("suspended and deleted", suspended(deleted), pods(2, "Running")),
        ("suspended and done", suspended(job(2, Some(1))), pods(1, "Succeeded")),
    ];
    for (case, job, pods) in cases {
        let sync = sync(job, pods);
        assert_eq!(condition(&sync.status, "Suspended"), "", "{case}");
        assert!(sync.told.is_empty(), "{case}");
    }
}

#[test]
fn a_suspended_job_keeps_when_it_started() {
    let sync = sync(with_status(suspended(job(2, Some(4))), was_suspended()), vec![]);
    assert_eq!(sync.status.str_at(&["startTime"]), STARTED);
}
