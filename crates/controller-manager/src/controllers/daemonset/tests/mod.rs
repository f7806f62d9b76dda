//! Tables for plans and status of DaemonSets.

mod rolling;

use super::*;
use crate::plan::Failure;
use skiff_apimachinery::{Document, Reason, doc};
use skiff_client::{Call, Verb};
use std::time::Duration;

const NOW: &str = "2026-01-01T12:00:00Z";
/// The hash of another template.
const OLD: &str = "old";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn with(mut object: Document, path: &[&str], value: impl Into<Document>) -> Document {
    object.set(path, value);
    object
}

fn set() -> Document {
    doc!({
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": "agent", "namespace": "n", "uid": "ds", "generation": 1, "annotations": {"team": "a"}},
        "spec": {"selector": {"matchLabels": {"app": "agent"}}, "revisionHistoryLimit": 2,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
            "template": {"metadata": {"labels": {"app": "agent"}}, "spec": {"containers": [{"name": "c", "image": "v2"}]}}}
    })
}

fn hash() -> String {
    crate::pod_template::hash(&set())
}

fn node(name: &str) -> Document {
    doc!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {}})
}

/// A node that new pods are kept away from.
fn tainted(name: &str) -> Document {
    with(node(name), &["spec", "taints"], doc!([{"key": "k", "effect": "NoSchedule"}]))
}

fn owner() -> Document {
    doc!([{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "uid": "ds", "controller": true}])
}

/// A running, ready pod of a revision.
fn pod(name: &str, node: &str, hash: &str) -> Document {
    doc!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "n", "uid": name, "ownerReferences": owner(),
            "labels": {"app": "agent", "controller-revision-hash": hash},
            "creationTimestamp": "2026-01-01T11:00:00Z"},
        "spec": {"nodeName": node, "containers": []},
        "status": {"phase": "Running", "conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T11:00:00Z"}]}
    })
}

fn new_pod(name: &str, node: &str) -> Document {
    pod(name, node, &hash())
}

fn unready(pod: Document) -> Document {
    with(pod, &["status", "conditions"], doc!([]))
}

fn in_phase(pod: Document, phase: &str) -> Document {
    with(unready(pod), &["status", "phase"], phase)
}

fn leaving(pod: Document) -> Document {
    with(pod, &["metadata", "deletionTimestamp"], NOW)
}

/// A revision of the set's template.
fn revision(name: &str, number: i64) -> Document {
    let world = world(set(), vec![], vec![], vec![]);
    let plan = plan(&world, now());
    let mut revision = plan.writes().next().unwrap().call.body.clone().unwrap();
    revision.set(&["metadata", "name"], name);
    revision.set(&["metadata", "uid"], name);
    with(revision, &["revision"], number)
}

/// A revision of another template.
fn old_revision(name: &str, number: i64) -> Document {
    let mut revision = revision(name, number);
    revision.set(&["metadata", "labels", revision::HASH], name);
    with(revision, &["data", "spec", "template", "spec", "containers"], doc!([{"name": "c", "image": name}]))
}

fn world(set: Document, nodes: Vec<Document>, pods: Vec<Document>, revisions: Vec<Document>) -> World {
    let set: Arc<Cached<Untyped>> = Arc::new(Cached::decode(Arc::new(set)).unwrap());
    let nodes = nodes.into_iter().map(|node| Arc::new(Cached::decode(Arc::new(node)).unwrap()));
    let pods = pods.into_iter().map(|pod| Arc::new(Cached::decode(Arc::new(pod)).unwrap()));
    let revisions = revisions.into_iter().map(|object| Arc::new(Cached::decode(Arc::new(object)).unwrap()));
    let revisions: Vec<Revision> = revisions.collect();
    let (selector, name) = (selector_of(&set), revision::name(&set));
    World {
        nodes: nodes.collect(),
        pods: ownership::claim(&set, &selector, pods),
        homonym: revisions.iter().find(|revision| revision.name() == name).cloned(),
        revisions: ownership::claim(&set, &selector, revisions),
        attempts: HashMap::new(),
        set,
    }
}

