//! Updates to 100 watchers: how long until each has each, and what that costs the server.
//!
//! Paced, 500 updates a second go out by the clock, not when the server has answered, so a server that falls behind shows.
//! At full speed each writer sends its next update when the last is answered. A delivery's time runs from sending the update
//! to having its event's line.

use crate::connection::{Call, Connection, MERGE_PATCH};
use crate::figure::Figure;
use crate::load::{CONNECTIONS, closed_loop};
use crate::objects::{self, SEQUENCE};
use crate::process;
use crate::row::{Bench, Measured, Row};
use crate::rows::operations::prepare;
use crate::site::{PATIENCE, Parts, Site, Store};
use crate::statistics::{milliseconds, quantile};
use crate::target::Target;
use anyhow::{Context, Result};
use memchr::memmem::Finder;
use skiff_apimachinery::doc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const PODS: &str = "/api/v1/namespaces/bench/pods";
const RATE: usize = 500;
/// Connections that send updates.
const WRITERS: usize = 16;

/// How updates are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// By the clock.
    Paced,
    /// As fast as they are answered.
    Full,
}

/// The row, for a store.
#[derive(Debug, Clone, Copy)]
pub struct Watch(pub Pace, pub Store);

impl Row for Watch {
    fn name(&self) -> &'static str {
        match (self.0, self.1) {
            (Pace::Paced, Store::Embedded) => "watch-pods",
            (Pace::Full, Store::Embedded) => "watch-pods-full",
            (Pace::Paced, Store::Etcd) => "etcd-watch-pods",
            (Pace::Full, Store::Etcd) => "etcd-watch-pods-full",
        }
    }

    fn figures(&self) -> Vec<Figure> {
        let pace = match self.0 {
            Pace::Paced => "500 events/s",
            Pace::Full => "events at full speed",
        };
        let what = |what: &str| format!("{}100 watchers x {pace}: {what}", self.1.prefix());
        let mut p99 = Figure::new("p99", what("delivery p99"), "ms");
        if self.0 == Pace::Paced {
            p99 = p99.below(50.0);
        }
        vec![
            p99,
            Figure::new("p50", what("delivery p50"), "ms"),
            // Upstream: 4.9 CPU seconds for 100,000 deliveries.
            Figure::new("cpu", what("server CPU for a delivery"), "us").below(49.0 / 5.0),
            Figure::new("rate", what("deliveries"), "/s"),
            Figure::new("memory", what("server's memory at most"), "MiB"),
        ]
    }

    fn measure(&self, bench: &Bench) -> Result<Measured> {
        let Self(pace, store) = *self;
        let watchers = bench.count(100, 3);
        let pods = bench.count(100, 5);
        let updates = bench.count(5 * RATE, 20);
        let mut site = Site::started_on(bench, Parts::ApiServer, store)?;
        let (target, server) = (site.target()?, site.pid()?);
        site.run(async move {
            prepare(&target).await?;
            let create = (0..pods).map(|n| Call::post(PODS, &objects::pod(&format!("pod-{n}"))));
            closed_loop(&target, CONNECTIONS, server, create.collect()).await?;
            let board = Arc::new(Board::new(updates));
            let mut readers = JoinSet::new();
            let version = version(&target).await?;
            for _ in 0..watchers {
                let connection = Connection::open(&target).await?;
                let watch = connection.watch(&format!("{PODS}?watch=true&resourceVersion={version}")).await?;
                readers.spawn(follow(watch, Arc::clone(&board)));
            }
            Site::rest(server).await?;
            process::reset_peak(server)?;
            let cpu = process::cpu(server)?;
            let start = Instant::now();
            send(&target, &board, pods, pace).await?;
            let mut deliveries = Vec::new();
            while let Some(reader) = tokio::time::timeout(PATIENCE, readers.join_next()).await? {
                deliveries.extend(reader??);
            }
            let (wall, cpu) = (start.elapsed(), process::cpu(server)? - cpu);
            let times = milliseconds(&deliveries);
            Ok([
                ("p99", quantile(&times, 0.99)),
                ("p50", quantile(&times, 0.5)),
                ("cpu", cpu * 1e6 / times.len() as f64),
                ("rate", times.len() as f64 / wall.as_secs_f64()),
                ("memory", process::peak(server)?),
            ]
            .into())
        })
    }
}

/// When each update was sent.
struct Board {
    start: Instant,
    sent: Vec<AtomicU64>,
}

impl Board {
    fn new(updates: usize) -> Self {
        Self { start: Instant::now(), sent: (0..updates).map(|_| AtomicU64::new(0)).collect() }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The collection's resourceVersion.
async fn version(target: &Target) -> Result<String> {
    let list = Connection::open(target).await?.object(&Call::get(format!("{PODS}?limit=1"))).await?;
    Ok(list.str_at(&["metadata", "resourceVersion"]).to_owned())
}

/// Sends all updates.
async fn send(target: &Target, board: &Arc<Board>, pods: usize, pace: Pace) -> Result<()> {
    let begin = tokio::time::Instant::now();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let mut connection = Connection::open(target).await?;
        let board = Arc::clone(board);
        writers.spawn(async move {
            for number in (writer..board.sent.len()).step_by(WRITERS) {
                if pace == Pace::Paced {
                    let due = Duration::from_secs_f64(number as f64 / RATE as f64);
                    tokio::time::sleep_until(begin + due).await;
                }
                let patch = doc!({"metadata": {"annotations": {(SEQUENCE): number.to_string()}}});
                let path = format!("{PODS}/pod-{}", number % pods);
                board.sent[number].store(board.now(), Ordering::Relaxed);
                connection.drain(&Call::patch(path, MERGE_PATCH, &patch)).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer??;
    }
    Ok(())
}

/// Reads a watch until it has had an event for each update.
async fn follow(mut watch: crate::connection::Watch, board: Arc<Board>) -> Result<Vec<Duration>> {
    let finder = Finder::new(&needle()).into_owned();
    let mut times = Vec::with_capacity(board.sent.len());
    while times.len() < board.sent.len() {
        let line = watch.line().await?;
        let number = sequence(&finder, &line).context("an event without a number")?;
        let sent = board.sent.get(number).context("an event that nobody made")?.load(Ordering::Relaxed);
        times.push(Duration::from_nanos(board.now().saturating_sub(sent)));
    }
    Ok(times)
}

/// How the annotation begins; its managed field begins otherwise.
fn needle() -> Vec<u8> {
    format!("\"{SEQUENCE}\":\"").into_bytes()
}

/// The update's number, found without decoding the event.
fn sequence(finder: &Finder<'_>, line: &[u8]) -> Option<usize> {
    let rest = &line[finder.find(line)? + finder.needle().len()..];
    let end = memchr::memchr(b'"', rest)?;
    std::str::from_utf8(&rest[..end]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_found_and_the_managed_field_is_not() {
        let needle = needle();
        let finder = Finder::new(&needle);
        let both = format!(r#"{{"f:{SEQUENCE}":{{}},"{SEQUENCE}":"42"}}"#);
        assert_eq!(sequence(&finder, both.as_bytes()), Some(42));
        assert_eq!(sequence(&finder, format!(r#"{{"f:{SEQUENCE}":{{}}}}"#).as_bytes()), None);
    }
}
