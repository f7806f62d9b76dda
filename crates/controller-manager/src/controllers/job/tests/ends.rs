//! How Jobs end, and when they say so.

use super::*;
use crate::controllers::job::job_pod::FAILURES;

const COMPLETED: &str = "True CompletionsReached: Reached expected number of succeeded pods";
const BACKOFF_LIMIT: &str = "True BackoffLimitExceeded: Job has reached the specified backoff limit";
const DEADLINE: &str = "True DeadlineExceeded: Job was active longer than specified deadline";

/// Checks what is announced: of success, and of failure.
fn check(cases: Vec<(&str, Document, Vec<Document>, &str, &str)>) {
    for (case, job, pods, success, failure) in cases {
        let status = sync(job, pods).status;
        assert_eq!(condition(&status, "SuccessCriteriaMet"), success, "{case}");
        assert_eq!(condition(&status, "FailureTarget"), failure, "{case}");
        assert_eq!(condition(&status, "Complete") + &condition(&status, "Failed"), "", "{case}");
    }
}

fn limited(job: Document, limit: i64) -> Document {
    with(job, &["spec", "backoffLimit"], limit)
}

#[test]
fn a_job_succeeds_when_enough_pods_did_and_none_works() {
    let succeeded = |count: usize| pods(count, "Succeeded");
    let counted = with_status(job(2, Some(3)), doc!({"succeeded": 2}));
    check(vec![
        ("all", job(2, Some(2)), succeeded(2), COMPLETED, ""),
        ("not all", job(2, Some(3)), succeeded(2), "", ""),
        ("all with those counted before", counted, succeeded(1), COMPLETED, ""),
        ("none is needed", job(2, Some(0)), vec![], COMPLETED, ""),
        ("a work queue", job(2, None), succeeded(2), COMPLETED, ""),
        (
            "a work queue despite a failure",
            job(2, None),
            all([succeeded(1), pods(1, "Failed")]),
            COMPLETED,
            "",
        ),
        ("a work queue that works", job(2, None), all([succeeded(1), pods(1, "Running")]), "", ""),
        ("one in surplus", job(2, Some(1)), all([succeeded(1), pods(1, "Running")]), COMPLETED, ""),
        (
            "all indexes",
            indexed_job(2, 3),
            indexed(&[("0", "Succeeded"), ("1", "Failed"), ("1", "Succeeded"), ("2", "Succeeded")]),
            COMPLETED,
            "",
        ),
    ]);
}

#[test]
fn a_job_fails_beyond_its_limits() {
    let restarted = |job: Document, restarts: i64| {
        let job = with(job, &["spec", "template", "spec", "restartPolicy"], "OnFailure");
        let statuses = doc!([{"name": "c", "restartCount": restarts}]);
        let pod = with(pod("a", "Running"), &["status", "containerStatuses"], statuses.clone());
        (job, vec![with(pod, &["status", "initContainerStatuses"], statuses)])
    };
    let (often, often_pods) = restarted(limited(job(1, Some(1)), 2), 1);
    let (less, less_pods) = restarted(limited(job(1, Some(1)), 3), 1);
    let (once, once_pods) = restarted(limited(job(1, Some(1)), 0), 1);
    let (never, never_pods) = restarted(limited(job(1, Some(1)), 0), 0);
    let since = |seconds: i64| {
        let job = with_status(job(1, Some(1)), doc!({"startTime": STARTED}));
        with(job, &["spec", "activeDeadlineSeconds"], seconds)
    };
    let counted = with_status(
        limited(job(1, Some(9)), 2),
        doc!({
            "failed": 1, "uncountedTerminatedPods": {"failed": ["gone"]}
        }),
    );
    check(vec![
        ("as many failed as may", limited(job(1, Some(9)), 2), pods(2, "Failed"), "", ""),
        ("more failed", limited(job(1, Some(9)), 2), pods(3, "Failed"), "", BACKOFF_LIMIT),
        ("more with those counted before", counted, pods(1, "Failed"), "", BACKOFF_LIMIT),
        (
            "one goes and may not",
            limited(job(1, Some(1)), 0),
            vec![terminating(pod("a", "Running"))],
            "",
            BACKOFF_LIMIT,
        ),
        ("containers restarted often", often, often_pods, "", BACKOFF_LIMIT),
        ("containers restarted less often", less, less_pods, "", ""),
        ("containers restarted and may not", once, once_pods, "", BACKOFF_LIMIT),
        ("containers did not restart", never, never_pods, "", ""),
        ("too late", since(3600), pods(1, "Running"), "", DEADLINE),
        ("just in time", since(3601), pods(1, "Running"), "", ""),
        ("too late but suspended", with(since(1), &["spec", "suspend"], true), pods(1, "Running"), "", ""),
        ("too late and failed", limited(since(1), 0), pods(1, "Failed"), "", BACKOFF_LIMIT),
        ("too late and done", since(1), pods(1, "Succeeded"), "", DEADLINE),
    ]);
    assert_eq!(sync(since(3601), pods(1, "Running")).again_after, Some(1));
}