/// What is done: `create NODE`, `delete POD`, `patch NAME` and so on; revisions as `... revision NAME`.
fn done(plan: &Plan) -> Vec<String> {
    let told = |write: &Write| {
        let (call, body) = (&write.call, write.call.body.as_ref().unwrap());
        let verb = match call.verb {
            Verb::Create => "create",
            Verb::Update => "update",
            Verb::Delete => "delete",
            _ => "patch",
        };
        if call.resource == CONTROLLER_REVISIONS {
            let name = if call.name.is_empty() { body.name() } else { &call.name };
            return format!("{verb} revision {name}");
        }
        if call.verb != Verb::Create {
            return format!("{verb} {}", call.name);
        }
        let terms = body.at(&template::REQUIRED_NODES).unwrap().array_at(&["nodeSelectorTerms"]);
        let node = terms[0].array_at(&["matchFields"])[0].array_at(&["values"])[0].as_str().unwrap();
        format!("{verb} {node}")
    };
    plan.writes().map(told).collect()
}

/// What is done about pods by a set whose revision is stored.
fn done_about(set: Document, nodes: Vec<Document>, pods: Vec<Document>) -> Vec<String> {
    done(&plan(&world(set, nodes, pods, vec![revision("current", 1)]), now()))
}

#[test]
fn every_node_has_one_pod() {
    let unbound = |name: &str, node: &str| {
        let pod = with(new_pod(name, ""), &["status"], doc!({"phase": "Pending"}));
        let by_name = doc!({"key": "metadata.name", "operator": "In", "values": [node]});
        with(pod, &template::REQUIRED_NODES, doc!({"nodeSelectorTerms": [{"matchFields": [by_name]}]}))
    };
    let younger = with(new_pod("q", "a"), &["metadata", "creationTimestamp"], "2026-01-01T11:30:00Z");
    let gone = leaving(in_phase(new_pod("p", "a"), "Failed"));
    let cases = [
        ("a node without one", vec![node("a"), node("b")], vec![new_pod("p", "a")], vec!["create b"]),
        ("one that is not bound yet", vec![node("a")], vec![unbound("p", "a")], vec![]),
        ("one too many", vec![node("a")], vec![younger, new_pod("p", "a")], vec!["delete q"]),
        ("bound pods stay", vec![node("a")], vec![unbound("o", "a"), new_pod("p", "a")], vec!["delete o"]),
        ("one that is leaving", vec![node("a")], vec![leaving(new_pod("p", "a"))], vec![]),
        ("one that ended and is leaving", vec![node("a")], vec![gone], vec!["create a"]),
        ("a tainted node", vec![tainted("a")], vec![], vec![]),
        ("a node that was tainted later", vec![tainted("a")], vec![new_pod("p", "a")], vec![]),
        ("a node that is gone", vec![], vec![new_pod("p", "a")], vec![]),
        ("waiting for a node that is gone", vec![], vec![unbound("p", "a")], vec!["delete p"]),
        ("one that failed", vec![node("a")], vec![in_phase(new_pod("p", "a"), "Failed")], vec!["delete p"]),
        ("one that ended", vec![node("a")], vec![in_phase(new_pod("p", "a"), "Succeeded")], vec!["delete p"]),
    ];
    for (case, nodes, pods, wanted) in cases {
        assert_eq!(done_about(set(), nodes, pods), wanted, "{case}");
    }
    let elsewhere = with(set(), &["spec", "template", "spec", "nodeSelector"], doc!({"zone": "x"}));
    let world = world(elsewhere, vec![node("a")], vec![new_pod("p", "a")], vec![]);
    assert_eq!(done(&plan(&world, now())).pop(), Some("delete p".to_owned()));
}

