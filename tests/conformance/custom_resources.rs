//! [sig-api-machinery] CustomResourceDefinition resources and their watch.

use crate::crd::{any, definition, establish, group, has_condition};
use crate::harness::Api;
use crate::resources::{labelled, named, yaml};
use crate::watch::Change;
use skiff_apimachinery::{Document, doc};
use skiff_client::resources::CUSTOM_RESOURCE_DEFINITIONS;

/// `CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition creating/deleting custom
/// resource definition objects works`
#[test]
fn creating_deleting_custom_resource_definition_objects_works() {
    let api = Api::new();
    let definitions = api.of(&CUSTOM_RESOURCE_DEFINITIONS);
    let wanted = definition(&api, "noxu", "Namespaced", any());
    let name = wanted.name().to_owned();
    establish(&api, wanted);
    let created = definitions.get(&name);
    assert!(created.finalizers().all(|f| f == "customresourcecleanup.apiextensions.k8s.io"), "{created}");
    assert_eq!(created["status"]["storedVersions"], doc!(["v1"]));
    definitions.delete(&name);
    definitions.gone(&name);
}

/// `CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition listing custom resource
/// definition objects works`
#[test]
fn listing_custom_resource_definition_objects_works() {
    let api = Api::new();
    let definitions = api.of(&CUSTOM_RESOURCE_DEFINITIONS);
    let selector = format!("e2e-list-test-uuid={}", api.namespace);
    let names: Vec<String> = ('a'..='j')
        .map(|letter| {
            let wanted = definition(&api, &format!("noxu{letter}"), "Namespaced", any());
            let wanted = labelled("e2e-list-test-uuid", &api.namespace, wanted);
            let name = wanted.name().to_owned();
            establish(&api, wanted);
            name
        })
        .collect();
    let mut listed: Vec<String> = definitions.list(&selector).iter().map(|d| d.name().to_owned()).collect();
    listed.sort();
    assert_eq!(listed, names);
    definitions.delete_collection(&selector);
    definitions.none(&selector);
}

/// `CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition
/// getting/updating/patching custom resource definition status sub-resource works`
#[test]
fn getting_updating_patching_custom_resource_definition_status_sub_resource_works() {
    let api = Api::new();
    let definitions = api.of(&CUSTOM_RESOURCE_DEFINITIONS);
    let wanted = definition(&api, "noxu", "Namespaced", any());
    let name = wanted.name().to_owned();
    establish(&api, wanted);
    assert!(has_condition(&definitions.get_subresource(&name, "status"), "Established"));

    let condition = doc!({
        "type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Set from e2e test",
        "lastTransitionTime": "2026-01-02T03:04:05Z"
    });
    let updated = definitions.edit_subresource(&name, "status", |object| {
        object.ensure(&["status", "conditions"]).push(condition.clone());
    });
    assert!(has_condition(&updated, "StatusUpdate"), "{updated}");
    assert!(has_condition(&definitions.get(&name), "StatusUpdate"));

    let patch = doc!({"status": {"storedVersions": ["v1", "v2"]}});
    let patched = definitions.patch_subresource(&name, "status", patch);
    assert!(has_condition(&patched, "StatusUpdate"), "{patched}");
    assert_eq!(patched["status"]["storedVersions"], doc!(["v1", "v2"]));
}

/// `CustomResourceDefinition resources [Privileged:ClusterAdmin] should include custom resource definition resources in
/// discovery documents`
#[test]
fn should_include_custom_resource_definition_resources_in_discovery_documents() {
    let api = Api::new();
    let groups = api.path("/apis");
    let of_group = |g: &&Document| g.str_at(&["name"]) == "apiextensions.k8s.io";
    let group = groups.array_at(&["groups"]).iter().find(of_group).expect("the group is in /apis");
    let has_v1 = |group: &Document| {
        let v1 = doc!({"groupVersion": "apiextensions.k8s.io/v1", "version": "v1"});
        group.array_at(&["versions"]).contains(&v1)
    };
    assert!(has_v1(group), "{group}");
    let document = api.path("/apis/apiextensions.k8s.io");
    assert_eq!(document.str_at(&["name"]), "apiextensions.k8s.io");
    assert!(has_v1(&document), "{document}");
    let resources = api.path("/apis/apiextensions.k8s.io/v1");
    assert_eq!(resources.str_at(&["groupVersion"]), "apiextensions.k8s.io/v1");
    let names: Vec<&str> = resources.array_at(&["resources"]).iter().map(|r| r.str_at(&["name"])).collect();
    assert!(names.contains(&"customresourcedefinitions"), "{names:?}");
}

