//! What upstream's many tests "should support X API operations" have in common: every verb of one resource.

use crate::harness::Api;
use crate::objects::Objects;
use crate::resources::labelled;
use crate::watch::{Change, Watch};
use skiff_apimachinery::{Document, Node, doc};
use skiff_client::Resource;

/// How many objects a test makes.
const OBJECTS: usize = 3;
const LABEL: &str = "special-label";

/// What is special about one resource.
pub struct Operations<'a> {
    /// The resource.
    pub resource: Resource,
    /// The objects to create, by number; without a name they are given one.
    pub object: &'a dyn Fn(usize) -> Document,
    /// How its status is changed, if it has the subresource.
    pub status: Option<StatusChanges>,
}

/// Two changes through the status subresource; what they say must be there afterwards.
pub struct StatusChanges {
    /// Sent as a merge patch.
    pub patch: Document,
    /// Laid over what is read, then sent as an update.
    pub update: Document,
}

/// Goes through every verb; returns the test's part of the cluster for further checks.
pub fn supports_api_operations(operations: &Operations<'_>) -> Api {
    let api = Api::new();
    let selector = format!("{LABEL}={}", api.namespace);
    let objects = api.of(&operations.resource);
    check_discovery(&api, operations);

    let mut watch = objects.watch_from_now(&selector);
    let names: Vec<String> = (0..OBJECTS).map(|i| create(&api, &objects, operations, i)).collect();
    for name in &names {
        watch.sees(Change::Added, name);
    }
    let name = names[0].as_str();
    let created = objects.get(name);
    assert!(!created.uid().is_empty() && !created.creation_timestamp().is_empty(), "{created}");
    let again = Objects::refused(objects.try_create(strip(&created)));
    assert!(again.is_already_exists(), "{again}");
    check_lists(&objects, &selector, created.uid());

    check_changes(&objects, &mut watch, name);
    if let Some(changes) = &operations.status {
        check_status(&objects, name, changes);
    }
    check_deletion(&objects, &mut watch, &selector, name);
    api
}

fn check_discovery(api: &Api, operations: &Operations<'_>) {
    let resource = &operations.resource;
    let (group, version) = (&*resource.group, resource.api_version());
    let list = if group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{version}") };
    if !group.is_empty() {
        let served = |group: &Document| {
            group.array_at(&["versions"]).iter().any(|v| v.str_at(&["groupVersion"]) == version)
        };
        let groups = api.path("/apis");
        let found = groups.array_at(&["groups"]).iter().find(|g| g.str_at(&["name"]) == group);
        assert!(found.is_some_and(served), "{group} is not in /apis");
        assert!(served(&api.path(&format!("/apis/{group}"))), "{version} is not in /apis/{group}");
    }
    let resources = api.path(&list);
    let served = |name: &str| resources.array_at(&["resources"]).iter().any(|r| r.str_at(&["name"]) == name);
    assert!(served(&resource.plural), "{} is not in {list}", resource.plural);
    if operations.status.is_some() {
        let status = format!("{}/status", resource.plural);
        assert!(served(&status), "{status} is not in {list}");
    }
}

fn create(api: &Api, objects: &Objects<'_>, operations: &Operations<'_>, index: usize) -> String {
    let mut object = labelled(LABEL, &api.namespace, (operations.object)(index));
    if object.name().is_empty() {
        object.set(&["metadata", "name"], api.named(&index.to_string()));
    }
    objects.create(object).name().to_owned()
}

/// The object as a client would create it again.
fn strip(object: &Document) -> Document {
    let mut object = object.clone();
    for field in ["uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"] {
        object.remove(&["metadata", field]);
    }
    object
}

fn check_lists(objects: &Objects<'_>, selector: &str, uid: &str) {
    for listed in [objects.list(selector), objects.everywhere().list(selector)] {
        assert_eq!(listed.len(), OBJECTS);
        assert!(listed.iter().any(|object| object.uid() == uid));
    }
}

fn check_changes(objects: &Objects<'_>, watch: &mut Watch<'_>, name: &str) {
    let patched = objects.mark(name, "annotations", "patched", "true");
    assert_eq!(patched.annotation("patched"), Some("true"));
    watch.until(Change::Modified, |o| o.name() == name && o.annotation("patched") == Some("true"));
    let patch = doc!({"metadata": {"annotations": {"strategic": "true"}}});
    assert_eq!(objects.strategic_patch(name, patch).annotation("patched"), Some("true"));
    let updated = objects.edit(name, |o| o.set(&["metadata", "annotations", "updated"], "true"));
    assert_eq!(updated.annotation("updated"), Some("true"));
    let seen = watch.until(Change::Modified, |o| o.name() == name && o.annotation("updated").is_some());
    assert_eq!(seen.annotation("strategic"), Some("true"));
    let read = objects.get(name);
    assert_eq!((read.annotation("patched"), read.annotation("updated")), (Some("true"), Some("true")));
}

/// Status: patch, update, get.
pub fn check_status(objects: &Objects<'_>, name: &str, changes: &StatusChanges) {
    let patched = objects.patch_subresource(name, "status", changes.patch.clone());
    assert_contains(&patched, &changes.patch);
    let updated = objects.edit_subresource(name, "status", |object| overlay(object, &changes.update));
    assert_contains(&updated, &changes.update);
    let read = objects.get_subresource(name, "status");
    assert_contains(&read, &changes.update);
    assert_eq!(read.uid(), updated.uid());
}

fn check_deletion(objects: &Objects<'_>, watch: &mut Watch<'_>, selector: &str, name: &str) {
    objects.delete(name);
    objects.gone(name);
    watch.sees(Change::Deleted, name);
    assert_eq!(objects.list(selector).len(), OBJECTS - 1);
    objects.delete_collection(selector);
    objects.none(selector);
    for _ in 1..OBJECTS {
        watch.until(Change::Deleted, |_| true);
    }
}

/// Lays one document over another: maps are merged, anything else is replaced.
pub fn overlay(target: &mut Document, change: &Document) {
    match change.node() {
        Node::Object(map) => map.iter().for_each(|(key, value)| overlay(target.ensure(&[key]), value)),
        _ => *target = change.clone(),
    }
}

/// Everything that the expected document says, the actual one says too.
#[track_caller]
pub fn assert_contains(actual: &Document, expected: &Document) {
    assert!(contains(actual, expected), "expected {expected}\n in {actual}");
}

fn contains(actual: &Document, expected: &Document) -> bool {
    match (actual.node(), expected.node()) {
        (Node::Object(actual), Node::Object(expected)) => {
            expected.iter().all(|(key, value)| actual.get(key).is_some_and(|found| contains(found, value)))
        }
        (Node::Array(actual), Node::Array(expected)) => {
            // A controller may have added an element of its own, such as a condition.
            expected.iter().all(|element| actual.iter().any(|found| contains(found, element)))
        }
        _ => actual == expected,
    }
}