#[test]
fn a_policy_ends_a_job_at_the_first_failure_that_matters() {
    let exited = |name: &str| {
        with(
            pod(name, "Failed"),
            &["status", "containerStatuses"],
            doc!([{"name": "main", "state": {"terminated": {"exitCode": 42}}}]),
        )
    };
    let rules = doc!({"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}]});
    let judged = with(replacing_failed_only(job(2, Some(2))), &["spec", "podFailurePolicy"], rules);
    let why = "True PodFailurePolicy: Container main for pod n/a failed with exit code 42 matching FailJob rule at index 0";
    // A pod that goes has not failed yet, but may have a container that did.
    let leaving = with(terminating(exited("a")), &["status", "phase"], "Running");
    check(vec![
        ("one that matters", judged.clone(), vec![exited("a"), exited("b")], "", why),
        ("one that was counted before", judged.clone(), vec![untracked(exited("a"))], "", why),
        ("one that has not failed yet", judged.clone(), vec![leaving], "", ""),
        ("one like any other", judged, pods(1, "Failed"), "", ""),
    ]);
}

#[test]
fn jobs_end_by_their_indexes() {
    let per_index =
        |completions: i64| with(indexed_job(2, completions), &["spec", "backoffLimitPerIndex"], 0);
    let most = |most: i64| with(per_index(9), &["spec", "maxFailedIndexes"], most);
    let failed = |index: &str| {
        let pod = indexed(&[(index, "Failed")]).remove(0);
        with(pod, &["metadata", "annotations", FAILURES], "0")
    };
    let two = || vec![failed("0"), failed("1")];
    let rest = || all([two(), indexed(&[("2", "Succeeded")])]);
    let enough =
        |rule: Document| with(indexed_job(2, 9), &["spec", "successPolicy"], doc!({"rules": [rule]}));
    let succeeded = || indexed(&[("0", "Succeeded"), ("3", "Succeeded"), ("4", "Running")]);
    let exceeded =
        "True MaxFailedIndexesExceeded: Job has exceeded the specified maximal number of failed indexes";
    let met = "True SuccessPolicy: Matched rules at index 0";
    let told = |job: Document| with_status(job, doc!({"failedIndexes": "7"}));
    check(vec![
        ("as many failed as may", most(2), two(), "", ""),
        ("more failed", most(1), two(), "", exceeded),
        ("more with those told before", told(most(2)), two(), "", exceeded),
        (
            "some failed and all are over",
            per_index(3),
            rest(),
            "",
            "True FailedIndexes: Job has failed indexes",
        ),
        ("some failed and one is not over", per_index(4), rest(), "", ""),
        ("enough indexes", enough(doc!({"succeededIndexes": "0,3"})), succeeded(), met, ""),
        ("other indexes", enough(doc!({"succeededIndexes": "0-3"})), succeeded(), "", ""),
        ("enough of them", enough(doc!({"succeededCount": 2})), succeeded(), met, ""),
        ("too few of them", enough(doc!({"succeededCount": 3})), succeeded(), "", ""),
        (
            "too many failures",
            limited(enough(doc!({"succeededCount": 1})), 0),
            all([succeeded(), two()]),
            "",
            BACKOFF_LIMIT,
        ),
    ]);
}

#[test]
fn the_pods_of_a_job_that_fails_go_and_count_as_failed() {
    let running = pods(2, "Running").into_iter().map(ready).collect();
    let sync = sync(limited(job(2, Some(3)), 0), all([running, pods(1, "Failed"), pods(1, "Succeeded")]));
    assert_eq!(sync.done, ["delete running0", "delete running1"]);
    let expected = doc!({
        "ready": 0, "terminating": 2, "uncountedTerminatedPods": {
            "succeeded": ["succeeded0"], "failed": ["running0", "running1", "failed0"]
        }
    });
    assert_eq!(counts(&sync.status), expected);
    assert_eq!(sync.freed, ["running0", "running1", "failed0", "succeeded0"]);
}

#[test]
fn the_pods_of_a_job_that_has_enough_go_and_count_for_nothing() {
    let job = with(indexed_job(2, 3), &["spec", "successPolicy"], doc!({"rules": [{"succeededCount": 1}]}));
    let sync = sync(job, indexed(&[("0", "Succeeded"), ("1", "Running")]));
    assert_eq!(sync.done, ["delete running-1-1"]);
    let expected = doc!({
        "succeeded": 1, "completedIndexes": "0", "ready": 0, "terminating": 1, "uncountedTerminatedPods": {}
    });
    assert_eq!(counts(&sync.status), expected);
    assert_eq!(sync.freed, ["succeeded-0-0", "running-1-1"]);
}

#[test]
fn an_end_is_not_announced_while_a_pod_could_not_be_stopped() {
    let view = view(limited(job(2, Some(3)), 0), all([pods(2, "Running"), pods(1, "Failed")]));
    let sync = with_report(&view, &refused(&plan(&view), Verb::Delete));
    assert_eq!(condition(&sync.status, "FailureTarget"), "");
    assert_eq!(sync.status.i64_at(&["active"]), Some(2));
    assert_eq!(sync.freed, ["failed0"]);
}

/// Takes the finalizer off pods, and what goes away.
fn freed(pods: Vec<Document>) -> Vec<Document> {
    let freed = pods.into_iter().map(untracked);
    freed.filter(|pod| pod.deletion_timestamp().is_none()).collect()
}

#[test]
fn a_job_is_complete_once_its_pods_are_counted() {
    let job = |status: &Document| with_status(job(2, Some(2)), status.clone());
    let pods = pods(2, "Succeeded");
    let announced = sync(job(&Document::object()), pods.clone());
    assert_eq!((announced.told.len(), announced.freed.len()), (0, 2));
    // The finalizers are not off yet, or not to be seen so.
    let waiting = sync(job(&announced.status), pods.clone());
    assert_eq!((&waiting.status, waiting.freed.len()), (&announced.status, 2));
    let complete = sync(job(&announced.status), freed(pods));
    assert_eq!(condition(&complete.status, "Complete"), COMPLETED);
    assert_eq!(condition(&complete.status, "SuccessCriteriaMet"), COMPLETED);
    assert_eq!(complete.told, [("Completed", "Job completed".to_owned())]);
    let expected = doc!({
        "succeeded": 2, "ready": 0, "terminating": 0, "completionTime": NOW, "uncountedTerminatedPods": {}
    });
    assert_eq!(counts(&complete.status), expected);
}

#[test]
fn a_job_has_failed_once_its_pods_are_gone() {
    let job = |status: &Document| with_status(limited(job(1, Some(2)), 0), status.clone());
    let running = pod("a", "Running");
    let announced = sync(job(&Document::object()), vec![running.clone(), pod("b", "Failed")]);
    let leaving = untracked(terminating(running));
    let waiting = sync(job(&announced.status), vec![leaving]);
    assert_eq!(condition(&waiting.status, "Failed"), "");
    assert_eq!(waiting.status.i64_at(&["failed"]), Some(2));
    assert_eq!(waiting.status.i64_at(&["terminating"]), Some(1));
    let failed = sync(job(&waiting.status), vec![]);
    assert_eq!(condition(&failed.status, "Failed"), BACKOFF_LIMIT);
    assert_eq!(condition(&failed.status, "FailureTarget"), BACKOFF_LIMIT);
    let why = "Job has reached the specified backoff limit".to_owned();
    assert_eq!(failed.told, [("BackoffLimitExceeded", why)]);
    assert_eq!(failed.status.get("completionTime"), None);
}

#[test]
fn what_was_announced_is_not_judged_again() {
    let announced = |kind: &str, status: &str| doc!({"failed": 9, "conditions": [{"type": kind, "status": status, "reason": "Given", "message": "Before"}]});
    let ended = |status: Document| sync(with_status(job(1, Some(1)), status), vec![]);
    let success = ended(announced("SuccessCriteriaMet", "True"));
    assert_eq!(condition(&success.status, "Complete"), "True Given: Before");
    let failure = ended(announced("FailureTarget", "True"));
    assert_eq!(condition(&failure.status, "Failed"), "True Given: Before");
    assert_eq!(failure.told, [("Failed", "Before".to_owned())]);
    // What someone wrote by hand that does not hold is no announcement.
    for kind in ["SuccessCriteriaMet", "FailureTarget"] {
        let mut told = announced(kind, "False");
        told.remove(&["failed"]);
        let sync = sync(with_status(job(1, Some(1)), told.clone()), pods(1, "Running"));
        assert_eq!(sync.status["conditions"], told["conditions"], "{kind}");
    }
}

#[test]
fn too_many_successes_are_told() {
    let status = doc!({"succeeded": 3, "conditions": [{"type": "SuccessCriteriaMet", "status": "True"}]});
    let sync = sync(with_status(job(2, Some(2)), status), vec![]);
    let told: Vec<(&str, &str)> =
        sync.told.iter().map(|(reason, message)| (*reason, message.as_str())).collect();
    let expected = [
        ("TooManySucceededPods", "Too many succeeded pods running after completion count reached"),
        ("Completed", "Job completed"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn who_has_ended_or_is_managed_elsewhere_is_known() {
    let ended = |kind: &str, status: &str| {
        let conditions = doc!([{"type": kind, "status": status}]);
        conditions::finished(&with(job(1, None), &["status", "conditions"], conditions)).is_some()
    };
    assert!(ended("Complete", "True") && ended("Failed", "True"));
    assert!(!ended("Failed", "False") && !ended("FailureTarget", "True"));
    let managed_by = |name: &str| {
        let job = with(job(1, None), &["spec", "managedBy"], name);
        Spec::of(&job).managed_by().map(str::to_owned)
    };
    assert_eq!(managed_by("kubernetes.io/job-controller"), None);
    assert_eq!(managed_by("example.com/kueue").as_deref(), Some("example.com/kueue"));
    assert_eq!(Spec::of(&job(1, None)).managed_by(), None);
}
