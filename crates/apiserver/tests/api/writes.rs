//! create, update, patch, apply, delete.

use crate::support::{Server, call};
use crate::{config_map, pod};
use skiff_apimachinery::doc;
use skiff_apiserver::request::Verb;
use skiff_storage::Range;

const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const JSON: &str = "application/json-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

#[tokio::test]
async fn a_created_object_has_what_the_server_owns() {
    let server = Server::start().await;
    let made = server.make_config_map("a", "x").await;
    assert_eq!(made.uid().len(), 36);
    assert!(!made.resource_version().is_empty() && !made.creation_timestamp().is_empty());
    assert_eq!(made.namespace(), "default");
    let managers = made.array_at(&["metadata", "managedFields"]);
    assert_eq!(managers[0].str_at(&["manager"]), "test");
    let again = server.make("configmaps", config_map("a", "x")).await.unwrap_err();
    assert_eq!((again.code, again.message.as_str()), (409, r#"configmaps "a" already exists"#));
    assert_eq!(*server.get("configmaps", "default", "a").await.unwrap(), *made);
}

#[tokio::test]
async fn names_are_generated_and_checked() {
    let server = Server::start().await;
    let object = doc!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "x-"}});
    let made = server.make("configmaps", object).await.unwrap();
    assert!(made.name().starts_with("x-") && made.name().len() == 7, "{}", made.name());
    let refused = server.make("configmaps", config_map("Not_A_Name", "x")).await.unwrap_err();
    assert_eq!(refused.code, 422);
    assert!(
        refused.message.starts_with(r#"ConfigMap "Not_A_Name" is invalid: metadata.name: Invalid value"#)
    );
    let nameless =
        server.make("configmaps", doc!({"apiVersion": "v1", "kind": "ConfigMap"})).await.unwrap_err();
    assert!(nameless.message.contains("name or generateName is required"), "{}", nameless.message);
}

#[tokio::test]
async fn a_stale_update_conflicts_and_an_empty_one_stores_nothing() {
    let server = Server::start().await;
    let first = server.make_config_map("a", "x").await;
    let mut changed = (*first).clone();
    changed.set(&["data", "a"], "c");
    let second = server.put("configmaps", changed.clone()).await.unwrap();
    assert_ne!(second.resource_version(), first.resource_version());
    let stale = server.put("configmaps", changed).await.unwrap_err();
    assert_eq!(stale.code, 409);
    assert!(stale.message.contains("the object has been modified; please apply your changes"));
    let same = server.put("configmaps", (*second).clone()).await.unwrap();
    assert_eq!(same.resource_version(), second.resource_version());
    // Without a version the last one wins.
    let mut blind = config_map("a", "x");
    blind.set(&["data", "a"], "d");
    let third = server.put("configmaps", blind).await.unwrap();
    assert_eq!(third.str_at(&["data", "a"]), "d");
    assert_eq!((third.uid(), third.creation_timestamp()), (first.uid(), first.creation_timestamp()));
}

#[tokio::test]
async fn the_four_patches_edit_the_object() {
    let server = Server::start().await;
    server.make_config_map("a", "x").await;
    let merged = server.patch(("", "configmaps"), "a", MERGE, &[], doc!({"data": {"b": "1"}})).await.unwrap();
    assert_eq!(merged.str_at(&["data", "b"]), "1");
    let patch = doc!([{"op": "remove", "path": "/data/b"}]);
    let edited = server.patch(("", "configmaps"), "a", JSON, &[], patch).await.unwrap();
    assert_eq!(edited.at(&["data", "b"]), None);
    let same = server.patch(("", "configmaps"), "a", MERGE, &[], doc!({"data": {"a": "b"}})).await.unwrap();
    assert_eq!(same.resource_version(), edited.resource_version());

    server.make("pods", pod("p")).await.unwrap();
    let patch = doc!({"spec": {"containers": [{"name": "c", "image": "example.test/x:2"}]}});
    let patched = server.patch(("", "pods"), "p", STRATEGIC, &[], patch).await.unwrap();
    let containers = patched.array_at(&["spec", "containers"]);
    assert_eq!((containers.len(), containers[0].str_at(&["image"])), (1, "example.test/x:2"));
    assert_eq!(containers[0].str_at(&["terminationMessagePath"]), "/dev/termination-log");

    let config =
        doc!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "z"}});
    let query = [("fieldManager", "me")];
    let conflict = server.patch(("", "configmaps"), "a", APPLY, &query, config.clone()).await.unwrap_err();
    assert_eq!(conflict.code, 409, "{}", conflict.message);
    let query = [("fieldManager", "me"), ("force", "true")];
    let applied = server.patch(("", "configmaps"), "a", APPLY, &query, config).await.unwrap();
    assert_eq!(applied.str_at(&["data", "a"]), "z");
    let created =
        doc!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new"}, "data": {"k": "v"}});
    let created = server.patch(("", "configmaps"), "new", APPLY, &query, created).await.unwrap();
    assert_eq!(created.array_at(&["metadata", "managedFields"])[0].str_at(&["operation"]), "Apply");
}

