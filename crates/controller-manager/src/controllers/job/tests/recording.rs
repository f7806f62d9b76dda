//! What the status tells, and when pods are let go.

use super::*;

#[test]
fn the_status_of_a_first_sync_is_complete() {
    let sync = sync(job(2, Some(5)), vec![]);
    let expected = doc!({
        "startTime": NOW, "active": 2, "ready": 0, "terminating": 0, "uncountedTerminatedPods": {}
    });
    assert_eq!(sync.status, expected);
    let settled = with_status(job(2, Some(5)), expected);
    let conclusion = status::conclude(&view(settled, pods(2, "Running")), &Report::default());
    assert_eq!(conclusion, Plan::nothing(), "a second look changes nothing");
}

#[test]
fn pods_are_told_by_what_they_do() {
    let ending = with(job(2, Some(5)), &["metadata", "deletionTimestamp"], NOW);
    let ended = doc!({"succeeded": ["succeeded0"], "failed": ["failed0"]});
    let readied = |count: usize| pods(count, "Running").into_iter().map(ready).collect::<Vec<_>>();
    let leaving = || vec![terminating(pod("leaving", "Running"))];
    let cases = [
        (
            "some are ready",
            job(3, Some(5)),
            all([readied(2), vec![pod("a", "Running")]]),
            doc!({"active": 3, "ready": 2, "terminating": 0, "uncountedTerminatedPods": {}}),
            vec![],
        ),
        (
            "some are in surplus",
            job(2, Some(5)),
            readied(3),
            doc!({"active": 2, "ready": 2, "terminating": 1, "uncountedTerminatedPods": {}}),
            vec![],
        ),
        (
            "some ended",
            job(2, Some(5)),
            all([pods(1, "Running"), pods(1, "Succeeded"), pods(1, "Failed")]),
            doc!({"active": 2, "ready": 0, "terminating": 0, "uncountedTerminatedPods": (ended.clone())}),
            vec!["succeeded0", "failed0"],
        ),
        (
            "one goes",
            job(1, Some(1)),
            leaving(),
            doc!({"active": 1, "ready": 0, "terminating": 1, "uncountedTerminatedPods": {"failed": ["leaving"]}}),
            vec!["leaving"],
        ),
        (
            "one goes and is awaited",
            replacing_failed_only(job(1, Some(1))),
            leaving(),
            doc!({"ready": 0, "terminating": 1, "uncountedTerminatedPods": {}}),
            vec![],
        ),
        (
            "the Job is being deleted",
            ending,
            all([pods(1, "Pending"), pods(1, "Running"), pods(1, "Succeeded")]),
            doc!({
                "active": 2, "ready": 0, "terminating": 0,
                "uncountedTerminatedPods": {"succeeded": ["succeeded0"]}
            }),
            vec!["pending0", "running0", "succeeded0"],
        ),
    ];
    for (case, job, pods, expected, freed) in cases {
        let sync = sync(job, pods);
        assert_eq!(counts(&sync.status), expected, "{case}");
        assert_eq!(sync.freed, freed, "{case}");
    }
}

#[test]
fn pods_are_counted_when_they_are_kept_no_longer() {
    let job = with_status(
        job(2, Some(9)),
        doc!({
            "startTime": STARTED, "succeeded": 2, "failed": 1,
            "uncountedTerminatedPods": {"succeeded": ["gone", "a", "b"], "failed": ["c", "d"]}
        }),
    );
    let pods = vec![
        untracked(pod("a", "Succeeded")),
        pod("b", "Succeeded"),
        untracked(pod("c", "Failed")),
        // It was taken for failed when it was deleted, and did its work all the same.
        pod("d", "Succeeded"),
        untracked(pod("counted", "Succeeded")),
    ];
    let sync = sync(job, pods);
    let expected = doc!({
        "active": 2, "ready": 0, "terminating": 0, "succeeded": 4, "failed": 2,
        "uncountedTerminatedPods": {"succeeded": ["b"], "failed": ["d"]}
    });
    assert_eq!(counts(&sync.status), expected);
    assert_eq!(sync.freed, ["b", "d"]);
    assert_eq!(sync.done, ["create", "create"]);
}