/// `CustomResourceDefinition resources [Privileged:ClusterAdmin] custom resource defaulting for requests and from storage
/// works`
#[test]
fn custom_resource_defaulting_for_requests_and_from_storage_works() {
    let api = Api::new();
    let schema = yaml("{type: object, properties: {a: {type: string}, b: {type: string}}}");
    let wanted = definition(&api, "noxu", "Cluster", schema);
    let name = wanted.name().to_owned();
    let objects = api.of(&establish(&api, wanted));
    let definitions = api.of(&CUSTOM_RESOURCE_DEFINITIONS);
    let default = |field: &'static str, value: Option<&'static str>| {
        definitions.edit(&name, |object| {
            let versions = object.at_mut(&["spec", "versions"]).and_then(Document::as_array_mut).unwrap();
            let property = versions[0].ensure(&["schema", "openAPIV3Schema", "properties", field]);
            match value {
                Some(value) => property.insert("default", value),
                None => drop(property.remove(&["default"])),
            }
        });
    };
    let before = objects.create(named("foo", doc!({})));
    assert!(before.get("a").is_none(), "{before}");

    // Storage: what was written before the default gets it when it is read.
    default("a", Some("A"));
    api.eventually("the default is applied when read", || match objects.get("foo").str_at(&["a"]) {
        "A" => Ok(()),
        other => Err(other.to_owned()),
    });
    // Requests: what is written now gets it when it is created.
    let created = objects.create(named("foo2", doc!({})));
    assert_eq!(created.str_at(&["a"]), "A");

    // The default of `a` goes, one of `b` comes: only what was written with `a` keeps it.
    default("a", None);
    default("b", Some("B"));
    let read = |name: &str, a: Option<&str>| {
        api.eventually(&format!("defaults of {name}"), || {
            let object = objects.get(name);
            let found = object.get("a").and_then(Document::as_str);
            if found == a && object.str_at(&["b"]) == "B" { Ok(()) } else { Err(object.to_string()) }
        });
    };
    read("foo", None);
    read("foo2", Some("A"));
    let patched = objects.mark("foo", "labels", "patched", "true");
    assert_eq!(patched.str_at(&["b"]), "B");
}

/// `CustomResourceDefinition Watch [Privileged:ClusterAdmin] CustomResourceDefinition Watch watch on custom resource
/// definition objects`
#[test]
fn watch_on_custom_resource_definition_objects() {
    let api = Api::new();
    let objects = api.of(&establish(&api, definition(&api, "noxu", "Cluster", any())));
    let (mut watch_a, mut watch_b) =
        (objects.watch_from_now("watch-this=a"), objects.watch_from_now("watch-this=b"));
    let object =
        |name: &str, value| labelled("watch-this", value, named(name, doc!({"content": {"key": "value"}})));
    let created = objects.create(object("name1", "a"));
    assert_eq!(created.str_at(&["apiVersion"]), format!("{}/v1", group(&api)));
    watch_a.expect(Change::Added, "name1");
    objects.create(object("name2", "b"));
    watch_b.expect(Change::Added, "name2");
    objects.patch("name1", doc!({"dummy": "test"}));
    assert_eq!(watch_a.expect(Change::Modified, "name1").str_at(&["dummy"]), "test");
    objects.patch("name2", doc!({"dummy": "test"}));
    watch_b.expect(Change::Modified, "name2");
    objects.delete("name1");
    watch_a.expect(Change::Deleted, "name1");
    objects.delete("name2");
    watch_b.expect(Change::Deleted, "name2");
}
