//! Forgetting history.

use crate::steps::*;
use skiff_storage::{Range, Storage, StorageError};

pub async fn compacted_revisions_are_refused_and_the_rest_stays(store: &dyn Storage) {
    let first = create(store, "/k/a", "a1").await;
    create(store, "/k/b", "b1").await;
    let second = update(store, "/k/a", first, "a2").await;
    let third = update(store, "/k/a", second, "a3").await;
    store.compact(second).await.unwrap();

    let at = |revision| store.range(Range { revision: Some(revision), ..prefix("/k/") });
    let refused = at(first).await;
    assert!(matches!(refused, Err(StorageError::Compacted { .. })), "{refused:?}");
    assert_eq!(texts(&at(second).await.unwrap()), pairs([("/k/a", "a2"), ("/k/b", "b1")]));
    assert_eq!(texts(&at(third).await.unwrap()), pairs([("/k/a", "a3"), ("/k/b", "b1")]));
    assert_eq!(texts(&read(store, prefix("/k/")).await), pairs([("/k/a", "a3"), ("/k/b", "b1")]));
    assert_eq!(store.revision().await.unwrap(), third);
}

pub async fn a_watch_from_a_compacted_revision_fails(store: &dyn Storage) {
    let first = create(store, "/k", "one").await;
    let second = update(store, "/k", first, "two").await;
    let third = update(store, "/k", second, "three").await;
    store.compact(third).await.unwrap();
    let error = match store.watch("/k".to_owned(), first).await {
        Err(error) => error,
        Ok(_) => Watcher::start(store, "/k", first).await.error().await,
    };
    assert!(matches!(error, StorageError::Compacted { .. }), "{error:?}");
    let fourth = update(store, "/k", third, "four").await;
    let mut watcher = Watcher::start(store, "/k", third + 1).await;
    assert_eq!(watcher.events(1).await, [format!("/k three->four @{fourth}")]);
}

pub async fn compacting_twice_is_harmless(store: &dyn Storage) {
    let first = create(store, "/k", "one").await;
    let second = update(store, "/k", first, "two").await;
    store.compact(second).await.unwrap();
    store.compact(second).await.unwrap();
    store.compact(first).await.unwrap();
    let refused = store.compact(second + 100).await;
    assert!(matches!(refused, Err(StorageError::Future { .. })), "{refused:?}");
    assert_eq!(texts(&read(store, one("/k")).await), pairs([("/k", "two")]));
}
