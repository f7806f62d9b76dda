//! What only the embedded store has: its directory, its errors at start, restarts, bounded watches.

use crate::steps::*;
use skiff_storage::embedded::{EmbeddedOptions, EmbeddedStorage, OpenError};
use skiff_storage::{Expect, Range, Storage, StorageError};
use std::fs;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// An empty store in a directory of its own.
pub struct Fresh {
    // Before the directory: the store closes first.
    store: EmbeddedStorage,
    _dir: TempDir,
}

impl Fresh {
    pub fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { store: open(dir.path()).unwrap(), _dir: dir }
    }
}

impl Deref for Fresh {
    type Target = EmbeddedStorage;

    fn deref(&self) -> &EmbeddedStorage {
        &self.store
    }
}

fn open(dir: &Path) -> Result<EmbeddedStorage, OpenError> {
    EmbeddedStorage::open(dir, EmbeddedOptions::default())
}

fn refusal(dir: &Path) -> OpenError {
    match open(dir) {
        Ok(_) => panic!("the directory was opened"),
        Err(error) => {
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
            error
        }
    }
}

#[tokio::test]
async fn a_restart_keeps_values_revisions_and_history() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let first = create(&store, "/k/a", "one").await;
    let second = update(&store, "/k/a", first, "two").await;
    drop(store);
    let store = open(dir.path()).unwrap();
    assert_eq!(store.revision().await.unwrap(), second);
    assert_eq!(texts(&read(&store, prefix("/k/")).await), pairs([("/k/a", "two")]));
    let then = read(&store, Range { revision: Some(first), ..prefix("/k/") }).await;
    assert_eq!(texts(&then), pairs([("/k/a", "one")]));
    let mut watcher = Watcher::start(&store, "/k/", first).await;
    let wanted = [format!("/k/a -->one @{first}"), format!("/k/a one->two @{second}")];
    assert_eq!(watcher.events(2).await, wanted);
    assert!(update(&store, "/k/a", second, "three").await > second);
}

#[tokio::test]
async fn a_compaction_outlives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let first = create(&store, "/k", "one").await;
    let second = update(&store, "/k", first, "two").await;
    store.compact(second).await.unwrap();
    drop(store);
    let store = open(dir.path()).unwrap();
    let refused = store.range(Range { revision: Some(first), ..one("/k") }).await;
    assert!(matches!(refused, Err(StorageError::Compacted { oldest }) if oldest == second), "{refused:?}");
    assert_eq!(store.revision().await.unwrap(), second);
}

#[tokio::test]
async fn a_long_history_replays_and_compacts_in_steps() {
    let store = Fresh::open();
    let writes = (0..5_000).map(|n| create(&*store, Box::leak(format!("/k/{n:05}").into_boxed_str()), "x"));
    let last = futures::future::join_all(writes).await.into_iter().max().unwrap();
    let mut watcher = Watcher::start(&*store, "/k/", 1).await;
    for revision in 2..=last {
        assert_eq!(watcher.event().await.revision, revision);
    }
    store.compact(last).await.unwrap();
    assert_eq!(read(&*store, prefix("/k/")).await.count, 5_000);
    let error = Watcher::start(&*store, "/k/", last - 1).await.error().await;
    assert!(matches!(error, StorageError::Compacted { oldest } if oldest == last), "{error:?}");
}

#[tokio::test]
async fn a_second_server_on_the_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let error = refusal(dir.path());
    assert!(matches!(error, OpenError::InUse { .. }), "{error:?}");
    create(&store, "/k", "unharmed").await;
    drop(store);
    open(dir.path()).unwrap();
}

#[tokio::test]
async fn an_open_watch_does_not_hold_a_closed_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let mut watcher = Watcher::start(&store, "/k", 0).await;
    create(&store, "/k", "x").await;
    watcher.event().await;
    drop(store);
    assert!(matches!(watcher.error().await, StorageError::Unavailable(_)));
    open(dir.path()).unwrap();
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    fs::write(dir.path().join("format"), "skiff-storage 99\n").unwrap();
    let before = fs::read(dir.path().join("store.redb")).unwrap();
    let error = refusal(dir.path());
    assert!(matches!(error, OpenError::NewerFormat { found: 99, .. }), "{error:?}");
    assert!(before == fs::read(dir.path().join("store.redb")).unwrap());
}

