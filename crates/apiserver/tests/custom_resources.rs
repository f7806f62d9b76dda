//! Custom resources from their definition to their end.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should say so and end")]

mod support;

use skiff_apimachinery::{Document, Status, doc};
use skiff_apiserver::request::Verb;
use skiff_apiserver::{LocalCall, LocalEvent, LocalWatch};
use std::sync::Arc;
use std::time::Duration;
use support::{Server, call};

const PATIENCE: Duration = Duration::from_secs(10);
const DEFINITIONS: [&str; 3] = ["apiextensions.k8s.io", "v1", "customresourcedefinitions"];

fn definition() -> Document {
    doc!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "boats.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "boats", "kind": "Boat", "shortNames": ["bt"]},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "required": ["length"], "properties": {
                        "length": {"type": "integer", "minimum": 1}, "sails": {"type": "integer", "default": 2}
                    }},
                    "status": {"type": "object", "properties": {"afloat": {"type": "boolean"}}}
                }}}
            }]
        }
    })
}

fn boat(name: &str, spec: Document) -> Document {
    doc!({"apiVersion": "example.com/v1", "kind": "Boat", "metadata": {"name": name}, "spec": spec})
}

async fn define(server: &Server, definition: Document) -> Arc<Document> {
    let [group, version, plural] = DEFINITIONS;
    let name = definition.name().to_owned();
    server.create(group, version, plural, "", definition).await.unwrap();
    until(server, &name, |definition| condition(definition, "Established").is_some()).await
}

fn condition<'a>(definition: &'a Document, ty: &str) -> Option<&'a Document> {
    definition.array_at(&["status", "conditions"]).iter().find(|condition| condition.str_at(&["type"]) == ty)
}

/// The definition once it is as wanted.
async fn until(server: &Server, name: &str, wanted: impl Fn(&Document) -> bool) -> Arc<Document> {
    let [group, version, plural] = DEFINITIONS;
    let waiting = async {
        let mut watch =
            server.local().watch(call(Verb::Watch, group, version, plural, "", "")).await.unwrap();
        loop {
            match watch.next().await.unwrap() {
                LocalEvent::Added(object) | LocalEvent::Modified(object)
                    if object.name() == name && wanted(&object) =>
                {
                    return object;
                }
                _ => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the definition becomes as wanted in time")
}

/// Waits for the first deletion that a watch tells of.
async fn until_gone(mut watch: LocalWatch) {
    let waiting = async { while !matches!(watch.next().await.unwrap(), LocalEvent::Deleted(_)) {} };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the definition goes in time");
}

async fn create(server: &Server, object: Document) -> Result<Arc<Document>, Status> {
    server.create("example.com", "v1", "boats", "default", object).await
}

fn boats(verb: Verb, name: &str) -> LocalCall {
    call(verb, "example.com", "v1", "boats", "default", name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_is_served_as_soon_as_it_says_so() {
    let server = Server::start().await;
    let established = define(&server, definition()).await;
    let told = |ty: &str| {
        let condition = condition(&established, ty).unwrap();
        [condition.str_at(&["status"]), condition.str_at(&["reason"]), condition.str_at(&["message"])]
            .map(String::from)
    };
    assert_eq!(told("NamesAccepted"), ["True", "NoConflicts", "no conflicts found"]);
    assert_eq!(told("Established"), ["True", "InitialNamesAccepted", "the initial names have been accepted"]);
    assert_eq!(
        established.at(&["status", "acceptedNames"]),
        Some(&doc!({
            "plural": "boats", "singular": "boat", "kind": "Boat", "listKind": "BoatList", "shortNames": ["bt"]
        }))
    );
    assert_eq!(established.at(&["status", "storedVersions"]), Some(&doc!(["v1"])));
    let created = create(&server, boat("a", doc!({"length": 9, "engine": true}))).await.unwrap();
    assert_eq!(created["spec"], doc!({"length": 9, "sails": 2}));
    assert_eq!(created.generation(), 1);
    let discovered = server.local().get_path("/apis/example.com/v1").await.unwrap();
    assert_eq!(discovered.array_at(&["resources"])[0].str_at(&["kind"]), "Boat");
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_checked_against_the_schema() {
    let server = Server::start().await;
    define(&server, definition()).await;
    let refused = create(&server, boat("a", doc!({"length": 0}))).await.unwrap_err();
    assert_eq!(
        refused.message,
        "Boat.example.com \"a\" is invalid: spec.length: Invalid value: 0: spec.length in body should be greater than or equal to 1"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn status_is_written_through_its_subresource_only() {
    let server = Server::start().await;
    define(&server, definition()).await;
    let created = create(&server, boat("a", doc!({"length": 9}))).await.unwrap();
    let mut changed = Document::clone(&created);
    changed.set(&["status", "afloat"], true);
    changed.set(&["spec", "length"], 10);
    let mut update = boats(Verb::Update, "a");
    update.body = Some(changed.clone());
    let updated = server.local().call(update.clone()).await.unwrap();
    assert_eq!((updated.i64_at(&["spec", "length"]), updated.get("status")), (Some(10), None));
    assert_eq!(updated.generation(), 2);
    changed.set(&["metadata", "resourceVersion"], updated.resource_version());
    changed.set(&["spec", "length"], 11);
    update.subresource = "status".into();
    update.body = Some(changed);
    let updated = server.local().call(update).await.unwrap();
    assert_eq!(updated.i64_at(&["spec", "length"]), Some(10));
    assert_eq!(updated["status"], doc!({"afloat": true}));
    assert_eq!(updated.generation(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_definition_is_the_end_of_its_objects() {
    let server = Server::start().await;
    define(&server, definition()).await;
    for name in ["a", "b"] {
        create(&server, boat(name, doc!({"length": 9}))).await.unwrap();
    }
    let [group, version, plural] = DEFINITIONS;
    let watch = server.local().watch(call(Verb::Watch, group, version, plural, "", "")).await.unwrap();
    let deletion = call(Verb::Delete, group, version, plural, "", "boats.example.com");
    let marked = server.local().call(deletion).await.unwrap();
    assert!(marked.finalizers().any(|finalizer| finalizer == "customresourcecleanup.apiextensions.k8s.io"));
    assert_eq!(condition(&marked, "Terminating").unwrap().str_at(&["reason"]), "InstanceDeletionPending");
    until_gone(watch).await;
    let gone = server.local().call(boats(Verb::Get, "a")).await.unwrap_err();
    assert!(gone.is_not_found());
    // The name is free again, and nothing is left of the old objects.
    define(&server, definition()).await;
    let listed = server.local().list(boats(Verb::List, "")).await.unwrap();
    assert!(listed.items.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_definition_does_not_get_names_of_the_first() {
    let server = Server::start().await;
    define(&server, definition()).await;
    let mut other = definition();
    other.set(&["metadata", "name"], "barques.example.com");
    other.set(&["spec", "names"], doc!({"plural": "barques", "kind": "Barque", "shortNames": ["bt"]}));
    let refused = define(&server, other).await;
    assert_eq!(
        condition(&refused, "NamesAccepted").unwrap().str_at(&["message"]),
        "\"bt\" is already in use"
    );
    assert_eq!(condition(&refused, "Established").unwrap().str_at(&["reason"]), "NotAccepted");
}
