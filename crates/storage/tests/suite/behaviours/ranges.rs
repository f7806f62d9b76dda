//! Reads of one key, of a prefix, in pages, and in the past.

use crate::steps::*;
use skiff_storage::{Range, Revision, Storage, StorageError};

pub async fn a_prefix_reads_in_order_and_nothing_else(store: &dyn Storage) {
    for key in ["/r/pods/b", "/r/pods/a/c", "/r/podsets/a", "/r/nodes/a", "/r/pods/a/b", "/r/pods0"] {
        create(store, key, "x").await;
    }
    let found = read(store, prefix("/r/pods/")).await;
    assert_eq!(texts(&found), pairs([("/r/pods/a/b", "x"), ("/r/pods/a/c", "x"), ("/r/pods/b", "x")]));
    assert_eq!((found.count, found.more), (3, false));
}

pub async fn pages_join_to_the_whole(store: &dyn Storage) {
    for n in 0..7 {
        create(store, &format!("/k/{n}"), "x").await;
    }
    create(store, "/l", "x").await;
    assert_eq!(pages(store, None).await, ["/k/0 /k/1 /k/2 of 7", "/k/3 /k/4 /k/5 of 4", "/k/6 of 1"]);
}

pub async fn the_past_reads_as_it_was(store: &dyn Storage) {
    let a1 = create(store, "/k/a", "a1").await;
    let b1 = create(store, "/k/b", "b1").await;
    let a2 = update(store, "/k/a", a1, "a2").await;
    let gone = delete(store, "/k/b", b1).await;
    let b2 = create(store, "/k/b", "b2").await;
    let at = |revision: Revision| Range { revision: Some(revision), ..prefix("/k/") };
    let then = read(store, at(a1)).await;
    assert_eq!(texts(&then), pairs([("/k/a", "a1")]));
    assert_eq!(then.revision, b2, "the store's revision is the current one");
    assert_eq!(texts(&read(store, at(b1)).await), pairs([("/k/a", "a1"), ("/k/b", "b1")]));
    assert_eq!(texts(&read(store, at(a2)).await), pairs([("/k/a", "a2"), ("/k/b", "b1")]));
    assert_eq!(texts(&read(store, at(gone)).await), pairs([("/k/a", "a2")]));
    assert_eq!(texts(&read(store, at(b2)).await), pairs([("/k/a", "a2"), ("/k/b", "b2")]));
    let single = read(store, Range { revision: Some(b1), ..one("/k/b") }).await.items.remove(0);
    assert_eq!((&single.value[..], single.create_revision, single.mod_revision), (&b"b1"[..], b1, b1));
}

pub async fn pages_of_the_past_join_to_the_whole(store: &dyn Storage) {
    let mut last = 0;
    let mut revisions = Vec::new();
    for n in 0..7 {
        last = create(store, &format!("/k/{n}"), "x").await;
        revisions.push(last);
    }
    delete(store, "/k/0", revisions[0]).await;
    update(store, "/k/3", revisions[3], "y").await;
    create(store, "/k/00", "x").await;
    assert_eq!(pages(store, Some(last)).await, ["/k/0 /k/1 /k/2 of 7", "/k/3 /k/4 /k/5 of 4", "/k/6 of 1"]);
}

async fn pages(store: &dyn Storage, revision: Option<Revision>) -> Vec<String> {
    let mut pages = Vec::new();
    let mut start = String::new();
    loop {
        let found = read(store, Range { limit: 3, start: start.clone(), revision, ..prefix("/k/") }).await;
        let keys: Vec<&str> = found.items.iter().map(|item| &*item.key).collect();
        pages.push(format!("{} of {}", keys.join(" "), found.count));
        if !found.more {
            return pages;
        }
        start = format!("{}\0", keys[keys.len() - 1]);
    }
}

pub async fn the_future_is_refused(store: &dyn Storage) {
    let now = create(store, "/k", "x").await;
    let refused = store.range(Range { revision: Some(now + 1), ..one("/k") }).await;
    assert!(matches!(refused, Err(StorageError::Future { .. })), "{refused:?}");
}

pub async fn one_key_is_not_a_prefix(store: &dyn Storage) {
    create(store, "/k/ab", "x").await;
    assert_eq!(read(store, one("/k/a")).await.count, 0);
    assert_eq!(read(store, Range { limit: 1, ..one("/k/ab") }).await.count, 1);
}