#[test]
fn new_pods_are_made_for_their_node_and_stand_its_troubles() {
    let annotated =
        with(set(), &["metadata", "annotations", "deprecated.daemonset.template.generation"], "3");
    let plan = plan(&world(annotated, vec![node("a")], vec![], vec![revision("current", 1)]), now());
    let [Action::SlowStart(writes)] = plan.actions.as_slice() else { panic!("{plan:?}") };
    let pod = writes[0].call.body.as_ref().unwrap();
    assert_eq!(pod.label("controller-revision-hash"), Some(hash().as_str()));
    assert_eq!(pod.label("pod-template-generation"), Some("3"));
    let tolerated =
        pod.array_at(&["spec", "tolerations"]).iter().map(|t| (t.str_at(&["key"]), t.str_at(&["effect"])));
    assert_eq!(
        tolerated.collect::<Vec<_>>(),
        [
            ("node.kubernetes.io/not-ready", "NoExecute"),
            ("node.kubernetes.io/unreachable", "NoExecute"),
            ("node.kubernetes.io/disk-pressure", "NoSchedule"),
            ("node.kubernetes.io/memory-pressure", "NoSchedule"),
            ("node.kubernetes.io/pid-pressure", "NoSchedule"),
            ("node.kubernetes.io/unschedulable", "NoSchedule"),
        ]
    );
}

#[test]
fn failed_pods_are_deleted_with_pauses_and_told_of() {
    let failed = in_phase(new_pod("p", "a"), "Failed");
    let mut world = world(set(), vec![node("a")], vec![failed], vec![revision("current", 1)]);
    world.attempts.insert("a".to_owned(), Attempt::After(Duration::from_secs(4)));
    let waiting = plan(&world, now());
    assert_eq!((done(&waiting), waiting.requeue_after), (vec![], Some(Duration::from_secs(4))));
    world.attempts.insert("a".to_owned(), Attempt::Now(Duration::from_secs(8)));
    let plan = plan(&world, now());
    let [Action::Tell(notice), Action::All(_)] = plan.actions.as_slice() else { panic!("{plan:?}") };
    assert_eq!(
        (notice.reason, notice.message.as_str()),
        ("FailedDaemonPod", "Found failed daemon pod n/p on node a, will try to kill it")
    );
}

#[test]
fn the_template_is_stored_as_a_patch() {
    let plan = plan(&world(set(), vec![], vec![], vec![old_revision("r1", 4)]), now());
    let write = plan.writes().next().unwrap();
    let name = format!("agent-{}", hash());
    assert_eq!(
        *write.call.body.as_ref().unwrap(),
        doc!({
            "apiVersion": "apps/v1", "kind": "ControllerRevision",
            "metadata": {"name": name, "namespace": "n", "labels": {"app": "agent", "controller-revision-hash": hash()},
                "annotations": {"team": "a"},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "uid": "ds",
                    "controller": true, "blockOwnerDeletion": true}]},
            "data": {"spec": {"template": {"$patch": "replace", "metadata": {"labels": {"app": "agent"}},
                "spec": {"containers": [{"image": "v2", "name": "c"}]}}}},
            "revision": 5
        })
    );
}

#[test]
fn revisions_are_numbered_claimed_and_few() {
    let on_delete = with(set(), &["spec", "updateStrategy"], doc!({"type": "OnDelete"}));
    let unowned = |mut revision: Document| {
        revision.remove(&["metadata", "ownerReferences"]);
        revision
    };
    let unlabelled = |mut revision: Document| {
        revision.remove(&["metadata", "labels", revision::HASH]);
        revision
    };
    let stray = with(revision("r1", 1), &["metadata", "labels"], doc!({"app": "other"}));
    let with_hash = |name: &str| with(revision(name, 1), &["metadata", "labels", revision::HASH], name);
    let history =
        || vec![old_revision("r1", 1), old_revision("r2", 2), old_revision("r3", 3), revision("r4", 4)];
    let cases = [
        ("the current one", vec![revision("r1", 1)], vec![], vec![]),
        ("a rollback", vec![revision("r1", 1), old_revision("r2", 2)], vec![], vec!["update revision r1"]),
        ("an orphan", vec![unowned(revision("r1", 1))], vec![], vec!["patch revision r1"]),
        ("one that matches no longer", vec![stray], vec![], vec!["patch revision r1"]),
        ("one without hash", vec![unlabelled(revision("r1", 1))], vec![], vec!["update revision r1"]),
        ("too many", history(), vec![], vec!["delete revision r1"]),
        ("the oldest has a pod", history(), vec![pod("p", "a", "r1")], vec!["delete revision r2"]),
        (
            "a duplicate with pods",
            vec![with_hash("r1"), with(with_hash("r2"), &["revision"], 2)],
            vec![pod("p", "a", "r1")],
            vec!["patch p"],
        ),
        (
            "a duplicate without pods",
            vec![with_hash("r1"), with(with_hash("r2"), &["revision"], 2)],
            vec![pod("p", "a", "r2")],
            vec!["delete revision r1"],
        ),
    ];
    for (case, revisions, pods, wanted) in cases {
        let world = world(on_delete.clone(), vec![], pods, revisions);
        assert_eq!(done(&plan(&world, now())), wanted, "{case}");
    }
}

