//! Tables for what ReplicationControllers have different from ReplicaSets.

use super::*;
use crate::controller::Controller;
use crate::controllers::replicaset::World;
use crate::plan::{Action, Failure, Plan, Report};
use jiff::Timestamp;
use skiff_apimachinery::{Reason, Status, doc};
use skiff_client::resources::PODS;
use skiff_client::{Cached, Call, Verb};
use std::collections::HashMap;
use std::sync::Arc;

const NOW: &str = "2026-01-01T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn controller(replicas: i32) -> Document {
    doc!({
        "apiVersion": "v1", "kind": "ReplicationController",
        "metadata": {"name": "web", "namespace": "n", "uid": "rc", "generation": 1},
        "spec": {"replicas": replicas, "selector": {"app": "web"},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c"}]}}}
    })
}

/// A running, ready pod of the controller.
fn pod(name: &str) -> Document {
    doc!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "n", "uid": name, "labels": {"app": "web"},
            "creationTimestamp": "2026-01-01T11:00:00Z",
            "ownerReferences": [{"apiVersion": "v1", "kind": "ReplicationController", "name": "web", "uid": "rc", "controller": true}]},
        "spec": {"nodeName": "node", "containers": []},
        "status": {"phase": "Running", "conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T11:00:00Z"}]}
    })
}

fn with(mut object: Document, path: &[&str], value: impl Into<Document>) -> Document {
    object.set(path, value);
    object
}

fn without(mut object: Document, path: &[&str]) -> Document {
    object.remove(path);
    object
}

fn world(controller: Document, pods: Vec<Document>) -> World<ReplicationController> {
    let controller = Arc::new(Cached::decode(Arc::new(controller)).unwrap());
    let pods = pods.into_iter().map(|pod| Arc::new(Cached::decode(Arc::new(pod)).unwrap()));
    World::new(controller, pods, HashMap::new())
}

/// What is done, each as `verb name`; patches as `adopt name` and `release name`.
fn done(plan: &Plan) -> Vec<String> {
    let told = |write: &crate::plan::Write| {
        let call = &write.call;
        let body = call.body.as_ref().unwrap();
        let verb = match call.verb {
            Verb::Create => "create",
            Verb::Delete => "delete",
            _ if body.array_at(&["metadata", "ownerReferences"])[0].get("$patch").is_some() => "release",
            _ => "adopt",
        };
        let name = if call.name.is_empty() { body.str_at(&["metadata", "generateName"]) } else { &call.name };
        format!("{verb} {name}")
    };
    plan.writes().map(told).collect()
}

#[test]
fn pods_are_kept_by_a_map_of_labels() {
    let orphan = without(pod("a"), &["metadata", "ownerReferences"]);
    let stranger = with(orphan.clone(), &["metadata", "labels"], doc!({"app": "db"}));
    let relabelled = with(pod("b"), &["metadata", "labels"], doc!({"app": "db"}));
    let ended = with(pod("a"), &["status", "phase"], "Succeeded");
    let all = without(controller(1), &["spec", "selector"]);
    let cases = [
        ("one is missing", controller(2), vec![pod("a")], vec!["create web-"]),
        ("as many as wanted", controller(1), vec![pod("a")], vec![]),
        ("one too many", controller(0), vec![pod("a")], vec!["delete a"]),
        ("an ended pod does not count", controller(1), vec![ended], vec!["create web-"]),
        ("a matching orphan is adopted", controller(1), vec![orphan.clone()], vec!["adopt a"]),
        ("another orphan is left alone", controller(0), vec![stranger], vec![]),
        ("what matches no longer is released", controller(0), vec![relabelled], vec!["release b"]),
        ("without a selector nothing is adopted", with(all, &["spec", "replicas"], 0), vec![orphan], vec![]),
    ];
    for (case, controller, pods, wanted) in cases {
        let plan = ReplicationManager::plan(&world(controller, pods), now());
        assert_eq!(done(&plan), wanted, "{case}");
    }
}

#[test]
fn creations_start_slowly_and_tell_about_the_controller() {
    let plan = ReplicationManager::plan(&world(controller(3), vec![]), now());
    let [Action::SlowStart(writes)] = plan.actions.as_slice() else { panic!("{plan:?}") };
    assert_eq!(writes.len(), 3);
    let told = writes[0].success.as_ref().unwrap();
    assert_eq!((told.about.kind.as_str(), told.reason), ("ReplicationController", "SuccessfulCreate"));
    let owner = &writes[0].call.body.as_ref().unwrap().owner_references()[0];
    assert_eq!(
        *owner,
        doc!({"apiVersion": "v1", "kind": "ReplicationController", "name": "web", "uid": "rc", "controller": true,
            "blockOwnerDeletion": true})
    );
}

fn concluded(world: &World<ReplicationController>, report: &Report) -> Option<Document> {
    let plan = ReplicationManager::conclude(world, report, now());
    let write = plan.writes().next()?;
    assert_eq!(
        (&*write.call.resource.plural, write.call.subresource.as_str()),
        ("replicationcontrollers", "status")
    );
    Some(write.call.body.as_ref().unwrap()["status"].clone())
}

#[test]
fn the_status_counts_pods_but_not_those_on_their_way_out() {
    let leaving = with(pod("b"), &["metadata", "deletionTimestamp"], NOW);
    let pods = vec![pod("a"), leaving];
    let status = concluded(&world(controller(1), pods.clone()), &Report::default()).unwrap();
    assert_eq!(
        status,
        doc!({"replicas": 1, "fullyLabeledReplicas": 1, "readyReplicas": 1, "availableReplicas": 1,
            "observedGeneration": 1})
    );
    assert_eq!(concluded(&world(with(controller(1), &["status"], status), pods), &Report::default()), None);
}

#[test]
fn a_refusal_shows_as_replica_failure_until_it_holds_no_longer() {
    let refused = |verb: Verb| {
        let status = Status::new(403, Reason::Forbidden, "exceeded quota");
        Report {
            failures: vec![Failure { call: Call::new(verb, &PODS, "n", ""), status }],
            ..Report::default()
        }
    };
    for (verb, reason) in [(Verb::Create, "FailedCreate"), (Verb::Delete, "FailedDelete")] {
        let status = concluded(&world(controller(1), vec![]), &refused(verb)).unwrap();
        assert_eq!(
            status["conditions"],
            doc!([{"type": "ReplicaFailure", "status": "True", "lastTransitionTime": NOW, "reason": reason,
                "message": "exceeded quota"}])
        );
        let failing = with(controller(1), &["status"], status);
        let status = concluded(&world(failing, vec![]), &Report::default()).unwrap();
        assert_eq!(status.get("conditions"), None, "{reason}");
    }
}