#[test]
fn at_most_five_hundred_pods_are_taken_in_at_a_time() {
    let sync = sync(job(0, Some(900)), pods(700, "Succeeded"));
    assert_eq!(sync.status.array_at(&["uncountedTerminatedPods", "succeeded"]).len(), 500);
    assert_eq!(sync.freed.len(), 500);
    let many: Vec<Document> = (0..700)
        .map(|index| {
            with(
                pod(&format!("p{index:03}"), "Succeeded"),
                &["metadata", "annotations", INDEX],
                index.to_string(),
            )
        })
        .collect();
    let sync = super::sync(indexed_job(0, 900), many);
    assert_eq!(sync.status.str_at(&["completedIndexes"]), "0-699");
    assert_eq!(sync.freed.len(), 500);
}

#[test]
fn indexes_are_told_as_upstream_tells_them() {
    let cases = [
        (
            "complete ones",
            indexed_job(0, 20),
            indexed(&[("2", "Succeeded"), ("4", "Succeeded"), ("5", "Succeeded"), ("5", "Succeeded")]),
            doc!({"succeeded": 3, "completedIndexes": "2,4,5", "ready": 0, "terminating": 0,
                "uncountedTerminatedPods": {}}),
        ),
        (
            "beside those that were told",
            with_status(indexed_job(0, 20), doc!({"succeeded": 2, "completedIndexes": "0,3"})),
            indexed(&[("1", "Succeeded"), ("2", "Succeeded"), ("3", "Succeeded"), ("7", "Failed")]),
            doc!({"succeeded": 4, "completedIndexes": "0-3", "ready": 0, "terminating": 0,
                "uncountedTerminatedPods": {"failed": ["failed-7-3"]}}),
        ),
        (
            "none that the Job does not have",
            indexed_job(0, 5),
            indexed(&[("0", "Succeeded"), ("5", "Succeeded"), ("x", "Succeeded"), ("8", "Failed")]),
            doc!({"succeeded": 1, "completedIndexes": "0", "ready": 0, "terminating": 0,
                "uncountedTerminatedPods": {}}),
        ),
        (
            "a Job that shrank",
            with_status(indexed_job(0, 3), doc!({"succeeded": 3, "completedIndexes": "0,4,5"})),
            vec![],
            doc!({"succeeded": 1, "completedIndexes": "0", "ready": 0, "terminating": 0,
                "uncountedTerminatedPods": {}}),
        ),
    ];
    for (case, job, pods, expected) in cases {
        let ended = pods.len();
        let sync = sync(job, pods);
        assert_eq!(counts(&sync.status), expected, "{case}");
        assert_eq!(sync.freed.len(), ended, "{case}");
    }
}

#[test]
fn what_is_refused_is_not_told_as_done() {
    let told = |job: Document, pods: Vec<Document>, verb: Verb| {
        let view = view(job, pods);
        counts(&with_report(&view, &refused(&plan(&view), verb)).status)
    };
    let active =
        |active: usize| doc!({"active": active, "ready": 0, "terminating": 0, "uncountedTerminatedPods": {}});
    assert_eq!(told(job(2, Some(5)), pods(1, "Running"), Verb::Create), active(1));
    assert_eq!(told(job(2, Some(5)), pods(3, "Running"), Verb::Delete), active(3));
    let free = Verb::Patch(skiff_client::PatchKind::Strategic);
    assert_eq!(told(job(2, Some(5)), pods(3, "Running"), free), active(3));
    // Without its pods nothing is known of the Job.
    let mut orphan = untracked(pod("a", "Running"));
    orphan.remove(&["metadata", "ownerReferences"]);
    assert_eq!(told(job(2, Some(5)), vec![orphan], free), doc!(null));
}

#[test]
fn an_ignored_failure_lets_the_pod_go_uncounted() {
    let policy = doc!({"rules": [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    ]});
    let job = with(replacing_failed_only(job(1, Some(1))), &["spec", "podFailurePolicy"], policy);
    let disrupted = with(
        pod("a", "Failed"),
        &["status", "conditions"],
        doc!([{"type": "DisruptionTarget", "status": "True"}]),
    );
    let sync = sync(with(job, &["spec", "backoffLimit"], 0), vec![disrupted]);
    assert_eq!(sync.done, ["create"]);
    assert_eq!(sync.freed, ["a"]);
    let expected = doc!({"active": 1, "ready": 0, "terminating": 0, "uncountedTerminatedPods": {}});
    assert_eq!(counts(&sync.status), expected);
}
