//! Durable writes of 1 KiB a second into an embedded store: `throughput [DIRECTORY] [WRITERS] [SECONDS]`.

#![allow(clippy::unwrap_used, reason = "a measurement that fails has nothing to say")]

use futures::future::join_all;
use skiff_storage::embedded::{EmbeddedOptions, EmbeddedStorage};
use skiff_storage::{Expect, Op, Storage, Txn};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[tokio::main(worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory =
        arguments.next().map_or_else(|| std::env::temp_dir().join("skiff-throughput"), PathBuf::from);
    let writers: usize = arguments.next().map_or(64, |number| number.parse().unwrap());
    let seconds: u64 = arguments.next().map_or(5, |number| number.parse().unwrap());
    let store = Arc::new(EmbeddedStorage::open(&directory, EmbeddedOptions::default()).unwrap());
    let before = store.revision().await.unwrap();
    let end = Instant::now() + Duration::from_secs(seconds);
    let work = join_all((0..writers).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move { write_until(&store, &format!("/registry/{before}/{writer}"), end).await })
    }));
    let waits: Vec<Duration> = work.await.into_iter().flat_map(Result::unwrap).collect();
    let mut waits = waits;
    waits.sort_unstable();
    let (median, tail) = (waits[waits.len() / 2], waits[waits.len() * 99 / 100]);
    println!(
        "{} writes/s with {writers} writers, median {median:?}, p99 {tail:?}, {} MiB on disk",
        waits.len() as u64 / seconds,
        store.size().await.unwrap() >> 20
    );
}

async fn write_until(store: &EmbeddedStorage, prefix: &str, end: Instant) -> Vec<Duration> {
    let value: bytes::Bytes = vec![b'x'; 1 << 10].into();
    let mut waits = Vec::new();
    while Instant::now() < end {
        let started = Instant::now();
        let op = Op::Put { value: value.clone(), ttl: None };
        store
            .txn(Txn { key: format!("{prefix}/{}", waits.len()), expect: Expect::Absent, op })
            .await
            .unwrap();
        waits.push(started.elapsed());
    }
    waits
}