#[test]
fn a_taken_name_counts_a_collision_and_changes_the_name() {
    let name = format!("agent-{}", hash());
    let taken = world(set(), vec![node("a")], vec![], vec![old_revision(&name, 1)]);
    assert_eq!(plan(&taken, now()), Plan::nothing());
    let status = concluded(&taken, &Report::default()).unwrap();
    assert_eq!(status, doc!({"collisionCount": 1}));
    let renamed = world(with(set(), &["status"], status), vec![], vec![], vec![old_revision(&name, 1)]);
    let made = done(&plan(&renamed, now()));
    assert_eq!(made.len(), 1);
    assert_ne!(made[0], format!("create revision {name}"));
}

fn concluded(world: &World, report: &Report) -> Option<Document> {
    let plan = DaemonSetController::conclude(world, report, now());
    plan.writes().next().map(|write| write.call.body.as_ref().unwrap()["status"].clone())
}

#[test]
fn the_status_counts_nodes() {
    let nodes = || vec![node("a"), node("b"), node("c"), node("d"), tainted("e")];
    let pods = || vec![new_pod("a", "a"), unready(new_pod("b", "b")), pod("c", "c", OLD), new_pod("e", "e")];
    let world_of = |set: Document| world(set, nodes(), pods(), vec![revision("current", 1)]);
    let status = concluded(&world_of(set()), &Report::default()).unwrap();
    assert_eq!(
        status,
        doc!({"currentNumberScheduled": 3, "numberMisscheduled": 1, "desiredNumberScheduled": 4, "numberReady": 2,
            "updatedNumberScheduled": 2, "numberAvailable": 2, "numberUnavailable": 2, "observedGeneration": 1})
    );
    assert_eq!(concluded(&world_of(with(set(), &["status"], status)), &Report::default()), None);
    let slow = with(set(), &["spec", "minReadySeconds"], 7200);
    let plan = DaemonSetController::conclude(&world_of(slow), &Report::default(), now());
    assert_eq!(plan.requeue_after, Some(Duration::from_secs(3600)));
}

#[test]
fn without_a_stored_revision_the_status_stays() {
    let status = Status::new(403, Reason::Forbidden, "exceeded quota");
    let call = Call::new(Verb::Create, &CONTROLLER_REVISIONS, "n", "");
    let report = Report { failures: vec![Failure { call, status }], ..Report::default() };
    assert_eq!(concluded(&world(set(), vec![node("a")], vec![], vec![]), &report), None);
}

#[test]
fn nothing_is_done_about_a_set_that_ends_or_selects_everything() {
    let ending = world(leaving(set()), vec![node("a")], vec![], vec![]);
    assert_eq!(plan(&ending, now()), Plan::nothing());
    assert_eq!(concluded(&ending, &Report::default()), None);
    let greedy = world(with(set(), &["spec", "selector"], doc!({})), vec![node("a")], vec![], vec![]);
    let plan = plan(&greedy, now());
    let [Action::Tell(notice)] = plan.actions.as_slice() else { panic!("{plan:?}") };
    assert_eq!(notice.reason, "SelectingAll");
}
