//! Tables for plans and status of StatefulSets.

mod counts;
mod laws;
mod rolling;
mod storage;

use super::*;
use crate::plan::Action;
use skiff_apimachinery::{Document, doc};
use skiff_client::Verb;

const NOW: &str = "2026-01-01T12:00:00Z";
/// The revision of another template.
const OLD: &str = "web-old";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn with(mut object: Document, path: &[&str], value: impl Into<Document>) -> Document {
    object.set(path, value);
    object
}

/// A set of three pods.
fn set() -> Document {
    doc!({
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "web", "namespace": "n", "uid": "s", "generation": 1, "annotations": {"team": "a"}},
        "spec": {"replicas": 3, "serviceName": "svc", "podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 1,
            "selector": {"matchLabels": {"app": "web"}},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "v2"}]}}}
    })
}

fn parallel(set: Document) -> Document {
    with(set, &["spec", "podManagementPolicy"], "Parallel")
}

fn of_size(replicas: i64) -> Document {
    with(set(), &["spec", "replicas"], replicas)
}

fn owner() -> Document {
    doc!([{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "s", "controller": true}])
}

/// A running, ready pod of a revision.
fn pod(ordinal: i64, revision: &str) -> Document {
    let name = format!("web-{ordinal}");
    doc!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name.as_str(), "namespace": "n", "uid": name.as_str(), "ownerReferences": owner(),
            "labels": {"app": "web", "controller-revision-hash": revision,
                "statefulset.kubernetes.io/pod-name": name.as_str(), "apps.kubernetes.io/pod-index": ordinal.to_string()},
            "creationTimestamp": "2026-01-01T11:00:00Z"},
        "spec": {"containers": []},
        "status": {"phase": "Running", "conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T11:00:00Z"}]}
    })
}

/// The revision of the set's template.
fn current() -> String {
    revisions::name(&set())
}

fn new_pod(ordinal: i64) -> Document {
    pod(ordinal, &current())
}

fn new_pods(ordinals: &[i64]) -> Vec<Document> {
    ordinals.iter().map(|ordinal| new_pod(*ordinal)).collect()
}

fn unready(pod: Document) -> Document {
    with(pod, &["status", "conditions"], doc!([]))
}

fn in_phase(pod: Document, phase: &str) -> Document {
    with(unready(pod), &["status", "phase"], phase)
}

fn leaving(object: Document) -> Document {
    with(object, &["metadata", "deletionTimestamp"], NOW)
}

fn claim(ordinal: i64) -> Document {
    doc!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": (format!("data-web-{ordinal}")), "namespace": "n"}})
}

/// The stored revision of the set's template.
fn revision(number: i64) -> Document {
    let plan = plan(&world(set(), vec![], vec![], vec![]), now());
    let mut revision = plan.writes().next().unwrap().call.body.clone().unwrap();
    revision.set(&["metadata", "uid"], revision.name().to_owned());
    with(revision, &["revision"], number)
}

/// A revision of another template.
fn old_revision(name: &str, number: i64) -> Document {
    let mut revision = with(revision(number), &["metadata", "name"], name);
    revision.set(&["metadata", "uid"], name);
    with(revision, &["data", "spec", "template", "spec", "containers"], doc!([{"name": "c", "image": name}]))
}

fn world(set: Document, pods: Vec<Document>, claims: Vec<Document>, revisions: Vec<Document>) -> World {
    let set: Arc<Cached<StatefulSet>> = Arc::new(Cached::decode(Arc::new(set)).unwrap());
    let pods = pods.into_iter().map(|pod| Arc::new(Cached::decode(Arc::new(pod)).unwrap()));
    let claims = claims.into_iter().map(|claim| Arc::new(Cached::decode(Arc::new(claim)).unwrap()));
    let revisions = revisions.into_iter().map(|object| Arc::new(Cached::decode(Arc::new(object)).unwrap()));
    let revisions: Vec<Revision> = revisions.collect();
    let name = revisions::name(&set);
    World {
        pods: claimed_pods(&set, pods),
        claims: claims.collect(),
        homonym: revisions.iter().find(|revision| revision.name() == name).cloned(),
        revisions: ownership::claim(&set, &selector_of(&set), revisions),
        set,
    }
}

fn stored(set: Document, pods: Vec<Document>, claims: Vec<Document>) -> World {
    world(set, pods, claims, vec![old_revision(OLD, 1), revision(2)])
}

/// What a plan does, in a few words.
fn done(plan: &Plan) -> Vec<String> {
    let told = |write: &Write| {
        let (call, body) = (&write.call, write.call.body.as_ref().unwrap());
        let verb = match call.verb {
            Verb::Create => "create",
            Verb::Update => "update",
            Verb::Delete => "delete",
            _ => "patch",
        };
        let name = if call.name.is_empty() { body.name() } else { &call.name };
        match &*call.resource.plural {
            "pods" => format!("{verb} {name}"),
            "persistentvolumeclaims" => format!("{verb} claim {name}"),
            _ => format!("{verb} revision {name}"),
        }
    };
    plan.writes().map(told).collect()
}