#[test]
fn what_is_not_a_directory_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = refusal(&file.join("data"));
    assert!(matches!(error, OpenError::NotWritable { .. }), "{error:?}");
}

#[tokio::test]
async fn damaged_data_is_refused_and_left_alone() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 4] = [
        ("another magic number", |bytes| bytes[..16].fill(b'?')),
        ("a damaged header", |bytes| bytes[64..4096].fill(0xA5)),
        ("a cut tail", |bytes| bytes.truncate(bytes.len() / 3)),
        ("text", |bytes| *bytes = b"not a database".to_vec()),
    ];
    for (name, damage) in damages {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).unwrap();
        create(&store, "/k", "x").await;
        drop(store);
        let path = dir.path().join("store.redb");
        let mut bytes = fs::read(&path).unwrap();
        damage(&mut bytes);
        fs::write(&path, &bytes).unwrap();
        let error = refusal(dir.path());
        assert!(matches!(error, OpenError::Corrupt { .. }), "{name}: {error:?}");
        assert!(bytes == fs::read(&path).unwrap(), "{name}: the file was changed");
    }
}

#[test]
fn a_damaged_or_missing_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    fs::write(dir.path().join("format"), [0xFF, 0xFE]).unwrap();
    assert!(matches!(refusal(dir.path()), OpenError::Corrupt { .. }));
    fs::remove_file(dir.path().join("format")).unwrap();
    assert!(matches!(refusal(dir.path()), OpenError::Corrupt { .. }));
}

#[test]
fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("data");
    drop(open(&dir).unwrap());
    assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
    for file in fs::read_dir(&dir).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
    }
}

#[tokio::test]
async fn a_slow_watch_is_ended_and_can_start_anew() {
    let dir = tempfile::tempdir().unwrap();
    let options = EmbeddedOptions { watch_buffer: 4, ..EmbeddedOptions::default() };
    let store = EmbeddedStorage::open(dir.path(), options).unwrap();
    let mut slow = Watcher::start(&store, "/k/", 0).await;
    let first = create(&store, "/k/a", "x").await;
    assert_eq!(slow.event().await.revision, first);
    for n in 0..5 {
        create(&store, &format!("/k/{n}"), "x").await;
    }
    assert!(matches!(slow.error().await, StorageError::Unavailable(_)));
    assert!(slow.item().await.is_none());
    let mut anew = Watcher::start(&store, "/k/", first + 1).await;
    assert_eq!(anew.events(5).await.len(), 5);
}

#[tokio::test]
async fn keys_whose_time_passed_while_the_store_was_closed_go_away_at_start() {
    let dir = tempfile::tempdir().unwrap();
    let time = Arc::new(AtomicI64::new(1_700_000_000_000));
    let clock = time.clone();
    let options = EmbeddedOptions {
        clock: Arc::new(move || jiff::Timestamp::from_millisecond(clock.load(Ordering::SeqCst)).unwrap()),
        ..EmbeddedOptions::default()
    };
    let store = EmbeddedStorage::open(dir.path(), options.clone()).unwrap();
    let op = value_for("x", Duration::from_secs(3_600));
    let made = committed(write(&store, "/events/a", Expect::Absent, op).await);
    drop(store);

    time.fetch_add(3_500_000, Ordering::SeqCst);
    let store = EmbeddedStorage::open(dir.path(), options.clone()).unwrap();
    create(&store, "/k", "a commit happened").await;
    assert_eq!(read(&store, one("/events/a")).await.count, 1, "before its time");
    drop(store);

    time.fetch_add(200_000, Ordering::SeqCst);
    let store = EmbeddedStorage::open(dir.path(), options).unwrap();
    let mut watcher = Watcher::start(&store, "/events/", made + 1).await;
    assert!(watcher.event().await.current.is_none());
}
