//! A disk that fills up under the embedded store.
//!
//! The test runs itself again in a mount namespace of its own with a small file system. Where that is not allowed (it needs
//! root) it passes without; `SKIFF_REQUIRE_ROOT=1` makes that a failure.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use futures::future::join_all;
use skiff_storage::embedded::{EmbeddedOptions, EmbeddedStorage};
use skiff_storage::{Expect, Op, Range, Storage, StorageError, Txn, TxnResult};
use std::fs;
use std::path::Path;
use std::process::Command;

const DIRECTORY: &str = "SKIFF_FULL_DISK";
const MIB: usize = 1 << 20;

#[test]
fn a_full_disk_refuses_writes_and_goes_on_reading() {
    isolated("reserve_reached");
}

#[test]
fn a_commit_that_meets_a_full_disk_fails_and_the_store_recovers() {
    isolated("filled_by_others");
}

/// Runs one of the tests below on a file system of 96 MiB.
fn isolated(test: &str) {
    if Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| !status.success()) {
        assert!(std::env::var_os("SKIFF_REQUIRE_ROOT").is_none(), "a mount namespace is not allowed");
        eprintln!("skipped: a mount namespace is not allowed");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=96m tmpfs \"$SKIFF_FULL_DISK\" && exec \"$0\" --exact \"$1\" --ignored --nocapture";
    let status = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env(DIRECTORY, dir.path())
        .status()
        .unwrap();
    assert!(status.success());
}

async fn put(store: &EmbeddedStorage, key: &str, bytes: usize) -> Result<TxnResult, StorageError> {
    let op = Op::Put { value: vec![b'x'; bytes].into(), ttl: None };
    store.txn(Txn { key: key.to_owned(), expect: Expect::Absent, op }).await
}

async fn count(store: &EmbeddedStorage) -> usize {
    store.range(Range { prefix: "/k/".to_owned(), ..Range::default() }).await.unwrap().count
}

#[tokio::test]
#[ignore = "is started in a namespace by the test above"]
async fn reserve_reached() {
    let Some(dir) = std::env::var_os(DIRECTORY) else { return };
    let store = EmbeddedStorage::open(Path::new(&dir), EmbeddedOptions::default()).unwrap();
    let mut written = 0;
    let refused = loop {
        match put(&store, &format!("/k/{written}"), MIB).await {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 96);
    };
    assert!(matches!(refused, StorageError::NoSpace), "{refused:?}");
    assert_eq!(count(&store).await, written);
    let first =
        store.range(Range { prefix: "/k/0".to_owned(), single: true, ..Range::default() }).await.unwrap();
    let expect = Expect::ModRevision(first.items[0].mod_revision);
    let deleted = store.txn(Txn { key: "/k/0".to_owned(), expect, op: Op::Delete }).await;
    assert!(matches!(deleted, Ok(TxnResult::Committed { .. })), "deletions go on: {deleted:?}");
    drop(store);
    let store = EmbeddedStorage::open(Path::new(&dir), EmbeddedOptions::default()).unwrap();
    assert_eq!(count(&store).await, written - 1);
}

#[tokio::test]
#[ignore = "is started in a namespace by the test above"]
async fn filled_by_others() {
    let Some(dir) = std::env::var_os(DIRECTORY) else { return };
    let dir = Path::new(&dir);
    let store = EmbeddedStorage::open(dir, EmbeddedOptions::default()).unwrap();
    put(&store, "/k/before", 1_000).await.unwrap();
    // Leaves somewhat more than the store's reserve, and less than the writes below need.
    fs::write(dir.join("others"), vec![0; 54 * MIB]).unwrap();
    let answers = join_all((0..60).map(|n| {
        let store = &store;
        async move { put(store, &format!("/k/{n}"), MIB).await }
    }))
    .await;
    let acknowledged = answers.iter().filter(|answer| answer.is_ok()).count();
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert!(!refused.is_empty());
    assert!(refused.iter().all(|error| matches!(error, StorageError::NoSpace)), "{refused:?}");
    assert_eq!(count(&store).await, 1 + acknowledged, "what was not acknowledged is not there");

    fs::remove_file(dir.join("others")).unwrap();
    let after = put(&store, "/k/after", 1_000).await;
    assert!(matches!(after, Ok(TxnResult::Committed { .. })), "{after:?}");
    drop(store);
    let store = EmbeddedStorage::open(dir, EmbeddedOptions::default()).unwrap();
    assert_eq!(count(&store).await, 2 + acknowledged);
}
