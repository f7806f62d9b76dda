//! Keeps a cache up to date: lists the store once, then follows its watch, and begins anew when that breaks.

use super::Cache;
use super::entry::{Encoded, Entry, Metadata};
use super::state::State;
use futures::StreamExt;
use skiff_storage::{Event, KeyValue, Range, Revision, StorageError, Value, WatchItem};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// Keys read from the store at once.
const PAGE: usize = 500;
/// Longest pause between attempts to reach the store.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// Most writes of this process that wait to be recognized.
const MAX_PENDING: usize = 1_024;

/// Writes of this process on their way to the store, so that the feed need not decode what was just encoded.
#[derive(Default)]
pub(crate) struct Pending(Mutex<HashMap<String, Write>>);

struct Write {
    value: Value,
    encoded: Encoded,
    metadata: Arc<Metadata>,
}

impl Pending {
    /// Notes a write before it is sent.
    pub(crate) fn note(&self, key: &str, value: Value, encoded: Encoded, metadata: Arc<Metadata>) {
        let mut writes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if writes.len() < MAX_PENDING {
            writes.insert(key.to_owned(), Write { value, encoded, metadata });
        }
    }

    /// Forgets a write that failed.
    pub(crate) fn forget(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// The write that an event tells of, if this process made it.
    fn take(&self, stored: &KeyValue) -> Option<Write> {
        let mut writes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let write = writes.remove(&*stored.key)?;
        (write.value == stored.value).then_some(write)
    }
}

/// Why following stopped.
enum Stop {
    /// What was seen is still good: watch on from there.
    Resume(StorageError),
    /// Changes were missed: list anew.
    Restart(StorageError),
}

/// Runs until the cache is dropped.
pub(super) async fn run(cache: Weak<Cache>) {
    let mut pause = Duration::from_millis(50);
    let mut seen: Option<Revision> = None;
    loop {
        let Some(strong) = cache.upgrade() else { return };
        let outcome = match seen {
            Some(_) => Ok(()),
            None => fill(&strong).await.map(|revision| seen = Some(revision)),
        };
        let (Ok(()), Some(from)) = (&outcome, seen) else {
            if let Err(error) = outcome {
                tracing::warn!(resource = %strong.row.gvr(), %error, "listing the store failed");
            }
            drop(strong);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
            continue;
        };
        let stream = strong.storage.watch(strong.prefix.clone(), from + 1).await;
        drop(strong);
        let stop = match stream {
            Ok(stream) => {
                pause = Duration::from_millis(50);
                match follow(&cache, stream, &mut seen).await {
                    Some(stop) => stop,
                    None => return,
                }
            }
            Err(error @ StorageError::Compacted { .. }) => Stop::Restart(error),
            Err(error) => Stop::Resume(error),
        };
        match stop {
            Stop::Restart(error) => {
                tracing::warn!(%error, "the store's changes were missed, listing anew");
                seen = None;
            }
            Stop::Resume(error) => tracing::debug!(%error, "the store's watch ended"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

/// Reads every object at one revision.
async fn fill(cache: &Arc<Cache>) -> Result<Revision, StorageError> {
    let mut entries = Vec::new();
    let mut range = Range { prefix: cache.prefix.clone(), limit: PAGE, ..Range::default() };
    let revision = loop {
        let page = cache.storage.range(range.clone()).await?;
        let revision = *range.revision.get_or_insert(page.revision);
        entries.extend(page.items.iter().filter_map(|stored| load(cache, stored)));
        match page.items.last() {
            // The first key after the last one: a NUL is the smallest that can follow.
            Some(last) if page.more => range.start = format!("{}\0", last.key),
            _ => break revision,
        }
    };
    write(cache).reset(entries, revision);
    cache.reached.send_replace(revision.max(1));
    Ok(revision)
}

/// Takes in events until the watch ends; `None` when the cache is gone.
async fn follow(
    cache: &Weak<Cache>,
    mut stream: futures::stream::BoxStream<'static, Result<WatchItem, StorageError>>,
    seen: &mut Option<Revision>,
) -> Option<Stop> {
    while let Some(item) = stream.next().await {
        let cache = cache.upgrade()?;
        let revision = match item {
            Ok(WatchItem::Events(events)) => {
                let last = events.last().map(|event| event.revision);
                apply(&cache, events);
                last
            }
            Ok(WatchItem::Progress(revision)) => Some(revision),
            Err(error @ StorageError::Compacted { .. }) => return Some(Stop::Restart(error)),
            Err(error) => return Some(Stop::Resume(error)),
        };
        if let Some(revision) = revision.filter(|revision| seen.is_none_or(|seen| *revision > seen)) {
            *seen = Some(revision);
            write(&cache).advance(revision);
            cache.reached.send_replace(revision);
        }
    }
    cache.upgrade()?;
    Some(Stop::Resume(StorageError::Unavailable("the watch ended".into())))
}

fn apply(cache: &Arc<Cache>, events: Vec<Event>) {
    // Decoding happens before the lock is taken, so that readers never wait for it.
    let loaded: Vec<(Event, Option<Arc<Entry>>)> = events
        .into_iter()
        .map(|event| {
            let entry = event.current.as_ref().and_then(|stored| load(cache, stored));
            (event, entry)
        })
        .collect();
    let mut state = write(cache);
    for (event, entry) in loaded {
        state.apply(&event.key, entry, event.revision);
    }
}

fn load(cache: &Cache, stored: &KeyValue) -> Option<Arc<Entry>> {
    if let Some(write) = cache.pending.take(stored) {
        let entry = Entry::new(
            stored.key.clone(),
            cache.prefix.len(),
            &write.encoded,
            stored.mod_revision,
            write.metadata,
        );
        return Some(Arc::new(entry));
    }
    match cache.form.entry(&cache.row, stored) {
        Ok(entry) => Some(Arc::new(entry)),
        Err(error) => {
            tracing::error!(key = %stored.key, %error, "a stored object cannot be read");
            None
        }
    }
}

fn write(cache: &Cache) -> std::sync::RwLockWriteGuard<'_, State> {
    cache.state.write().unwrap_or_else(PoisonError::into_inner)
}
