//! Kills a writing process at random moments and looks at what it left.
//!
//! The test runs itself again as the writer, which reports each acknowledged write on its standard output. After the kill,
//! every reported write must be there and revisions must have gone on. `SKIFF_CRASH_ROUNDS` sets the number of kills.

use futures::future::join_all;
use rand::Rng;
use skiff_storage::embedded::{EmbeddedOptions, EmbeddedStorage};
use skiff_storage::{Expect, Op, Range, Revision, Storage, Txn, TxnResult, WatchItem};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const WRITERS: usize = 8;
const DIRECTORY: &str = "SKIFF_CRASH_DIRECTORY";
const ROUNDS: &str = "SKIFF_CRASH_ROUNDS";
const REPORT: &str = "acknowledged ";

/// What a writer was told: the key's last write and its value, `None` for a deletion.
type Acknowledged = BTreeMap<String, (Revision, Option<String>)>;

#[test]
fn nothing_acknowledged_is_lost_however_the_process_dies() {
    let rounds = std::env::var(ROUNDS).ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(10);
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = Acknowledged::new();
    let mut last = 0;
    for round in 0..rounds {
        for (key, revision, value) in write_until_killed(dir.path()) {
            assert!(revision > last, "round {round}: {revision} was given after {last}");
            acknowledged.insert(key, (revision, value));
        }
        last = check(dir.path(), &acknowledged, last);
    }
    assert!(last > rounds, "there were hardly any writes: {last}");
}

/// Starts a writer, kills it at a random moment and returns what it was told, per key in order.
fn write_until_killed(dir: &Path) -> Vec<(String, Revision, Option<String>)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writer", "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut reports = Vec::new();
    let mut kill_at = None;
    while let Some(Ok(line)) = lines.next() {
        // A line that the kill cut was not reported whole.
        let Some(report) = line.strip_prefix(REPORT).and_then(|line| line.strip_suffix(';')) else {
            continue;
        };
        let mut words = report.split(' ');
        let key = words.next().unwrap().to_owned();
        let revision: Revision = words.next().unwrap().parse().unwrap();
        reports.push((key, revision, words.next().map(str::to_owned)));
        // The moment is counted from the first write, so that most kills meet writes under way.
        let at = *kill_at.get_or_insert_with(|| {
            Instant::now() + Duration::from_micros(rand::rng().random_range(0..150_000))
        });
        if Instant::now() >= at {
            // On Unix this is SIGKILL. What is already in the pipe is still read.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    reports
}

/// Opens what is left, compares it with what was acknowledged, and returns the store's revision.
fn check(dir: &Path, acknowledged: &Acknowledged, before: Revision) -> Revision {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let started = Instant::now();
    let store = EmbeddedStorage::open(dir, EmbeddedOptions::default()).unwrap();
    assert!(started.elapsed() < Duration::from_secs(5), "opening took {:?}", started.elapsed());
    runtime.block_on(async {
        let now = store.revision().await.unwrap();
        assert!(now >= before, "revisions went back from {before} to {now}");
        let found = store.range(Range { prefix: "/k/".to_owned(), ..Range::default() }).await.unwrap();
        let found: BTreeMap<String, (Revision, String)> = found
            .items
            .into_iter()
            .map(|item| {
                (item.key.to_string(), (item.mod_revision, String::from_utf8(item.value.to_vec()).unwrap()))
            })
            .collect();
        for (key, (revision, value)) in acknowledged {
            // A write that was under way may have replaced it.
            match (found.get(key), value) {
                (Some((at, _)), _) if at > revision => {}
                (Some((at, held)), Some(value)) => assert_eq!((at, held), (revision, value), "{key}"),
                (Some(_), None) => panic!("{key} was deleted at {revision} and is back"),
                (None, Some(_)) => {
                    let gone = deleted_after(&store, key, *revision).await;
                    assert!(gone, "{key} of revision {revision} is lost");
                }
                (None, None) => {}
            }
        }
        now
    })
}

/// Whether the history tells of a deletion after the revision.
async fn deleted_after(store: &EmbeddedStorage, key: &str, revision: Revision) -> bool {
    use futures::StreamExt;
    let mut watch = store.watch(key.to_owned(), revision + 1).await.unwrap();
    store.request_progress();
    loop {
        match watch.next().await {
            Some(Ok(WatchItem::Events(events))) => {
                if events.iter().any(|event| &*event.key == key && event.current.is_none()) {
                    return true;
                }
            }
            _ => return false,
        }
    }
}

/// The writer; it works until it is killed.
#[test]
#[ignore = "is started by the crash test"]
fn writer() {
    let Some(dir) = std::env::var_os(DIRECTORY) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let store = EmbeddedStorage::open(Path::new(&dir), EmbeddedOptions::default()).unwrap();
    runtime.block_on(join_all((0..WRITERS).map(|writer| write_for_ever(&store, writer))));
}

async fn write_for_ever(store: &EmbeddedStorage, writer: usize) {
    for round in 0_u64.. {
        let key = format!("/k/{writer}-{}", round % 50);
        let found =
            store.range(Range { prefix: key.clone(), single: true, ..Range::default() }).await.unwrap();
        let held = found.items.first().map(|item| item.mod_revision);
        let expect = held.map_or(Expect::Absent, Expect::ModRevision);
        let value = (held.is_none() || round % 7 != 0).then(|| format!("{:x<1$}", round, 200));
        let op = match &value {
            Some(value) => Op::Put { value: value.clone().into(), ttl: None },
            None => Op::Delete,
        };
        let TxnResult::Committed { revision } =
            store.txn(Txn { key: key.clone(), expect, op }).await.unwrap()
        else {
            panic!("nobody else writes {key}");
        };
        let value = value.map(|value| format!(" {value}")).unwrap_or_default();
        let line = format!("{REPORT}{key} {revision}{value};\n");
        std::io::stdout().write_all(line.as_bytes()).unwrap();
        // Compaction is killed as well.
        if writer == 0 && round % 20 == 19 {
            store.compact(revision.saturating_sub(200).max(1)).await.unwrap();
        }
    }
}
