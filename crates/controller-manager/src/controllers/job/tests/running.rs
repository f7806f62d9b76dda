//! Which pods are created, removed, adopted and released.

use super::*;

/// What is done, in the order of the names: which of several like pods goes first is told elsewhere.
fn done(job: Document, pods: Vec<Document>) -> Vec<String> {
    let mut done = sync(job, pods).done;
    done.sort();
    done
}

#[test]
fn pods_are_created_up_to_parallelism_and_completions() {
    let leaving = || vec![terminating(pod("leaving", "Running"))];
    let ending = with(job(2, Some(5)), &["metadata", "deletionTimestamp"], NOW);
    let one: &[&str] = &["create"];
    let two: &[&str] = &["create", "create"];
    let cases: [(&str, Document, Vec<Document>, &[&str]); 18] = [
        ("start", job(2, Some(5)), vec![], two),
        ("start of a work queue", job(2, None), vec![], two),
        ("fewer completions than parallelism", job(9, Some(2)), vec![], two),
        ("pending", job(2, Some(5)), pods(2, "Pending"), &[]),
        ("enough", job(3, Some(5)), pods(3, "Running"), &[]),
        ("too few", job(2, Some(5)), all([pods(1, "Running"), pods(1, "Succeeded")]), one),
        ("too few of a work queue", job(2, None), pods(1, "Running"), one),
        ("one failed", job(2, Some(5)), all([pods(1, "Running"), pods(1, "Failed")]), one),
        ("one goes", job(1, Some(1)), leaving(), one),
        ("one goes and is awaited", replacing_failed_only(job(1, Some(1))), leaving(), &[]),
        ("one goes beside a missing one", replacing_failed_only(job(2, Some(2))), leaving(), one),
        ("enough succeeded", job(2, Some(2)), all([pods(1, "Running"), pods(1, "Succeeded")]), &[]),
        ("a work queue runs dry", job(2, None), all([pods(1, "Running"), pods(1, "Succeeded")]), &[]),
        ("nothing is wanted", job(2, Some(0)), vec![], &[]),
        ("nothing runs at a time", job(0, Some(5)), vec![], &[]),
        ("counted before", with_status(job(2, Some(2)), doc!({"succeeded": 1})), vec![], one),
        (
            "about to be counted",
            with_status(job(2, Some(2)), doc!({"uncountedTerminatedPods": {"succeeded": ["a"]}})),
            vec![],
            one,
        ),
        ("being deleted", ending, pods(1, "Running"), &[]),
    ];
    for (case, job, pods, expected) in cases {
        assert_eq!(done(job, pods), expected, "{case}");
    }
    assert_eq!(done(job(1000, None), vec![]).len(), 500);
}

#[test]
fn surplus_pods_are_let_go_and_deleted() {
    let four = || {
        pods(4, "Running").into_iter().map(|pod| {
            let name = format!("leaving-{}", pod.name());
            terminating(with(
                with(pod, &["metadata", "name"], name.as_str()),
                &["metadata", "uid"],
                name.as_str(),
            ))
        })
    };
    let cases = [
        (
            "more than parallelism",
            job(2, Some(5)),
            pods(3, "Running"),
            vec!["delete running0", "free running0"],
        ),
        (
            "more than completions left",
            job(3, Some(4)),
            all([pods(3, "Running"), pods(2, "Succeeded")]),
            vec!["delete running0", "free running0"],
        ),
        (
            "beside more that go than parallelism",
            replacing_failed_only(job(1, Some(1))),
            all([pods(2, "Running"), four().collect()]),
            vec!["delete running0", "free running0"],
        ),
        ("one that is not kept", job(0, Some(1)), vec![untracked(pod("a", "Running"))], vec!["delete a"]),
    ];
    for (case, job, pods, expected) in cases {
        assert_eq!(done(job, pods), expected, "{case}");
    }
    assert_eq!(done(job(0, None), pods(600, "Running")).len(), 2 * 500);
}

