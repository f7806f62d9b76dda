//! Tables for the deletion of namespaces.

use super::*;
use skiff_apimachinery::doc;
use skiff_client::resources::CONFIG_MAPS;

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn content(resource: &Resource, verbs: &[&str], objects: Vec<Document>) -> Content {
    let served =
        Served { resource: resource.clone(), verbs: verbs.iter().map(|&verb| verb.to_owned()).collect() };
    Content { served, objects: objects.into_iter().map(Arc::new).collect() }
}

fn world(content: Vec<Content>) -> World {
    let namespace = doc!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "n", "uid": "u", "deletionTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Terminating"}
    });
    World {
        namespace: Arc::new(Cached::decode(Arc::new(namespace)).unwrap()),
        content,
        undiscovered: Vec::new(),
    }
}

fn resources(plan: &Plan) -> Vec<(Verb, String)> {
    plan.writes()
        .map(|write| (write.call.verb, format!("{}/{}", write.call.resource.plural, write.call.name)))
        .collect()
}

const ALL: &[&str] = &["list", "delete", "deletecollection"];

#[test]
fn pods_go_before_everything_else() {
    let object = || doc!({"metadata": {"name": "a"}});
    let maps = || content(&CONFIG_MAPS, ALL, vec![object()]);
    let both = world(vec![maps(), content(&PODS, ALL, vec![object()])]);
    assert_eq!(resources(&plan(&both)), [(Verb::DeleteCollection, "pods/".into())]);
    assert_eq!(resources(&plan(&world(vec![maps()]))), [(Verb::DeleteCollection, "configmaps/".into())]);
}

#[test]
fn a_resource_without_deletecollection_is_deleted_one_by_one() {
    let world = world(vec![content(
        &CONFIG_MAPS,
        &["list", "delete"],
        vec![
            doc!({"metadata": {"name": "a"}}),
            doc!({"metadata": {"name": "b", "deletionTimestamp": "2026-01-01T00:00:00Z"}}),
        ],
    )]);
    assert_eq!(resources(&plan(&world)), [(Verb::Delete, "configmaps/a".into())]);
}

#[test]
fn what_goes_already_is_waited_for() {
    let going = doc!({"metadata": {"name": "a", "deletionTimestamp": "2026-01-01T00:00:00Z",
        "deletionGracePeriodSeconds": 30, "finalizers": ["x/y"]}});
    let world = world(vec![content(&PODS, ALL, vec![going])]);
    assert_eq!(plan(&world), Plan::nothing());
    let conclusion = conclude(&world, &Report::default(), now());
    assert_eq!(conclusion.requeue_after, Some(Duration::from_secs(16)));
    let status = conclusion.writes().next().unwrap().call.body.clone().unwrap();
    let messages: Vec<&str> =
        status.array_at(&["status", "conditions"]).iter().map(|c| c.str_at(&["message"])).collect();
    assert_eq!(messages[3], "Some resources are remaining: pods. has 1 resource instances");
    assert_eq!(
        messages[4],
        "Some content in the namespace has finalizers remaining: x/y in 1 resource instances"
    );
}

#[test]
fn an_empty_namespace_loses_its_finalizer_once_its_conditions_say_so() {
    let mut empty = world(Vec::new());
    let first = conclude(&empty, &Report::default(), now());
    let status = first.writes().next().unwrap();
    assert_eq!(status.call.subresource, "status");
    let told = status.call.body.clone().unwrap();
    empty.namespace = Arc::new(Cached::decode(Arc::new(told)).unwrap());
    let second = conclude(&empty, &Report::default(), now());
    let write = second.writes().next().unwrap();
    assert_eq!(write.call.subresource, "finalize");
    assert_eq!(write.call.body.as_ref().unwrap()["spec"], doc!({"finalizers": []}));
}

#[test]
fn a_group_that_does_not_answer_keeps_the_namespace() {
    let mut world = world(Vec::new());
    world
        .undiscovered
        .push((GroupVersion::new("metrics.k8s.io", "v1beta1"), Status::service_unavailable("down")));
    let conclusion = conclude(&world, &Report::default(), now());
    assert!(conclusion.writes().all(|write| write.call.subresource == "status"));
    assert_eq!(conclusion.requeue_after, Some(WAITING_FOR_OTHERS));
}
