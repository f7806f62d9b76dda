//! Compare-and-write on one key.

use crate::steps::*;
use skiff_storage::{Expect, Op, Storage, StorageError, Txn, TxnResult};

pub async fn a_created_key_reads_back(store: &dyn Storage) {
    let revision = create(store, "/registry/pods/a/b", "one").await;
    let found = read(store, one("/registry/pods/a/b")).await;
    assert_eq!((found.count, found.more, found.revision), (1, false, revision));
    let item = &found.items[0];
    assert_eq!(&*item.key, "/registry/pods/a/b");
    assert_eq!(&item.value[..], b"one");
    assert_eq!((item.create_revision, item.mod_revision), (revision, revision));
    assert_eq!(store.revision().await.unwrap(), revision);
    assert!(store.size().await.unwrap() > 0);
}

pub async fn creating_an_existing_key_shows_it(store: &dyn Storage) {
    let revision = create(store, "/k", "one").await;
    match write(store, "/k", Expect::Absent, value("two")).await {
        TxnResult::Failed { current: Some(current), revision: now } => {
            assert_eq!((&current.value[..], current.mod_revision, now), (&b"one"[..], revision, revision));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(texts(&read(store, one("/k")).await), pairs([("/k", "one")]));
}

pub async fn an_update_needs_the_last_revision(store: &dyn Storage) {
    let first = create(store, "/k", "one").await;
    let second = update(store, "/k", first, "two").await;
    assert!(second > first);
    match write(store, "/k", Expect::ModRevision(first), value("three")).await {
        TxnResult::Failed { current: Some(current), .. } => {
            assert_eq!((current.create_revision, current.mod_revision), (first, second));
            assert_eq!(&current.value[..], b"two");
        }
        other => panic!("{other:?}"),
    }
    let refused = write(store, "/absent", Expect::ModRevision(first), value("three")).await;
    assert!(matches!(refused, TxnResult::Failed { current: None, .. }), "{refused:?}");
}

pub async fn a_deleted_key_is_gone_and_can_be_made_anew(store: &dyn Storage) {
    let first = create(store, "/k", "one").await;
    let stale = write(store, "/k", Expect::ModRevision(first + 7), Op::Delete).await;
    assert!(matches!(stale, TxnResult::Failed { current: Some(_), .. }), "{stale:?}");
    let gone = delete(store, "/k", first).await;
    assert!(gone > first);
    let found = read(store, one("/k")).await;
    assert_eq!((found.items.len(), found.count, found.revision), (0, 0, gone));
    let anew = create(store, "/k", "two").await;
    let item = read(store, one("/k")).await.items.remove(0);
    assert_eq!((item.create_revision, item.mod_revision), (anew, anew));
}

pub async fn deleting_what_is_not_there_writes_nothing(store: &dyn Storage) {
    let before = create(store, "/k", "one").await;
    committed(write(store, "/other", Expect::Absent, Op::Delete).await);
    assert_eq!(store.revision().await.unwrap(), before);
}

pub async fn racing_increments_lose_nothing(store: &dyn Storage) {
    const WRITERS: usize = 8;
    const ROUNDS: usize = 10;
    create(store, "/counter", "0").await;
    let writers = (0..WRITERS).map(|_| async {
        for _ in 0..ROUNDS {
            loop {
                let item = read(store, one("/counter")).await.items.remove(0);
                let count: usize = std::str::from_utf8(&item.value).unwrap().parse().unwrap();
                let next = value(&(count + 1).to_string());
                let done = write(store, "/counter", Expect::ModRevision(item.mod_revision), next).await;
                if let TxnResult::Committed { .. } = done {
                    break;
                }
            }
        }
    });
    futures::future::join_all(writers).await;
    assert_eq!(texts(&read(store, one("/counter")).await), pairs([("/counter", "80")]));
}

pub async fn acknowledged_revisions_rise(store: &dyn Storage) {
    let writes = (0..64).map(|n| async move { create(store, &format!("/k/{n}"), "x").await });
    let mut revisions = futures::future::join_all(writes).await;
    revisions.sort_unstable();
    assert!(revisions.windows(2).all(|pair| pair[0] < pair[1]), "each write has its own: {revisions:?}");
    let next = create(store, "/last", "x").await;
    assert!(next > revisions[63]);
}

pub async fn a_huge_value_is_refused(store: &dyn Storage) {
    let value = vec![b'x'; 3 << 20].into();
    let txn = Txn { key: "/k".to_owned(), expect: Expect::Absent, op: Op::Put { value, ttl: None } };
    let refused = store.txn(txn).await;
    assert!(matches!(refused, Err(StorageError::TooLarge)), "{refused:?}");
}
