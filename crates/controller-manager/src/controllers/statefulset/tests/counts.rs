//! Tables for the status.

use super::*;
use crate::plan::Failure;
use skiff_apimachinery::Reason;
use skiff_client::Call;
use std::time::Duration;

#[test]
fn the_status_counts_pods_and_names_revisions() {
    let name = current();
    let updating = with(of_size(4), &["status", "currentRevision"], OLD);
    let on_delete = with(updating, &["spec", "updateStrategy"], doc!({"type": "OnDelete"}));
    let pods = || vec![new_pod(0), unready(pod(1, OLD)), pod(2, OLD), leaving(new_pod(3))];
    let status = concluded(&stored(on_delete.clone(), pods(), vec![]), &Report::default()).unwrap();
    assert_eq!(
        status,
        doc!({"observedGeneration": 1, "replicas": 4, "readyReplicas": 3, "currentReplicas": 2, "updatedReplicas": 1,
            "currentRevision": OLD, "updateRevision": name.as_str(), "collisionCount": 0, "availableReplicas": 3})
    );
    // What others wrote to the status is no reason to write, but does not outlast a change.
    let told =
        with(with(on_delete, &["status"], status), &["status", "conditions"], doc!([{"type": "Mine"}]));
    assert_eq!(concluded(&stored(told.clone(), pods(), vec![]), &Report::default()), None);
    let status = concluded(&stored(told, new_pods(&[0]), vec![]), &Report::default()).unwrap();
    assert_eq!(status.get("conditions"), None);
}

#[test]
fn an_update_is_complete_when_all_pods_are_new_and_ready() {
    let name = current();
    let updating = with(set(), &["status", "currentRevision"], OLD);
    let of = |set: &Document, pods: Vec<Document>| {
        let status = concluded(&stored(set.clone(), pods, vec![]), &Report::default()).unwrap();
        let count = status.i64_at(&["currentReplicas"]).unwrap_or(0);
        (status.str_at(&["currentRevision"]).to_owned(), count)
    };
    assert_eq!(of(&updating, new_pods(&[0, 1, 2])), (name.clone(), 3));
    assert_eq!(of(&updating, vec![new_pod(0), new_pod(1), unready(new_pod(2))]), (OLD.to_owned(), 0));
    // The pod that is deleted for its revision is not counted any more.
    assert_eq!(of(&updating, vec![pod(0, OLD), pod(1, OLD), pod(2, OLD)]), (OLD.to_owned(), 2));
    let on_delete = with(updating, &["spec", "updateStrategy"], doc!({"type": "OnDelete"}));
    assert_eq!(of(&on_delete, new_pods(&[0, 1, 2])), (OLD.to_owned(), 0));
}

#[test]
fn availability_comes_with_time() {
    let slow = with(set(), &["spec", "minReadySeconds"], 7200);
    let plan =
        StatefulSetController::conclude(&stored(slow, new_pods(&[0]), vec![]), &Report::default(), now());
    assert_eq!(plan.requeue_after, Some(Duration::from_secs(3600)));
    let status = &plan.writes().next().unwrap().call.body.as_ref().unwrap()["status"];
    assert_eq!(
        (status.i64_at(&["readyReplicas"]), status.i64_at(&["availableReplicas"])),
        (Some(1), Some(0))
    );
}

#[test]
fn without_a_stored_revision_the_status_stays() {
    let status = Status::new(403, Reason::Forbidden, "exceeded quota");
    let call = Call::new(Verb::Create, &CONTROLLER_REVISIONS, "n", "");
    let report = Report { failures: vec![Failure { call, status }], ..Report::default() };
    assert_eq!(concluded(&world(set(), vec![], vec![], vec![]), &report), None);
}

#[test]
fn a_set_that_ends_only_counts() {
    let ending = stored(leaving(set()), new_pods(&[0]), vec![]);
    assert_eq!(plan(&ending, now()), Plan::nothing());
    let status = concluded(&ending, &Report::default()).unwrap();
    assert_eq!((status.i64_at(&["replicas"]), status.i64_at(&["currentReplicas"])), (Some(1), Some(1)));
    assert_eq!(concluded(&world(leaving(set()), vec![], vec![], vec![]), &Report::default()), None);
}
