//! Streams of changes.

use crate::steps::*;
use skiff_storage::{Storage, WatchItem};

pub async fn a_watch_tells_states_before_and_after(store: &dyn Storage) {
    let start = store.revision().await.unwrap();
    let mut watcher = Watcher::start(store, "/k", start + 1).await;
    let first = create(store, "/k", "one").await;
    let second = update(store, "/k", first, "two").await;
    let gone = delete(store, "/k", second).await;
    let anew = create(store, "/k", "three").await;
    let wanted = [
        format!("/k -->one @{first}"),
        format!("/k one->two @{second}"),
        format!("/k two->- @{gone}"),
        format!("/k -->three @{anew}"),
    ];
    assert_eq!(watcher.events(4).await, wanted);
}

pub async fn a_watch_replays_then_follows(store: &dyn Storage) {
    let first = create(store, "/k/a", "one").await;
    let second = update(store, "/k/a", first, "two").await;
    let gone = delete(store, "/k/a", second).await;
    let mut watcher = Watcher::start(store, "/k/", second).await;
    let wanted = [format!("/k/a one->two @{second}"), format!("/k/a two->- @{gone}")];
    assert_eq!(watcher.events(2).await, wanted);
    let live = create(store, "/k/b", "b").await;
    assert_eq!(watcher.events(1).await, [format!("/k/b -->b @{live}")]);
}

pub async fn a_watch_sees_its_prefix_only(store: &dyn Storage) {
    create(store, "/other", "x").await;
    let start = create(store, "/k/a", "x").await;
    let mut watcher = Watcher::start(store, "/k/", start).await;
    create(store, "/k", "x").await;
    create(store, "/k0", "x").await;
    let last = create(store, "/k/b", "x").await;
    assert_eq!(watcher.events(2).await, [format!("/k/a -->x @{start}"), format!("/k/b -->x @{last}")]);
}

pub async fn a_watch_from_nought_sees_only_what_comes(store: &dyn Storage) {
    create(store, "/k/a", "x").await;
    let mut watcher = Watcher::start(store, "/k/", 0).await;
    let live = create(store, "/k/b", "x").await;
    assert_eq!(watcher.events(1).await, [format!("/k/b -->x @{live}")]);
}

pub async fn a_watch_from_the_future_waits_for_it(store: &dyn Storage) {
    let now = create(store, "/k/a", "x").await;
    let mut watcher = Watcher::start(store, "/k/", now + 2).await;
    create(store, "/k/b", "x").await;
    let wanted = create(store, "/k/c", "x").await;
    assert_eq!(watcher.events(1).await, [format!("/k/c -->x @{wanted}")]);
}

/// The watch starts over and over while writers are at work: its replay ends at another moment each time.
pub async fn a_watch_during_writes_has_no_gap_and_no_duplicate(store: &dyn Storage) {
    const WRITERS: usize = 4;
    const WRITES: usize = 50;
    let start = store.revision().await.unwrap();
    let writes = futures::future::join_all((0..WRITERS).map(|writer| async move {
        for n in 0..WRITES {
            create(store, &format!("/k/{writer}/{n}"), "x").await;
        }
    }));
    let watches = futures::future::join_all((0..8).map(|n| async move {
        let mut watcher = Watcher::start(store, "/k/", start + 1 + n).await;
        let mut next = start + 1 + n;
        while next <= start + (WRITERS * WRITES) as u64 {
            assert_eq!(watcher.event().await.revision, next, "in a watch from {}", start + 1 + n);
            next += 1;
        }
    }));
    futures::future::join(writes, watches).await;
}

pub async fn progress_comes_when_asked_for(store: &dyn Storage) {
    let mut watcher = Watcher::start(store, "/k/", 0).await;
    let first = create(store, "/k/a", "x").await;
    assert_eq!(watcher.event().await.revision, first);
    let other = create(store, "/other", "x").await;
    store.request_progress();
    loop {
        match watcher.item().await {
            Some(Ok(WatchItem::Progress(revision))) if revision >= other => return,
            Some(Ok(WatchItem::Progress(_))) => store.request_progress(),
            unexpected => panic!("{unexpected:?}"),
        }
    }
}