/// What is done about pods by a set whose revisions are stored.
fn done_about(set: Document, pods: Vec<Document>) -> Vec<String> {
    done(&plan(&stored(set, pods, vec![]), now()))
}

#[test]
fn ordered_pods_come_one_after_the_other() {
    let slow = with(set(), &["spec", "minReadySeconds"], 7200);
    let starting = with(set(), &["spec", "ordinals"], doc!({"start": 5}));
    let orphan = |mut pod: Document| {
        pod.remove(&["metadata", "ownerReferences"]);
        pod
    };
    let stray = with(new_pod(0), &["metadata", "labels"], doc!({"app": "other"}));
    let cases = [
        ("the first", set(), vec![], vec!["create web-0"]),
        ("the next once the one before is ready", set(), new_pods(&[0]), vec!["create web-1"]),
        ("not before", set(), vec![unready(new_pod(0))], vec![]),
        ("nor while it waits", set(), vec![in_phase(new_pod(0), "Pending")], vec![]),
        ("nor before it is available", slow, new_pods(&[0]), vec![]),
        ("nor while it leaves", set(), vec![leaving(new_pod(0))], vec![]),
        ("gaps are filled first", set(), new_pods(&[0, 2]), vec!["create web-1"]),
        ("all are there", set(), new_pods(&[0, 1, 2]), vec![]),
        ("one failed", set(), vec![in_phase(new_pod(0), "Failed")], vec!["delete web-0"]),
        ("one ended", set(), vec![in_phase(new_pod(0), "Succeeded")], vec!["delete web-0"]),
        ("one that failed leaves", set(), vec![leaving(in_phase(new_pod(0), "Failed"))], vec![]),
        ("numbers begin elsewhere", starting.clone(), vec![], vec!["create web-5"]),
        ("and began elsewhere", starting, new_pods(&[0, 5, 6, 7]), vec!["delete web-0"]),
        ("an orphan", set(), vec![orphan(new_pod(0))], vec!["patch web-0"]),
        ("one that matches no longer", set(), vec![stray], vec!["patch web-0"]),
        (
            "one whose name is not the set's",
            set(),
            vec![with(new_pod(0), &["metadata", "name"], "x-0")],
            vec!["patch x-0"],
        ),
        (
            "an orphan whose name is not the set's",
            set(),
            vec![orphan(with(new_pod(0), &["metadata", "name"], "x-0"))],
            vec!["create web-0"],
        ),
    ];
    for (case, set, pods, wanted) in cases {
        assert_eq!(done_about(set, pods), wanted, "{case}");
    }
}

#[test]
fn ordered_pods_go_from_the_highest_number_down() {
    let cases = [
        ("one at a time", of_size(1), new_pods(&[0, 1, 2]), vec!["delete web-2"]),
        ("the next once it is gone", of_size(1), new_pods(&[0, 1]), vec!["delete web-1"]),
        ("not before", of_size(1), vec![new_pod(0), new_pod(1), leaving(new_pod(2))], vec![]),
        ("all", of_size(0), new_pods(&[0]), vec!["delete web-0"]),
        ("while a pod that stays is broken", of_size(1), vec![unready(new_pod(0)), new_pod(1)], vec![]),
        (
            "the broken one",
            of_size(1),
            vec![new_pod(0), new_pod(1), unready(new_pod(2))],
            vec!["delete web-2"],
        ),
        (
            "a broken one below",
            of_size(1),
            vec![new_pod(0), unready(new_pod(1)), new_pod(2)],
            vec!["delete web-2"],
        ),
        (
            "broken ones below too",
            of_size(1),
            vec![new_pod(0), unready(new_pod(1)), unready(new_pod(2))],
            vec![],
        ),
    ];
    for (case, set, pods, wanted) in cases {
        assert_eq!(done_about(set, pods), wanted, "{case}");
    }
}

#[test]
fn parallel_pods_come_and_go_at_once() {
    let sized = |replicas: i64| parallel(of_size(replicas));
    let cases = [
        ("all", sized(3), vec![], vec!["create web-0", "create web-1", "create web-2"]),
        ("beside broken ones", sized(2), vec![unready(new_pod(0))], vec!["create web-1"]),
        ("one failed", sized(2), vec![in_phase(new_pod(0), "Failed")], vec!["delete web-0", "create web-1"]),
        ("fewer", sized(1), new_pods(&[0, 1, 2]), vec!["delete web-2", "delete web-1"]),
        (
            "fewer, some broken",
            sized(0),
            vec![unready(new_pod(0)), new_pod(1)],
            vec!["delete web-1", "delete web-0"],
        ),
        ("fewer, one leaves", sized(0), vec![leaving(new_pod(0)), new_pod(1)], vec!["delete web-1"]),
    ];
    for (case, set, pods, wanted) in cases {
        assert_eq!(done_about(set, pods), wanted, "{case}");
    }
    let plan = plan(&stored(sized(8), vec![], vec![]), now());
    let batches = plan.actions.iter().map(|action| match action {
        Action::All(writes) => writes.len(),
        other => panic!("{other:?}"),
    });
    assert_eq!(batches.collect::<Vec<_>>(), [1, 2, 4, 1]);
}

