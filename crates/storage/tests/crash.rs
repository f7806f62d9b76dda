//! Kills a writing process at random moments and looks at what it left.
//!
//! The test runs itself again as the writer, which reports each write on its standard output before it asks for it and when
//! it is acknowledged. After the kill every key must be as it was last acknowledged, or as the one write left that was under
//! way, and revisions must have gone on. `SKIFF_CRASH_ROUNDS` sets the number of kills.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use futures::future::join_all;
use rand::Rng;
use skiff_storage::embedded::{EmbeddedOptions, EmbeddedStorage};
use skiff_storage::{Expect, Op, Range, Revision, Storage, Txn, TxnResult};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const WRITERS: usize = 8;
const DIRECTORY: &str = "SKIFF_CRASH_DIRECTORY";
const ROUNDS: &str = "SKIFF_CRASH_ROUNDS";
const REPORT: &str = "writer: ";

/// What is known of a key from outside.
#[derive(Debug, Default)]
struct Known {
    /// The last acknowledged state.
    state: Option<String>,
    /// What the write under way wants to make of it.
    wanted: Option<Option<String>>,
}

type Keys = BTreeMap<String, Known>;

#[test]
fn nothing_acknowledged_is_lost_however_the_process_dies() {
    let rounds = std::env::var(ROUNDS).ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(10);
    let dir = tempfile::tempdir().unwrap();
    let (mut keys, mut last, mut under_way) = (Keys::new(), 0, 0);
    for round in 0..rounds {
        let told = write_until_killed(dir.path(), &mut keys, last);
        under_way += keys.values().filter(|key| key.wanted.is_some()).count();
        let now = check(dir.path(), &mut keys);
        assert!(now >= told, "round {round}: revisions went back from {told} to {now}");
        last = now;
    }
    println!("{rounds} kills, {last} revisions, {under_way} writes under way");
    assert!(last > rounds, "there were hardly any writes");
}

/// Starts a writer, kills it at a random moment, notes what it reported and returns the last revision it was given.
fn write_until_killed(dir: &Path, keys: &mut Keys, before: Revision) -> Revision {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writer", "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut last, mut kill_at) = (before, None);
    while let Some(Ok(line)) = lines.next() {
        // Others are of the test harness, or were cut by the kill.
        let Some(report) = line.strip_prefix(REPORT).and_then(|line| line.strip_suffix(';')) else {
            continue;
        };
        match report.split(' ').collect::<Vec<_>>()[..] {
            ["put", key, value] => {
                keys.entry(key.to_owned()).or_default().wanted = Some(Some(value.to_owned()))
            }
            ["delete", key] => keys.entry(key.to_owned()).or_default().wanted = Some(None),
            ["done", key, revision] => {
                let revision: Revision = revision.parse().unwrap();
                assert!(revision > before, "{revision} was given after {before}");
                last = last.max(revision);
                let known = keys.get_mut(key).unwrap();
                known.state = known.wanted.take().unwrap();
            }
            _ => panic!("{line}"),
        }
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
    last
}

/// Opens what is left, compares it with what is known, and returns the store's revision.
fn check(dir: &Path, keys: &mut Keys) -> Revision {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let started = Instant::now();
    let store = EmbeddedStorage::open(dir, EmbeddedOptions::default()).unwrap();
    assert!(started.elapsed() < Duration::from_secs(5), "opening took {:?}", started.elapsed());
    let read = store.range(Range { prefix: "/k/".to_owned(), ..Range::default() });
    let found = runtime.block_on(read).unwrap();
    let revision = found.revision;
    let mut found: BTreeMap<_, _> = found
        .items
        .into_iter()
        .map(|item| (item.key.to_string(), String::from_utf8(item.value.to_vec()).unwrap()))
        .collect();
    for (key, known) in keys {
        let held = found.remove(key);
        let wanted = known.wanted.take();
        assert!(
            held == known.state || Some(&held) == wanted.as_ref(),
            "{key} is {held:?}: {known:?}, {wanted:?}"
        );
        known.state = held;
    }
    assert!(found.is_empty(), "nobody wrote {found:?}");
    revision
}

/// The writer; it works until it is killed.
#[test]
#[ignore = "is started by the crash test"]
fn writer() {
    let Some(dir) = std::env::var_os(DIRECTORY) else { return };
    // The harness has begun a line.
    println!();
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
        let op = if held.is_some() && round.is_multiple_of(7) {
            report(&format!("delete {key}"));
            Op::Delete
        } else {
            let value = format!("{}-{round}-{}", std::process::id(), "x".repeat(200));
            report(&format!("put {key} {value}"));
            Op::Put { value: value.into(), ttl: None }
        };
        let TxnResult::Committed { revision } =
            store.txn(Txn { key: key.clone(), expect, op }).await.unwrap()
        else {
            panic!("nobody else writes {key}");
        };
        report(&format!("done {key} {revision}"));
        // Compaction is killed as well.
        if writer == 0 && round % 20 == 19 {
            store.compact(revision.saturating_sub(200).max(1)).await.unwrap();
        }
    }
}

/// One line in one write: the kill may cut it, others do not mix with it.
fn report(line: &str) {
    std::io::stdout().write_all(format!("{REPORT}{line};\n").as_bytes()).unwrap();
}
