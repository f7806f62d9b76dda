//! [sig-api-machinery] Garbage collector.
//!
//! Where upstream waits half a minute to see that nothing is deleted by mistake, these tests wait until the collector has
//! taken an object that lost its owner later: whatever it had to do before is done then.

use crate::harness::Api;
use crate::resources::{labelled, named, yaml};
use skiff_apimachinery::{Document, doc};
use skiff_client::Object;
use skiff_client::resources::{CONFIG_MAPS, DEPLOYMENTS, PODS, REPLICA_SETS, REPLICATION_CONTROLLERS};

const REPLICAS: i64 = 10;

fn owner_reference(kind: &str, owner: &Document) -> Document {
    doc!({"apiVersion": "v1", "kind": kind, "name": owner.name(), "uid": owner.uid()})
}

/// A ReplicationController that has made its pods.
fn controller(api: &Api, name: &str, replicas: i64) -> Document {
    let controllers = api.of(&REPLICATION_CONTROLLERS);
    let mut object = yaml(
        "spec: {template: {spec: {terminationGracePeriodSeconds: 0, containers: [{name: nginx, image: nginx}]}}}",
    );
    object.set(&["spec", "replicas"], replicas);
    object.set(&["spec", "selector", "gctest"], name);
    object.set(&["spec", "template", "metadata", "labels", "gctest"], name);
    controllers.create(named(name, object));
    api.eventually(&format!("the pods of {name}"), || {
        let controller = controllers.get(name);
        if controller.i64_at(&["status", "replicas"]).unwrap_or(0) == replicas {
            Ok(controller)
        } else {
            Err(controller["status"].to_string())
        }
    })
}

fn deployment(api: &Api) -> Document {
    let mut object = yaml("spec: {template: {spec: {containers: [{name: nginx, image: nginx}]}}}");
    object.set(&["spec", "replicas"], 2);
    object.set(&["spec", "selector", "matchLabels", "gctest"], "deployment");
    object.set(&["spec", "template", "metadata", "labels", "gctest"], "deployment");
    let created = api.of(&DEPLOYMENTS).create(named("simpletest.deployment", object));
    api.eventually("a ReplicaSet with its pods", || {
        let sets = api.of(&REPLICA_SETS).list("");
        let pods = sets.iter().map(|set| set.i64_at(&["status", "replicas"]).unwrap_or(0)).sum::<i64>();
        if pods == 2 { Ok(()) } else { Err(format!("{pods} pods")) }
    });
    created
}

/// Waits until the collector has seen everything that was there until now.
fn collected(api: &Api) {
    let maps = api.of(&CONFIG_MAPS);
    let [owner, dependent] = ["last-owner", "last-dependent"];
    let owner = maps.create(named(owner, doc!({})));
    let mut object = named(dependent, doc!({}));
    object.set(&["metadata", "ownerReferences"], doc!([owner_reference("ConfigMap", &owner)]));
    maps.create(object);
    maps.delete(owner.name());
    maps.gone(dependent);
}

fn pods(api: &Api) -> Vec<Object> {
    api.of(&PODS).list("")
}

/// `Garbage collector should delete pods created by rc when not orphaning`
#[test]
fn should_delete_pods_created_by_rc_when_not_orphaning() {
    let api = Api::for_pods();
    let owner = controller(&api, "simpletest.rc", 2);
    api.of(&REPLICATION_CONTROLLERS).delete_with(&owner, "Background");
    api.of(&PODS).none("");
    api.of(&REPLICATION_CONTROLLERS).gone(owner.name());
}

/// `Garbage collector should orphan pods created by rc if delete options say so`
#[test]
fn should_orphan_pods_created_by_rc_if_delete_options_say_so() {
    let api = Api::for_pods();
    let owner = controller(&api, "simpletest.rc", REPLICAS);
    api.of(&REPLICATION_CONTROLLERS).delete_with(&owner, "Orphan");
    api.of(&REPLICATION_CONTROLLERS).gone(owner.name());
    collected(&api);
    let left = pods(&api);
    assert_eq!(left.len() as i64, REPLICAS);
    for pod in left {
        assert!(pod.deletion_timestamp().is_none() && pod.owner_references().is_empty(), "{pod}");
    }
}

/// `Garbage collector should delete RS created by deployment when not orphaning`
#[test]
fn should_delete_rs_created_by_deployment_when_not_orphaning() {
    let api = Api::for_pods();
    let owner = deployment(&api);
    api.of(&DEPLOYMENTS).delete_with(&owner, "Background");
    api.of(&DEPLOYMENTS).gone(owner.name());
    api.of(&REPLICA_SETS).none("");
    api.of(&PODS).none("");
}