#[test]
fn a_pod_has_an_identity_of_its_own() {
    let templates = doc!([{"metadata": {"name": "data"}, "spec": {}}]);
    let storing = with(set(), &["spec", "volumeClaimTemplates"], templates);
    let plan = plan(&stored(storing, vec![], vec![claim(0)]), now());
    let write = plan.writes().next().unwrap();
    assert_eq!(
        *write.call.body.as_ref().unwrap(),
        doc!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "web-0", "generateName": "web-", "namespace": "n",
                "labels": {"app": "web", "controller-revision-hash": current(),
                    "statefulset.kubernetes.io/pod-name": "web-0", "apps.kubernetes.io/pod-index": "0"},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "s",
                    "controller": true, "blockOwnerDeletion": true}]},
            "spec": {"containers": [{"name": "c", "image": "v2"}], "hostname": "web-0", "subdomain": "svc",
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data-web-0"}}]}
        })
    );
    let (success, failure) = (write.success.as_ref().unwrap(), write.failure.as_ref().unwrap());
    assert_eq!(
        (success.reason, success.message.as_str()),
        ("SuccessfulCreate", "create Pod web-0 in StatefulSet web successful")
    );
    assert_eq!(
        (failure.reason, failure.message.as_str()),
        ("FailedCreate", "create Pod web-0 in StatefulSet web failed error: ")
    );
}

#[test]
fn a_pod_without_its_labels_gets_them() {
    let bare = with(
        new_pod(0),
        &["metadata", "labels"],
        doc!({"app": "web", "controller-revision-hash": current()}),
    );
    let plan = plan(&stored(of_size(1), vec![bare], vec![]), now());
    let write = plan.writes().next().unwrap();
    assert_eq!(write.call.body.as_ref().unwrap().labels(), new_pod(0).labels());
    assert_eq!(write.success.as_ref().unwrap().message, "update Pod web-0 in StatefulSet web successful");
}

#[test]
fn the_template_is_stored_before_pods_are_made() {
    let plan = plan(&world(set(), vec![], vec![], vec![old_revision(OLD, 4)]), now());
    let name = current();
    assert_eq!(done(&plan), [format!("create revision {name}"), "create web-0".to_owned()]);
    let revision = plan.writes().next().unwrap().call.body.as_ref().unwrap();
    assert_eq!(revision.i64_at(&["revision"]), Some(5));
    assert_eq!(
        revision.label("controller.kubernetes.io/hash"),
        Some(crate::pod_template::hash(&set()).as_str())
    );
}

#[test]
fn revisions_are_numbered_adopted_and_few() {
    let unowned = |mut revision: Document| {
        revision.remove(&["metadata", "ownerReferences"]);
        revision
    };
    let pods = || new_pods(&[0, 1, 2]);
    let history = || vec![old_revision("r1", 1), old_revision("r2", 2), old_revision("r3", 3), revision(4)];
    let by_current = with(set(), &["status", "currentRevision"], "r1");
    let rollback = format!("update revision {}", current());
    let adoption = format!("patch revision {}", current());
    let held = vec![new_pod(0), pod(1, "r1"), new_pod(2)];
    let on_delete = with(set(), &["spec", "updateStrategy"], doc!({"type": "OnDelete"}));
    let cases = [
        ("the template's", set(), pods(), vec![revision(1)], vec![]),
        ("a rollback", set(), pods(), vec![revision(1), old_revision("r2", 2)], vec![rollback.as_str()]),
        ("an orphan", set(), pods(), vec![unowned(revision(1))], vec![adoption.as_str()]),
        ("too many", set(), pods(), history(), vec!["delete revision r1", "delete revision r2"]),
        ("one is current", by_current, pods(), history(), vec!["delete revision r2"]),
        ("one has a pod", on_delete, held, history(), vec!["delete revision r2"]),
    ];
    for (case, set, pods, revisions, wanted) in cases {
        assert_eq!(done(&plan(&world(set, pods, vec![], revisions), now())), wanted, "{case}");
    }
}

#[test]
fn a_taken_name_counts_a_collision_and_changes_the_name() {
    let taken = world(set(), vec![], vec![], vec![old_revision(&current(), 1)]);
    assert_eq!(plan(&taken, now()), Plan::nothing());
    let status = concluded(&taken, &Report::default()).unwrap();
    assert_eq!(status, doc!({"collisionCount": 1}));
    let renamed = with(set(), &["status"], status);
    let made = done(&plan(&world(renamed, vec![], vec![], vec![old_revision(&current(), 1)]), now()));
    assert_eq!(made.len(), 2);
    assert_ne!(made[0], format!("create revision {}", current()));
}

fn concluded(world: &World, report: &Report) -> Option<Document> {
    let plan = StatefulSetController::conclude(world, report, now());
    plan.writes().next().map(|write| write.call.body.as_ref().unwrap()["status"].clone())
}