#[tokio::test]
async fn concurrent_patches_all_arrive() {
    let server = Server::start().await;
    server.make_config_map("a", "x").await;
    let patches = (0..16).map(|i| {
        let (server, key) = (&server, format!("k{i}"));
        async move {
            let mut patch = doc!({"data": {}});
            patch.set(&["data", &key], "v");
            // Five tries inside the server can be too few for sixteen writers at once; clients then try again.
            while let Err(status) = server.patch(("", "configmaps"), "a", MERGE, &[], patch.clone()).await {
                assert!(status.is_conflict(), "{}", status.message);
            }
        }
    });
    futures::future::join_all(patches).await;
    let all = server.get("configmaps", "default", "a").await.unwrap();
    assert_eq!(all.object_at(&["data"]).unwrap().len(), 17);
}

#[tokio::test]
async fn a_dry_run_stores_nothing() {
    let server = Server::start().await;
    let mut create = call(Verb::Create, "", "v1", "configmaps", "default", "");
    create.query = vec![("dryRun".into(), "All".into())];
    create.body = Some(config_map("a", "x"));
    let dry = server.local().call(create).await.unwrap();
    assert!(!dry.uid().is_empty() && dry.resource_version().is_empty());
    assert!(server.get("configmaps", "default", "a").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn finalizers_hold_a_deleted_object() {
    let server = Server::start().await;
    let mut held = config_map("a", "x");
    held.set(&["metadata", "finalizers"], vec!["example.test/hold"]);
    server.make("configmaps", held).await.unwrap();
    let waiting = server.delete("configmaps", "a", doc!({})).await.unwrap();
    assert!(waiting.deletion_timestamp().is_some());
    let mut more = (*waiting).clone();
    more.set(&["metadata", "finalizers"], vec!["example.test/hold", "example.test/more"]);
    assert_eq!(server.put("configmaps", more).await.unwrap_err().code, 422);
    let mut free = (*waiting).clone();
    free.remove(&["metadata", "finalizers"]);
    server.put("configmaps", free).await.unwrap();
    assert!(server.get("configmaps", "default", "a").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn preconditions_and_propagation_are_kept() {
    let server = Server::start().await;
    let made = server.make_config_map("a", "x").await;
    let options = doc!({"preconditions": {"uid": "other"}});
    assert_eq!(server.delete("configmaps", "a", options).await.unwrap_err().code, 409);
    let options = doc!({"propagationPolicy": "Foreground"});
    let waiting = server.delete("configmaps", "a", options).await.unwrap();
    assert_eq!(waiting.finalizers().collect::<Vec<_>>(), ["foregroundDeletion"]);
    let options = doc!({"propagationPolicy": "Background"});
    server.delete("configmaps", "a", options).await.unwrap();
    let gone = server.get("configmaps", "default", "a").await;
    assert!(gone.is_err(), "{made}");
}

#[tokio::test]
async fn a_deletion_answers_with_a_status() {
    let server = Server::start().await;
    let made = server.make_config_map("a", "x").await;
    let status = server.delete("configmaps", "a", doc!({})).await.unwrap();
    assert_eq!(status.str_at(&["status"]), "Success");
    assert_eq!(status.str_at(&["details", "uid"]), made.uid());
}

#[tokio::test]
async fn secrets_are_unreadable_in_the_store() {
    let server = Server::start().await;
    let secret = doc!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"password": "hunter2hunter2"}
    });
    server.make("secrets", secret).await.unwrap();
    let range = Range { prefix: "/registry/secrets/".into(), ..Range::default() };
    let stored = server.storage.range(range).await.unwrap().items;
    assert_eq!(&*stored[0].key, "/registry/secrets/default/s");
    assert!(stored[0].value.starts_with(b"k8s:enc:aesgcm:v1:key1:"));
    let read = server.get("secrets", "default", "s").await.unwrap();
    assert_eq!(read.str_at(&["data", "password"]), "aHVudGVyMmh1bnRlcjI=");
    let range = Range { prefix: "/registry/namespaces/".into(), ..Range::default() };
    let stored = server.storage.range(range).await.unwrap().items;
    assert!(!String::from_utf8_lossy(&stored[0].value).contains("resourceVersion"));
}

#[tokio::test]
async fn a_namespace_ends_when_it_is_released() {
    let server = Server::start().await;
    let namespace = doc!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "temporary"}});
    server.create("", "v1", "namespaces", "", namespace).await.unwrap();
    let ended =
        server.local().call(call(Verb::Delete, "", "v1", "namespaces", "", "temporary")).await.unwrap();
    assert_eq!(ended.str_at(&["status", "phase"]), "Terminating");
    let refused = server.create("", "v1", "configmaps", "temporary", config_map("a", "x")).await.unwrap_err();
    assert_eq!(refused.code, 403);
    assert!(refused.message.contains("because it is being terminated"), "{}", refused.message);
    let mut released = (*ended).clone();
    released.remove(&["spec", "finalizers"]);
    let mut finalize = call(Verb::Update, "", "v1", "namespaces", "", "temporary");
    finalize.subresource = "finalize".into();
    finalize.body = Some(released);
    server.local().call(finalize).await.unwrap();
    assert!(server.get("namespaces", "", "temporary").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn the_scale_of_a_deployment_can_be_read_and_written() {
    let server = Server::start().await;
    let deployment = doc!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "x"}]}
        }}
    });
    let made = server.create("apps", "v1", "deployments", "default", deployment).await.unwrap();
    assert_eq!(made.generation(), 1);
    let mut get = call(Verb::Get, "apps", "v1", "deployments", "default", "web");
    get.subresource = "scale".into();
    let scale = server.local().call(get.clone()).await.unwrap();
    assert_eq!(scale.i64_at(&["spec", "replicas"]), Some(2));
    assert_eq!(scale.str_at(&["status", "selector"]), "app=web");
    let mut update = get;
    update.verb = Verb::Update;
    let mut wanted = (*scale).clone();
    wanted.set(&["spec", "replicas"], 5);
    update.body = Some(wanted);
    server.local().call(update).await.unwrap();
    let read =
        server.local().call(call(Verb::Get, "apps", "v1", "deployments", "default", "web")).await.unwrap();
    assert_eq!((read.i64_at(&["spec", "replicas"]), read.generation()), (Some(5), 2));
    let mut status = (*read).clone();
    status.set(&["status", "replicas"], 5);
    status.set(&["spec", "replicas"], 9);
    let mut update = call(Verb::Update, "apps", "v1", "deployments", "default", "web");
    update.subresource = "status".into();
    update.body = Some(status);
    let written = server.local().call(update).await.unwrap();
    assert_eq!(written.i64_at(&["spec", "replicas"]), Some(5));
    assert_eq!((written.i64_at(&["status", "replicas"]), written.generation()), (Some(5), 2));
}

#[tokio::test]
async fn both_event_groups_show_the_same_events() {
    let server = Server::start().await;
    let event = doc!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, "reason": "Started", "type": "Normal",
        "message": "it runs", "source": {"component": "kubelet"},
        "involvedObject": {"kind": "Pod", "namespace": "default", "name": "p"}
    });
    server.make("events", event).await.unwrap();
    let newer =
        server.local().call(call(Verb::Get, "events.k8s.io", "v1", "events", "default", "e")).await.unwrap();
    assert_eq!(newer.str_at(&["apiVersion"]), "events.k8s.io/v1");
    assert_eq!((newer.str_at(&["note"]), newer.str_at(&["regarding", "name"])), ("it runs", "p"));
}
