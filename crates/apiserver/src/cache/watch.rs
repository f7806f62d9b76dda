//! Watches: the current objects if wanted, then every change after them, with bookmarks in between.

use super::entry::Entry;
use super::state::{Change, EventKind};
use super::{Cache, Filter};
use crate::request::options::{ListOptions, ReadAt};
use crate::stored::expired_revision;
use skiff_apimachinery::Status;
use skiff_storage::Revision;
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior};

/// Changes a watcher may lag behind before it is cut.
const QUEUE: usize = 1_024;
/// How often a watcher learns how far the cache is.
const BOOKMARK_INTERVAL: Duration = Duration::from_secs(60);
/// Longest time that a client can ask for, in seconds: more than a server runs.
const LONGEST_TIMEOUT: u64 = 365 * 24 * 3_600;
/// Shortest and longest time a watch lasts when the client does not say, in seconds.
const DEFAULT_TIMEOUT: std::ops::Range<u64> = 1_800..3_600;

/// What a watcher gets next.
pub enum Delivery {
    /// A change of the selection.
    Change(EventKind, Arc<Change>),
    /// An object that was there when the watch began.
    Initial(Arc<Entry>),
    /// Everything up to this revision was delivered; the flag marks the end of the initial objects.
    Bookmark {
        /// The revision.
        revision: Revision,
        /// Whether the initial objects end here.
        initial_end: bool,
    },
}

/// How a watch request turned out.
pub enum Opened {
    /// It runs.
    Running(Subscription),
    /// It cannot start there; upstream tells that in the stream.
    Failed(Status),
}

/// A running watch. Dropping it ends it.
pub struct Subscription {
    cache: Arc<Cache>,
    id: u64,
    initial: VecDeque<Arc<Entry>>,
    /// The bookmark that ends the initial objects.
    initial_end: Option<Revision>,
    missed: VecDeque<(EventKind, Arc<Change>)>,
    queue: mpsc::Receiver<(EventKind, Arc<Change>)>,
    bookmarks: Option<Interval>,
    last: Revision,
    end: Instant,
}

impl Cache {
    /// Opens a watch on a namespace (on all if it is empty).
    ///
    /// # Errors
    /// 504 if the revision asked for is ahead of the store.
    pub async fn watch(self: &Arc<Self>, filter: Filter, options: &ListOptions) -> Result<Opened, Status> {
        let with_initial = match options.send_initial_events {
            Some(wanted) => wanted,
            None => matches!(options.read_at, ReadAt::Latest | ReadAt::Any),
        };
        let from_now = with_initial || options.send_initial_events == Some(false);
        let after = match options.read_at {
            ReadAt::Latest if options.send_initial_events.is_none() || from_now => {
                self.caught_up().await?;
                None
            }
            ReadAt::Latest | ReadAt::Any => {
                self.ready().await;
                None
            }
            ReadAt::NotOlderThan(revision) | ReadAt::Exact(revision) => {
                if from_now {
                    self.at_least(revision).await?;
                    (!with_initial).then_some(revision)
                } else {
                    self.ready().await;
                    Some(revision)
                }
            }
        };
        Ok(match self.subscribe(filter, after, with_initial, options) {
            Ok(subscription) => Opened::Running(subscription),
            Err(status) => Opened::Failed(status),
        })
    }

    fn subscribe(
        self: &Arc<Self>,
        filter: Filter,
        after: Option<Revision>,
        with_initial: bool,
        options: &ListOptions,
    ) -> Result<Subscription, Status> {
        let (sender, queue) = mpsc::channel(QUEUE);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let now = state.revision();
        let after = after.unwrap_or(now);
        let initial = if with_initial {
            state.under(&self.prefix, "").filter(|entry| filter.matches(entry)).cloned().collect()
        } else {
            VecDeque::new()
        };
        let (missed, id) =
            state.watch(filter, after, sender).map_err(|too_old| expired_revision(after, too_old.oldest))?;
        drop(state);
        let initial_end =
            (with_initial && options.send_initial_events == Some(true) && options.bookmarks).then_some(now);
        let bookmarks = options.bookmarks.then(|| {
            let mut interval =
                tokio::time::interval_at(Instant::now() + BOOKMARK_INTERVAL, BOOKMARK_INTERVAL);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        });
        let seconds =
            options.timeout_seconds.filter(|s| *s > 0).unwrap_or_else(|| rand::random_range(DEFAULT_TIMEOUT));
        Ok(Subscription {
            cache: self.clone(),
            id,
            initial,
            initial_end,
            missed: missed.into(),
            queue,
            bookmarks,
            last: after,
            end: Instant::now() + Duration::from_secs(seconds.min(LONGEST_TIMEOUT)),
        })
    }
}

impl Subscription {
    /// The resource's row in the stored version.
    pub fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    /// What comes next, if it is at hand: for writers that gather before they flush.
    pub fn next_now(&mut self) -> Option<Delivery> {
        if let Some(entry) = self.initial.pop_front() {
            return Some(Delivery::Initial(entry));
        }
        if let Some(revision) = self.initial_end.take() {
            return Some(Delivery::Bookmark { revision, initial_end: true });
        }
        let (kind, change) = match self.missed.pop_front() {
            Some(missed) => missed,
            None => self.queue.try_recv().ok()?,
        };
        self.last = change.revision;
        Some(Delivery::Change(kind, change))
    }

    /// What comes next; `None` when the watch is over.
    pub async fn next(&mut self) -> Option<Delivery> {
        if let Some(delivery) = self.next_now() {
            return Some(delivery);
        }
        let bookmark = async {
            match &mut self.bookmarks {
                Some(interval) => {
                    interval.tick().await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            received = self.queue.recv() => {
                let (kind, change) = received?;
                self.last = change.revision;
                Some(Delivery::Change(kind, change))
            }
            () = tokio::time::sleep_until(self.end) => self.last_bookmark(),
            () = bookmark => {
                // The next bookmark tells what the store says now.
                self.cache.storage.request_progress();
                Some(Delivery::Bookmark { revision: self.seen(), initial_end: false })
            }
        }
    }

    /// The farthest revision up to which nothing is left to deliver.
    fn seen(&mut self) -> Revision {
        // Read first: a change that comes after it is newer.
        let reached = self.cache.read().revision();
        if self.queue.is_empty() { reached.max(self.last) } else { self.last }
    }

    /// A watch with bookmarks ends with one, so that the client goes on from a fresh revision.
    fn last_bookmark(&mut self) -> Option<Delivery> {
        self.queue.close();
        self.bookmarks.take()?;
        Some(Delivery::Bookmark { revision: self.seen(), initial_end: false })
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.cache.state.write().unwrap_or_else(PoisonError::into_inner).leave(self.id);
    }
}