#[test]
fn each_index_gets_one_pod() {
    let failed_only = replacing_failed_only(indexed_job(2, 5));
    let leaving = || indexed(&[("0", "Running")]).into_iter().map(terminating).collect::<Vec<_>>();
    let per_index = |job: Document| with(job, &["spec", "backoffLimitPerIndex"], 1);
    let counted = with_status(
        per_index(indexed_job(3, 6)),
        doc!({"succeeded": 2, "completedIndexes": "0,2", "failedIndexes": "1"}),
    );
    let cases: [(&str, Document, Vec<Document>, &[&str]); 9] = [
        ("start", indexed_job(2, 5), vec![], &["create 0", "create 1"]),
        (
            "some run and some are complete",
            indexed_job(8, 20),
            indexed(&[
                ("0", "Running"),
                ("2", "Succeeded"),
                ("3", "Pending"),
                ("4", "Succeeded"),
                ("5", "Succeeded"),
                ("7", "Succeeded"),
                ("8", "Succeeded"),
                ("9", "Succeeded"),
            ]),
            &["create 1", "create 10", "create 11", "create 12", "create 13", "create 6"],
        ),
        (
            "some failed",
            indexed_job(3, 4),
            indexed(&[("0", "Failed"), ("1", "Pending"), ("2", "Failed")]),
            &["create 0", "create 2"],
        ),
        (
            "one is complete twice",
            indexed_job(2, 3),
            indexed(&[("0", "Succeeded"), ("1", "Succeeded"), ("1", "Succeeded")]),
            &["create 2"],
        ),
        ("one goes", indexed_job(2, 5), leaving(), &["create 0", "create 1"]),
        ("one goes and is awaited", failed_only, leaving(), &["create 1"]),
        ("some were counted before", counted, vec![], &["create 3", "create 4", "create 5"]),
        (
            "one runs twice",
            indexed_job(5, 5),
            indexed(&[("1", "Running"), ("2", "Running"), ("2", "Pending")]),
            &["delete pending-2-2", "free pending-2-2"],
        ),
        (
            "pods without an index, and beyond the last",
            indexed_job(4, 5),
            indexed(&[("x", "Running"), ("0", "Running"), ("5", "Pending"), ("6", "Succeeded")]),
            &["delete pending-5-2", "delete running-x-0", "free pending-5-2", "free running-x-0"],
        ),
    ];
    for (case, job, pods, expected) in cases {
        assert_eq!(done(job, pods), expected, "{case}");
    }
}

#[test]
fn creations_start_slowly_and_name_the_job() {
    let plan = plan(&view(job(3, None), vec![]));
    let [Action::SlowStart(writes)] = plan.actions.as_slice() else { panic!("{plan:?}") };
    assert_eq!(writes.len(), 3);
    let told = writes[0].success.as_ref().unwrap();
    assert_eq!(
        (told.about.kind.as_str(), told.reason, told.message.as_str()),
        ("Job", "SuccessfulCreate", "Created pod: ")
    );
}

#[test]
fn orphans_are_adopted_and_strangers_released() {
    let orphan = |name: &str| {
        let mut pod = untracked(pod(name, "Running"));
        pod.remove(&["metadata", "ownerReferences"]);
        pod
    };
    let relabelled = with(pod("b", "Running"), &["metadata", "labels"], doc!({"app": "other"}));
    let foreign = with(orphan("c"), &["metadata", "labels"], doc!({"app": "other"}));
    let leaving = terminating(orphan("d"));
    let strangers = vec![orphan("a"), relabelled, foreign, leaving];
    let sync = sync(job(2, Some(2)), strangers.clone());
    assert_eq!(sync.done, ["adopt a", "release b", "create"]);
    assert_eq!(sync.status.i64_at(&["active"]), Some(2));
    let ending = with(job(2, Some(2)), &["metadata", "deletionTimestamp"], NOW);
    assert!(done(ending, strangers).is_empty());
    // An orphan that ended counts as well.
    let ended = with(orphan("a"), &["status", "phase"], "Succeeded");
    let sync = super::sync(job(1, Some(2)), vec![ended]);
    assert_eq!(sync.done, ["adopt a", "create"]);
    assert_eq!(sync.status.array_at(&["uncountedTerminatedPods", "succeeded"]), ["a".into()]);
    assert_eq!(sync.freed, ["a"]);
}
