//! When failed pods are replaced.

use super::*;
use crate::controllers::job::job_pod::{FAILURES, IGNORED_FAILURES};
use jiff::SignedDuration;

/// A pod that failed so many seconds ago.
fn failed(name: &str, seconds: i64) -> Document {
    let when = (now() - SignedDuration::from_secs(seconds)).to_string();
    with(
        pod(name, "Failed"),
        &["status", "containerStatuses"],
        doc!([{"name": "c", "state": {"terminated": {"exitCode": 1, "finishedAt": when}}}]),
    )
}

#[test]
fn failed_pods_are_replaced_after_a_pause() {
    let succeeded = |name: &str, seconds: i64| with(failed(name, seconds), &["status", "phase"], "Succeeded");
    let cases = [
        ("just now", vec![failed("a", 0)], vec![], Some(10)),
        ("a while ago", vec![failed("a", 4)], vec![], Some(6)),
        ("long ago", vec![failed("a", 10)], vec!["create"], None),
        ("twice", vec![failed("a", 30), failed("b", 1)], vec![], Some(19)),
        ("often", (0..9).map(|number| failed(&format!("p{number}"), 1)).collect(), vec![], Some(599)),
        ("before a success", vec![failed("a", 2), succeeded("b", 1)], vec!["create"], None),
        ("after a success", vec![failed("a", 1), succeeded("b", 2)], vec![], Some(9)),
    ];
    for (case, pods, done, after) in cases {
        let sync = sync(with(job(1, Some(5)), &["spec", "backoffLimit"], 20), pods);
        assert_eq!(sync.done, done, "{case}");
        assert_eq!(sync.again_after, after, "{case}");
        assert_eq!(sync.status.i64_at(&["active"]), (!done.is_empty()).then_some(1), "{case}");
    }
}

#[test]
fn failures_are_remembered_until_a_success() {
    let mut backoffs = Backoffs::default();
    let mut after = |pods: Vec<Document>| {
        let view = remembering(job(1, Some(5)), pods, &mut backoffs, now());
        synced(&view).again_after
    };
    assert_eq!(after(vec![failed("a", 5)]), Some(5));
    // It is counted now.
    assert_eq!(after(vec![untracked(failed("a", 5))]), Some(5));
    assert_eq!(after(vec![untracked(failed("a", 5)), failed("b", 1)]), Some(19));
    let succeeded = with(failed("c", 0), &["status", "phase"], "Succeeded");
    assert_eq!(after(vec![succeeded]), None);
}

/// A Job whose indexes fail each for itself, after two failures.
fn per_index(parallelism: i64, completions: i64) -> Document {
    with(indexed_job(parallelism, completions), &["spec", "backoffLimitPerIndex"], 1)
}

/// A pod of an index that failed, and how many did before it.
fn failed_of(index: &str, failures: &str, seconds: i64) -> Document {
    let name = format!("{index}-after-{failures}");
    let annotations = doc!({(INDEX): index, (FAILURES): failures});
    with(failed(&name, seconds), &["metadata", "annotations"], annotations)
}

#[test]
fn indexes_wait_and_fail_each_for_itself() {
    let running = with(pod("running", "Running"), &["metadata", "annotations", INDEX], "0");
    let ignored = with(failed_of("0", "0", 1), &["metadata", "annotations", IGNORED_FAILURES], "1");
    let many = with(per_index(2, 4), &["spec", "backoffLimitPerIndex"], 9);
    let cases = [
        (
            "both wait",
            per_index(2, 4),
            vec![failed_of("0", "0", 1), failed_of("1", "0", 3)],
            vec![],
            Some(7),
            "",
            vec![],
        ),
        (
            "one waits",
            per_index(2, 4),
            vec![failed_of("0", "0", 1), failed_of("1", "0", 60)],
            vec!["create 1"],
            None,
            "",
            vec![],
        ),
        ("one waits longer", many.clone(), vec![failed_of("0", "2", 0)], vec!["create 1"], None, "", vec![]),
        (
            "ignored failures count for the pause",
            with(many, &["spec", "parallelism"], 1),
            vec![ignored],
            vec![],
            Some(19),
            "",
            vec![],
        ),
        (
            "one has failed",
            per_index(2, 4),
            vec![failed_of("0", "1", 1)],
            vec!["create 1", "create 2"],
            None,
            "0",
            vec!["0-after-1"],
        ),
        (
            "one is replaced",
            per_index(1, 4),
            vec![failed_of("0", "0", 1), running],
            vec![],
            None,
            "",
            vec!["0-after-0"],
        ),
        (
            "the last failure of an index is kept",
            per_index(1, 4),
            vec![failed_of("0", "0", 1), with(failed_of("0", "0", 90), &["metadata", "uid"], "older")],
            vec![],
            Some(9),
            "",
            vec!["0-after-0"],
        ),
        ("none has failed", per_index(1, 4), vec![], vec!["create 0"], None, "", vec![]),
    ];
    for (case, job, pods, done, after, failed, freed) in cases {
        let sync = sync(job, pods);
        assert_eq!(sync.done, done, "{case}");
        assert_eq!(sync.again_after, after, "{case}");
        assert_eq!(sync.status.get("failedIndexes").and_then(Document::as_str), Some(failed), "{case}");
        assert_eq!(sync.freed, freed, "{case}");
    }
}

#[test]
fn a_policy_can_give_an_index_up_at_once() {
    let policy = doc!({"rules": [{"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [1]}}]});
    let job = with(replacing_failed_only(per_index(2, 3)), &["spec", "podFailurePolicy"], policy);
    let sync = sync(job, vec![failed_of("1", "0", 60)]);
    assert_eq!(sync.status.str_at(&["failedIndexes"]), "1");
    assert_eq!(sync.done, ["create 0", "create 2"]);
}

#[test]
fn a_replacement_tells_how_often_its_index_failed() {
    let plan = plan(&view(per_index(1, 4), vec![failed_of("0", "0", 60)]));
    let body = plan.writes().next().unwrap().call.body.as_ref().unwrap();
    assert_eq!((body.annotation(INDEX), body.annotation(FAILURES)), (Some("0"), Some("1")));
}
