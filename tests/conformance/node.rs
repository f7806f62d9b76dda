//! [sig-node]: ConfigMaps, Secrets, Leases, Nodes, PodTemplates, RuntimeClasses.

use crate::api_operations::{Operations, assert_contains, supports_api_operations};
use crate::harness::Api;
use crate::objects::Objects;
use crate::resources::{POD_TEMPLATES, RUNTIME_CLASSES, labelled, named, yaml};
use crate::watch::Change;
use skiff_apimachinery::{Document, doc};
use skiff_client::Resource;
use skiff_client::resources::{CONFIG_MAPS, LEASES, NODES, SECRETS};

fn check_empty_key(resource: &Resource, value: &str) {
    let api = Api::new();
    let refused =
        Objects::refused(api.of(resource).try_create(named("empty-key", doc!({"data": {"": value}}))));
    assert_eq!((refused.code, refused.reason.as_str()), (422, "Invalid"), "{refused}");
}

/// `ConfigMap should fail to create ConfigMap with empty key`
#[test]
fn should_fail_to_create_config_map_with_empty_key() {
    check_empty_key(&CONFIG_MAPS, "value-1");
}

/// `Secrets should fail to create secret due to empty secret key`
#[test]
fn should_fail_to_create_secret_due_to_empty_secret_key() {
    check_empty_key(&SECRETS, "dmFsdWUtMQ==");
}

/// `ConfigMap should run through a ConfigMap lifecycle`
#[test]
fn should_run_through_a_config_map_lifecycle() {
    let api = Api::new();
    let maps = api.of(&CONFIG_MAPS);
    let selector = format!("test-configmap-static={}", api.namespace);
    let mut watch = maps.watch_from_now(&selector);
    let object = doc!({"data": {"valueName": "value"}});
    maps.create(labelled("test-configmap-static", &api.namespace, named("test-configmap", object)));
    watch.expect(Change::Added, "test-configmap");
    let patch =
        doc!({"metadata": {"labels": {"test-configmap": "patched"}}, "data": {"valueName": "value1"}});
    maps.strategic_patch("test-configmap", patch.clone());
    let seen = watch.expect(Change::Modified, "test-configmap");
    assert_contains(&seen, &patch);
    assert_contains(&maps.get("test-configmap"), &patch);
    let listed = maps.everywhere().list(&selector);
    assert_eq!(listed.len(), 1);
    assert_contains(&listed[0], &patch);
    maps.delete_collection(&selector);
    watch.expect(Change::Deleted, "test-configmap");
    maps.none(&selector);
}

/// `ConfigMap should update ConfigMap successfully`
#[test]
fn should_update_config_map_successfully() {
    let api = Api::new();
    let maps = api.of(&CONFIG_MAPS);
    maps.create(named("test-configmap", doc!({"data": {"data": "value"}})));
    let updated = maps.edit("test-configmap", |o| o.set(&["data", "data"], "updated"));
    assert_eq!(updated.str_at(&["data", "data"]), "updated");
    assert_eq!(maps.get("test-configmap").str_at(&["data", "data"]), "updated");
}

/// `Secrets should patch a secret`
#[test]
fn should_patch_a_secret() {
    let api = Api::new();
    let secrets = api.of(&SECRETS);
    let selector = format!("testsecret-constant={}", api.namespace);
    let object = doc!({"type": "Opaque", "data": {"key": "dmFsdWU="}});
    secrets.create(labelled("testsecret-constant", &api.namespace, named("test-secret", object)));
    let listed = secrets.everywhere().list(&selector);
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].str_at(&["data", "key"]), "dmFsdWU=");
    let patch = doc!({"metadata": {"labels": {"testsecret": "true"}}, "data": {"key": "dmFsdWUx"}});
    assert_contains(&secrets.strategic_patch("test-secret", patch.clone()), &patch);
    assert_contains(&secrets.get("test-secret"), &patch);
    let listed = secrets.everywhere().list("testsecret=true");
    assert!(listed.iter().any(|s| s.namespace() == api.namespace && s.name() == "test-secret"));
    secrets.delete_collection(&selector);
    secrets.none(&selector);
}

