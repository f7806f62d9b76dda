//! Watches: every change once and in order, selections, bookmarks.

use crate::config_map;
use crate::support::{Server, call};
use skiff_apimachinery::{Status, doc};
use skiff_apiserver::request::Verb;
use skiff_apiserver::{LocalEvent, LocalWatch};
use std::time::Duration;

async fn watch(server: &Server, query: &[(&str, &str)]) -> Result<LocalWatch, Status> {
    let mut call = call(Verb::Watch, "", "v1", "configmaps", "default", "");
    call.query = query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    server.local().watch(call).await
}

/// The next event as text.
async fn next(watch: &mut LocalWatch) -> String {
    let event = tokio::time::timeout(Duration::from_secs(10), watch.next()).await.expect("an event in time");
    match event {
        Some(LocalEvent::Added(object)) => format!("ADDED {}", object.name()),
        Some(LocalEvent::Modified(object)) => format!("MODIFIED {}", object.name()),
        Some(LocalEvent::Deleted(object)) => format!("DELETED {}", object.name()),
        Some(LocalEvent::Bookmark { initial_end, .. }) => format!("BOOKMARK {initial_end}"),
        None => "END".to_owned(),
    }
}

#[tokio::test]
async fn a_watch_without_a_version_begins_with_what_is_there() {
    let server = Server::start().await;
    server.make_config_map("a", "x").await;
    let mut watch = watch(&server, &[]).await.unwrap();
    assert_eq!(next(&mut watch).await, "ADDED a");
    server.make_config_map("b", "x").await;
    assert_eq!(next(&mut watch).await, "ADDED b");
    server.delete("configmaps", "a", doc!({})).await.unwrap();
    assert_eq!(next(&mut watch).await, "DELETED a");
}

#[tokio::test]
async fn a_watch_from_a_version_tells_what_came_after_it() {
    let server = Server::start().await;
    let first = server.make_config_map("a", "x").await;
    // The cache runs from the first read on.
    drop(watch(&server, &[]).await.unwrap());
    server.make_config_map("b", "x").await;
    server.make_config_map("c", "x").await;
    let mut late = watch(&server, &[("resourceVersion", first.resource_version())]).await.unwrap();
    assert_eq!(next(&mut late).await, "ADDED b");
    assert_eq!(next(&mut late).await, "ADDED c");
    let too_old = watch(&server, &[("resourceVersion", "1")]).await.err().unwrap();
    assert_eq!(too_old.code, 410);
    assert!(too_old.message.starts_with("too old resource version: 1 ("), "{}", too_old.message);
}

#[tokio::test]
async fn a_selection_shows_transitions_as_comings_and_goings() {
    let server = Server::start().await;
    server.make_config_map("a", "x").await;
    let mut watch = watch(&server, &[("labelSelector", "app=y")]).await.unwrap();
    server.put("configmaps", config_map("a", "y")).await.unwrap();
    assert_eq!(next(&mut watch).await, "ADDED a");
    let mut changed = config_map("a", "y");
    changed.set(&["data", "a"], "z");
    let changed = server.put("configmaps", changed).await.unwrap();
    assert_eq!(next(&mut watch).await, "MODIFIED a");
    let gone = server.put("configmaps", config_map("a", "x")).await.unwrap();
    let event = watch.next().await.unwrap();
    let LocalEvent::Deleted(last) = event else { panic!("{event:?}") };
    assert_eq!(last.label("app"), Some("y"));
    assert_eq!(last.resource_version(), gone.resource_version());
    assert_ne!(last.resource_version(), changed.resource_version());
}

#[tokio::test]
async fn a_watch_list_marks_the_end_of_the_initial_objects() {
    let server = Server::start().await;
    server.make_config_map("a", "x").await;
    let query = [
        ("sendInitialEvents", "true"),
        ("resourceVersionMatch", "NotOlderThan"),
        ("allowWatchBookmarks", "true"),
    ];
    let mut watch = watch(&server, &query).await.unwrap();
    assert_eq!(next(&mut watch).await, "ADDED a");
    assert_eq!(next(&mut watch).await, "BOOKMARK true");
    server.make_config_map("b", "x").await;
    assert_eq!(next(&mut watch).await, "ADDED b");
}

#[tokio::test]
async fn a_watch_ends_in_time_with_a_bookmark() {
    let server = Server::start().await;
    let query = [("timeoutSeconds", "1"), ("allowWatchBookmarks", "true")];
    let mut watch = watch(&server, &query).await.unwrap();
    assert_eq!(next(&mut watch).await, "BOOKMARK false");
    assert_eq!(next(&mut watch).await, "END");
}

#[tokio::test]
async fn a_watcher_that_does_not_read_is_cut() {
    let server = Server::start().await;
    let mut slow = watch(&server, &[]).await.unwrap();
    let mut quick = watch(&server, &[]).await.unwrap();
    for i in 0..1_100 {
        let mut changed = config_map("a", "x");
        changed.set(&["data", "a"], i.to_string());
        if i == 0 {
            server.make("configmaps", changed).await.unwrap();
        } else {
            server.put("configmaps", changed).await.unwrap();
        }
        next(&mut quick).await;
    }
    let mut seen = 0;
    while next(&mut slow).await != "END" {
        seen += 1;
    }
    assert!(seen < 1_100, "{seen}");
}

#[tokio::test]
async fn watchers_of_the_process_share_one_document() {
    let server = Server::start().await;
    let (mut one, mut other) = (watch(&server, &[]).await.unwrap(), watch(&server, &[]).await.unwrap());
    server.make_config_map("a", "x").await;
    let (first, second) = (one.next().await.unwrap(), other.next().await.unwrap());
    let (LocalEvent::Added(first), LocalEvent::Added(second)) = (first, second) else {
        panic!("no additions")
    };
    assert!(std::sync::Arc::ptr_eq(&first, &second));
}
