//! [sig-api-machinery] Namespaces: what needs no pods.

use crate::harness::Api;
use skiff_apimachinery::{Document, doc};
use skiff_client::resources::NAMESPACES;

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