/// `Lease lease API should be available`
#[test]
fn lease_api_should_be_available() {
    let api = Api::new();
    let leases = api.of(&LEASES);
    let spec = |holder: &str, seconds: i64, transitions: i64| {
        doc!({"spec": {
            "holderIdentity": holder, "leaseDurationSeconds": seconds, "leaseTransitions": transitions,
            "acquireTime": "2026-01-02T03:04:05.000000Z", "renewTime": "2026-01-02T03:04:10.000000Z"
        }})
    };
    let wanted = spec("holder", 30, 0);
    leases.create(named("lease", wanted.clone()));
    assert_eq!(leases.get("lease")["spec"], wanted["spec"]);

    let wanted = spec("holder2", 40, 1);
    leases.edit("lease", |o| o.insert("spec", &wanted["spec"]));
    assert_eq!(leases.get("lease")["spec"], wanted["spec"]);

    let wanted = spec("holder3", 60, 2);
    leases.strategic_patch("lease", wanted.clone());
    assert_eq!(leases.get("lease")["spec"], wanted["spec"]);

    leases.create(labelled("deletecollection", "true", named("lease2", spec("holder", 30, 0))));
    assert_eq!(leases.list("").len(), 2);
    assert_eq!(leases.list("deletecollection=true").len(), 1);
    leases.delete_collection("deletecollection=true");
    leases.none("deletecollection=true");
    assert_eq!(leases.list("").len(), 1);
    leases.delete("lease");
    leases.gone("lease");
}

/// `Node Lifecycle should run through the lifecycle of a node`
#[test]
fn should_run_through_the_lifecycle_of_a_node() {
    let api = Api::new();
    let nodes = api.of(&NODES);
    let name = api.named("e2e-fake-node");
    let selector = format!("e2e-fake={}", api.namespace);
    let object = yaml("{spec: {unschedulable: false}, status: {phase: Running}}");
    nodes.create(labelled("e2e-fake", &api.namespace, named(&name, object)));
    assert_eq!(nodes.get(&name).name(), name);
    let patched = nodes.strategic_patch(&name, doc!({"metadata": {"labels": {"e2e-patched": "true"}}}));
    assert_eq!(patched.label("e2e-patched"), Some("true"));
    assert_eq!(nodes.list(&selector).len(), 1);
    let updated = nodes.edit(&name, |o| o.set(&["metadata", "labels", "e2e-updated"], "true"));
    assert_eq!((updated.label("e2e-patched"), updated.label("e2e-updated")), (Some("true"), Some("true")));
    nodes.delete(&name);
    nodes.gone(&name);
    nodes.none(&selector);
}

fn template(name: &str, label: (&str, &str)) -> Document {
    let object = yaml("template: {spec: {containers: [{name: nginx, image: 'example.test/nginx:1'}]}}");
    labelled(label.0, label.1, named(name, object))
}

/// `PodTemplates should run the lifecycle of PodTemplates`
#[test]
fn should_run_the_lifecycle_of_pod_templates() {
    let api = Api::new();
    let templates = api.of(&POD_TEMPLATES);
    let selector = format!("podtemplate-static={}", api.namespace);
    templates.create(template("nginx-pod-template", ("podtemplate-static", api.namespace.as_str())));
    assert_eq!(templates.everywhere().list(&selector).len(), 1);
    templates.mark("nginx-pod-template", "labels", "podtemplate", "patched");
    assert_eq!(templates.get("nginx-pod-template").label("podtemplate"), Some("patched"));
    templates.delete("nginx-pod-template");
    templates.gone("nginx-pod-template");
    templates.everywhere().none(&selector);
}

/// `PodTemplates should delete a collection of pod templates`
#[test]
fn should_delete_a_collection_of_pod_templates() {
    let api = Api::new();
    let templates = api.of(&POD_TEMPLATES);
    for i in 1..=3 {
        templates.create(template(&format!("test-podtemplate-{i}"), ("podtemplate-set", "true")));
    }
    assert_eq!(templates.list("podtemplate-set=true").len(), 3);
    templates.delete_collection("podtemplate-set=true");
    templates.none("podtemplate-set=true");
}

/// `PodTemplates should replace a pod template`
#[test]
fn should_replace_a_pod_template() {
    let api = Api::new();
    let templates = api.of(&POD_TEMPLATES);
    templates.create(template("e2e-template", ("e2e", "replace")));
    let replaced = templates.edit("e2e-template", |o| o.set(&["metadata", "annotations", "updated"], "true"));
    assert_eq!(replaced.annotation("updated"), Some("true"));
    assert_eq!(templates.get("e2e-template").annotation("updated"), Some("true"));
}

/// `RuntimeClass should support RuntimeClasses API operations`
#[test]
fn should_support_runtime_classes_api_operations() {
    let object = |_: usize| doc!({"handler": "e2e-handler"});
    supports_api_operations(&Operations { resource: RUNTIME_CLASSES, object: &object, status: None });
}