/// `Garbage collector should orphan RS created by deployment when deleteOptions.PropagationPolicy is Orphan`
#[test]
fn should_orphan_rs_created_by_deployment_when_delete_options_propagation_policy_is_orphan() {
    let api = Api::for_pods();
    let owner = deployment(&api);
    api.of(&DEPLOYMENTS).delete_with(&owner, "Orphan");
    api.of(&DEPLOYMENTS).gone(owner.name());
    collected(&api);
    let sets = api.of(&REPLICA_SETS).list("");
    assert_eq!((sets.len(), pods(&api).len()), (1, 2));
    assert!(sets[0].owner_references().is_empty(), "{}", sets[0]);
}

/// `Garbage collector should keep the rc around until all its pods are deleted if the deleteOptions says so`
#[test]
fn should_keep_the_rc_around_until_all_its_pods_are_deleted_if_the_delete_options_says_so() {
    let api = Api::for_pods();
    let owner = controller(&api, "simpletest.rc", REPLICAS);
    // One pod that does not go by itself shows that its owner waits.
    let held = pods(&api)[0].name().to_owned();
    let finalizers = |value: Document| doc!({"metadata": {"finalizers": value}});
    api.of(&PODS).patch(&held, finalizers(doc!(["example.test/held"])));
    api.of(&REPLICATION_CONTROLLERS).delete_with(&owner, "Foreground");
    api.eventually("all pods but one go", || {
        let left = pods(&api).len();
        if left == 1 { Ok(()) } else { Err(format!("{left} left")) }
    });
    collected(&api);
    let waiting = api.of(&REPLICATION_CONTROLLERS).get(owner.name());
    assert!(waiting.deletion_timestamp().is_some(), "{waiting}");
    assert!(waiting.finalizers().any(|finalizer| finalizer == "foregroundDeletion"), "{waiting}");
    api.of(&PODS).patch(&held, finalizers(doc!(null)));
    api.of(&REPLICATION_CONTROLLERS).gone(owner.name());
    assert_eq!(pods(&api).len(), 0);
}

/// `Garbage collector should not delete dependents that have both valid owner and owner that's waiting for dependents to be
/// deleted`
#[test]
fn should_not_delete_dependents_that_have_both_valid_owner_and_owner_thats_waiting() {
    let api = Api::for_pods();
    let going = controller(&api, "simpletest-rc-to-be-deleted", REPLICAS);
    let staying = controller(&api, "simpletest-rc-to-stay", 0);
    let half = (REPLICAS / 2) as usize;
    let kept: Vec<Object> = pods(&api).into_iter().take(half).collect();
    for pod in &kept {
        let references = doc!([owner_reference("ReplicationController", &staying)]);
        api.of(&PODS).strategic_patch(pod.name(), doc!({"metadata": {"ownerReferences": references}}));
    }
    api.of(&REPLICATION_CONTROLLERS).delete_with(&going, "Foreground");
    api.of(&REPLICATION_CONTROLLERS).gone(going.name());
    let left = pods(&api);
    assert_eq!(left.len(), half);
    for pod in left {
        assert!(kept.iter().any(|kept| kept.uid() == pod.uid()));
        assert!(pod.deletion_timestamp().is_none(), "{pod}");
        let owners = pod.owner_references();
        assert_eq!(owners.len(), 1, "{pod}");
        assert_eq!(owners[0].str_at(&["uid"]), staying.uid());
    }
}

/// `Garbage collector should not be blocked by dependency circle`
#[test]
fn should_not_be_blocked_by_dependency_circle() {
    let api = Api::for_pods();
    let objects = api.of(&PODS);
    let made = ["pod1", "pod2", "pod3"].map(|name| {
        let pod = yaml("spec: {terminationGracePeriodSeconds: 0, containers: [{name: nginx, image: nginx}]}");
        objects.create(labelled("gctest", "circle", named(name, pod)))
    });
    for (i, pod) in made.iter().enumerate() {
        let mut reference = owner_reference("Pod", &made[(i + 2) % 3]);
        reference.insert("controller", true);
        reference.insert("blockOwnerDeletion", true);
        objects.strategic_patch(pod.name(), doc!({"metadata": {"ownerReferences": [reference]}}));
    }
    objects.delete_with(&made[0], "Foreground");
    objects.none("");
}
