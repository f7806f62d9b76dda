//! Tables for plans and status of ReplicaSets.

use super::*;
use crate::plan::Failure;
use skiff_apimachinery::{Document, doc};
use skiff_client::{Call, Verb};

const NOW: &str = "2026-01-01T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn set(replicas: i32) -> Document {
    doc!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": "web", "namespace": "n", "uid": "rs", "generation": 1},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c"}]}}}
    })
}

/// A running, ready pod of the set.
fn pod(name: &str) -> Document {
    doc!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "n", "uid": name, "labels": {"app": "web"},
            "creationTimestamp": "2026-01-01T11:00:00Z",
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "rs", "controller": true}]},
        "spec": {"nodeName": "node", "containers": []},
        "status": {"phase": "Running", "conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T11:00:00Z"}]}
    })
}

fn with(mut pod: Document, path: &[&str], value: impl Into<Document>) -> Document {
    pod.set(path, value);
    pod
}

fn world(set: Document, pods: Vec<Document>) -> World<ReplicaSet> {
    let set = Arc::new(Cached::decode(Arc::new(set)).unwrap());
    let pods: Vec<CachedPod> =
        pods.into_iter().map(|pod| Arc::new(Cached::decode(Arc::new(pod)).unwrap())).collect();
    let mut related_on_node = HashMap::new();
    for pod in &pods {
        *related_on_node.entry(pods::node_name(pod).to_owned()).or_insert(0) += 1;
    }
    World::new(set, pods, related_on_node)
}

fn deleted(plan: &Plan) -> Vec<&str> {
    plan.writes()
        .filter(|write| write.call.verb == Verb::Delete)
        .map(|write| write.call.name.as_str())
        .collect()
}

#[test]
fn missing_pods_are_created_slowly() {
    let plan = plan(&world(set(3), vec![pod("a")]), now());
    let [Action::SlowStart(writes)] = plan.actions.as_slice() else { panic!("{plan:?}") };
    assert_eq!(writes.len(), 2);
    assert_eq!(writes[0].call.body.as_ref().unwrap().str_at(&["metadata", "generateName"]), "web-");
}

#[test]
fn ended_and_terminating_pods_do_not_count() {
    let failed = with(pod("a"), &["status", "phase"], "Failed");
    let leaving = with(pod("b"), &["metadata", "deletionTimestamp"], NOW);
    let plan = plan(&world(set(2), vec![failed, leaving]), now());
    assert_eq!(plan.writes().count(), 2);
}

#[test]
fn the_pods_that_are_missed_least_go_first() {
    let unassigned = with(with(pod("f"), &["spec", "nodeName"], ""), &["status"], doc!({"phase": "Pending"}));
    let pending = with(pod("e"), &["status"], doc!({"phase": "Pending"}));
    let unready = with(pod("d"), &["status", "conditions"], doc!([]));
    let cheap = with(pod("c"), &["metadata", "annotations"], doc!({(ranking_cost()): "-5"}));
    let young = with(
        pod("b"),
        &["status", "conditions"],
        doc!([
        {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T11:59:59Z"}]),
    );
    let all = vec![pod("a"), young, cheap, unready, pending, unassigned];
    for (replicas, expected) in [(5, vec!["f"]), (3, vec!["f", "e", "d"]), (1, vec!["f", "e", "d", "c", "b"])]
    {
        assert_eq!(deleted(&plan(&world(set(replicas), all.clone()), now())), expected);
    }
}

fn ranking_cost() -> &'static str {
    "controller.kubernetes.io/pod-deletion-cost"
}

#[test]
fn doubled_up_pods_go_before_lonely_ones() {
    let elsewhere = with(pod("lonely"), &["spec", "nodeName"], "other");
    let plan = plan(&world(set(2), vec![elsewhere, pod("a"), pod("b")]), now());
    assert_ne!(deleted(&plan), ["lonely"]);
}

#[test]
fn orphans_are_adopted_and_strangers_released() {
    let mut orphan = pod("a");
    orphan.remove(&["metadata", "ownerReferences"]);
    let stranger = with(pod("b"), &["metadata", "labels"], doc!({"app": "db"}));
    let plan = plan(&world(set(1), vec![orphan, stranger]), now());
    let patches: Vec<Document> = plan.writes().map(|write| write.call.body.clone().unwrap()).collect();
    assert_eq!(
        patches,
        [
            doc!({"metadata": {"ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web",
                "uid": "rs", "controller": true, "blockOwnerDeletion": true}], "uid": "a"}}),
            doc!({"metadata": {"ownerReferences": [{"$patch": "delete", "uid": "rs"}], "uid": "b"}}),
        ]
    );
}

#[test]
fn a_set_that_is_being_deleted_creates_nothing() {
    let ending = with(set(3), &["metadata", "deletionTimestamp"], NOW);
    assert_eq!(plan(&world(ending, vec![]), now()), Plan::nothing());
}

fn concluded(world: &World<ReplicaSet>, report: &Report) -> Option<Document> {
    let plan = status::conclude(world, report, now());
    plan.writes().next().map(|write| write.call.body.as_ref().unwrap()["status"].clone())
}

#[test]
fn status_counts_pods_and_is_written_once() {
    let unready = with(pod("b"), &["status", "conditions"], doc!([]));
    let leaving = with(pod("c"), &["metadata", "deletionTimestamp"], NOW);
    let pods = vec![pod("a"), unready, leaving];
    let status = concluded(&world(set(2), pods.clone()), &Report::default()).unwrap();
    assert_eq!(
        status,
        doc!({"replicas": 2, "fullyLabeledReplicas": 2, "readyReplicas": 1, "availableReplicas": 1,
            "terminatingReplicas": 1, "observedGeneration": 1})
    );
    assert_eq!(concluded(&world(with(set(2), &["status"], status), pods), &Report::default()), None);
}

#[test]
fn a_refused_creation_shows_as_replica_failure() {
    let failure = Failure {
        call: Call::new(Verb::Create, &PODS, "n", ""),
        status: Status::new(403, skiff_apimachinery::Reason::Forbidden, "quota"),
    };
    let status =
        concluded(&world(set(2), vec![]), &Report { failures: vec![failure], ..Report::default() }).unwrap();
    assert_eq!(
        status["conditions"],
        doc!([{"type": "ReplicaFailure", "status": "True", "lastTransitionTime": NOW, "reason": "FailedCreate",
            "message": "quota"}])
    );
}

#[test]
fn availability_by_time_is_looked_at_when_it_comes() {
    let set = with(set(1), &["spec", "minReadySeconds"], 7200);
    let plan = status::conclude(&world(set, vec![pod("a")]), &Report::default(), now());
    assert_eq!(plan.requeue_after.map(|after| after.as_secs()), Some(3600));
}
