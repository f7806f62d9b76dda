//! [sig-api-machinery] Namespaces and OrderedNamespaceDeletion.

use crate::harness::Api;
use crate::resources::{named, yaml};
use skiff_apimachinery::{Document, doc};
use skiff_client::resources::{CONFIG_MAPS, NAMESPACES, PODS, SERVICES};

/// `Namespaces [Serial] should patch a Namespace`
#[test]
fn should_patch_a_namespace() {
    let api = Api::new();
    let namespaces = api.of(&NAMESPACES);
    namespaces.strategic_patch(&api.namespace, doc!({"metadata": {"labels": {"testLabel": "testValue"}}}));
    assert_eq!(namespaces.get(&api.namespace).label("testLabel"), Some("testValue"));
}

/// `Namespaces [Serial] should apply an update to a Namespace`
#[test]
fn should_apply_an_update_to_a_namespace() {
    let api = Api::new();
    let namespaces = api.of(&NAMESPACES);
    let value = api.namespace.as_str();
    let updated = namespaces.edit(value, |n| n.set(&["metadata", "labels", "updated"], value));
    assert_eq!(updated.label("updated"), Some(value));
    assert_eq!(namespaces.get(value).label("updated"), Some(value));
}

fn condition<'a>(namespace: &'a Document, kind: &str) -> Option<&'a Document> {
    namespace.array_at(&["status", "conditions"]).iter().find(|c| c.str_at(&["type"]) == kind)
}

/// `Namespaces [Serial] should apply changes to a namespace status`
#[test]
fn should_apply_changes_to_a_namespace_status() {
    let api = Api::new();
    let (namespaces, name) = (api.of(&NAMESPACES), api.namespace.as_str());
    let read = namespaces.get_subresource(name, "status");
    assert_eq!(read.str_at(&["status", "phase"]), "Active");
    assert!(read.array_at(&["status", "conditions"]).is_empty(), "{read}");

    let patch = doc!({
        "metadata": {"annotations": {"e2e-patched-ns-status": name}},
        "status": {"conditions": [
            {"type": "StatusPatch", "status": "True", "reason": "E2E", "message": "Patched by an e2e test"}
        ]}
    });
    let patched = namespaces.patch_subresource(name, "status", patch);
    assert_eq!(patched.annotation("e2e-patched-ns-status"), Some(name));
    let found = condition(&patched, "StatusPatch").expect("the patched condition is there");
    assert_eq!(found.str_at(&["message"]), "Patched by an e2e test");

    let updated = namespaces.edit_subresource(name, "status", |object| {
        object.ensure(&["status", "conditions"]).push(doc!({
            "type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Updated by an e2e test"
        }));
    });
    assert_eq!(updated.array_at(&["status", "conditions"]).len(), 2, "{updated}");
    let found = condition(&updated, "StatusUpdate").expect("the updated condition is there");
    assert_eq!(found.str_at(&["message"]), "Updated by an e2e test");
    assert_eq!(namespaces.get(name).str_at(&["status", "phase"]), "Active");
}

/// `Namespaces [Serial] should apply a finalizer to a Namespace`
#[test]
fn should_apply_a_finalizer_to_a_namespace() {
    const FINALIZER: &str = "e2e.example.com/fakeFinalizer";
    let api = Api::new();
    let (namespaces, name) = (api.of(&NAMESPACES), api.namespace.as_str());
    let updated = namespaces.edit_subresource(name, "finalize", |object| {
        object.ensure(&["spec", "finalizers"]).push(FINALIZER);
    });
    assert_eq!(updated["spec"]["finalizers"], doc!(["kubernetes", FINALIZER]));
    let updated = namespaces.edit_subresource(name, "finalize", |object| {
        object.set(&["spec", "finalizers"], doc!(["kubernetes"]));
    });
    assert_eq!(updated["spec"]["finalizers"], doc!(["kubernetes"]));
    assert_eq!(namespaces.get(name)["spec"]["finalizers"], doc!(["kubernetes"]));
}

/// `Namespaces [Serial] should ensure that all services are removed when a namespace is deleted`
#[test]
fn should_ensure_that_all_services_are_removed_when_a_namespace_is_deleted() {
    let api = Api::for_pods();
    let service = yaml("spec: {selector: {foo: bar, baz: blah}, ports: [{port: 80, targetPort: 80}]}");
    api.of(&SERVICES).create(named("test-service", service));
    api.of(&NAMESPACES).delete(&api.namespace);
    api.of(&NAMESPACES).gone(&api.namespace);
    api.of(&NAMESPACES).create(named(&api.namespace, doc!({})));
    assert!(api.of(&SERVICES).try_get("test-service").unwrap_err().is_not_found());
}

/// `OrderedNamespaceDeletion namespace deletion should delete pod first`
#[test]
fn namespace_deletion_should_delete_pod_first() {
    const FINALIZER: &str = "e2e.example.com/finalizer";
    let api = Api::for_pods();
    let mut pod = yaml("spec: {containers: [{name: nginx, image: nginx}]}");
    pod.set(&["metadata", "finalizers"], doc!([FINALIZER]));
    let pod = api.of(&PODS).create(named("test-pod", pod));
    let map = api.of(&CONFIG_MAPS).create(named("test-configmap", doc!({"data": {"key": "value"}})));
    api.of(&NAMESPACES).delete(&api.namespace);
    api.eventually("the namespace tells what is left", || {
        let namespace = api.of(&NAMESPACES).get(&api.namespace);
        let told = |kind: &str, text: &str| {
            condition(&namespace, kind).is_some_and(|found| {
                found.str_at(&["status"]) == "True" && found.str_at(&["message"]).contains(text)
            })
        };
        let wanted = told("NamespaceContentRemaining", "pods. has 1 resource instances")
            && told("NamespaceFinalizersRemaining", FINALIZER)
            && condition(&namespace, "NamespaceDeletionContentFailure").is_some();
        if wanted { Ok(()) } else { Err(namespace["status"].to_string()) }
    });
    let waiting = api.of(&PODS).get(pod.name());
    assert!(waiting.deletion_timestamp().is_some(), "{waiting}");
    let untouched = api.of(&CONFIG_MAPS).get(map.name());
    assert!(untouched.deletion_timestamp().is_none(), "{untouched}");
    api.of(&PODS).patch(pod.name(), doc!({"metadata": {"finalizers": null}}));
    api.of(&NAMESPACES).gone(&api.namespace);
}
