//! A watch's bounded buffer between the committer and the reader of the stream.
//!
//! Events leave in the order they came, progress after the events it covers. When the reader falls behind by more than the
//! bound, the buffer is emptied and the watch ends with an error: a slow reader never holds the store.

use crate::{Event, Revision, StorageError, WatchItem};
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// The buffer of one watch.
#[derive(Debug)]
pub struct Mailbox {
    prefix: String,
    from: Revision,
    capacity: usize,
    content: Mutex<Content>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Content {
    events: Vec<Event>,
    progress: Option<Revision>,
    closed: Option<StorageError>,
}

impl Mailbox {
    /// A mailbox for events under a prefix from a revision on that holds so many of them.
    pub fn new(prefix: String, from: Revision, capacity: usize) -> Self {
        Self { prefix, from, capacity, content: Mutex::default(), arrived: Notify::new() }
    }

    /// The keys watched.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Takes in the events that it is for.
    pub fn deliver(&self, events: &[Event]) {
        let mut wanted = events
            .iter()
            .filter(|event| event.revision >= self.from && event.key.starts_with(&self.prefix))
            .peekable();
        if wanted.peek().is_none() {
            return;
        }
        self.change(|content| {
            content.events.extend(wanted.cloned());
            if content.events.len() > self.capacity {
                content.close(StorageError::Unavailable("the watch fell behind and was ended".to_owned()));
            }
        });
    }

    /// Takes in the word that nothing up to the revision is to come any more.
    pub fn progress(&self, revision: Revision) {
        self.change(|content| content.progress = Some(revision));
    }

    /// Ends the watch with an error.
    pub fn close(&self, error: StorageError) {
        self.change(|content| content.close(error));
    }

    /// The next item; after an error there is nothing more.
    pub async fn next(&self) -> Result<WatchItem, StorageError> {
        loop {
            if let Some(item) = self.take() {
                return item;
            }
            self.arrived.notified().await;
        }
    }

    fn take(&self) -> Option<Result<WatchItem, StorageError>> {
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = &content.closed {
            return Some(Err(error.clone()));
        }
        if !content.events.is_empty() {
            return Some(Ok(WatchItem::Events(std::mem::take(&mut content.events))));
        }
        content.progress.take().map(|revision| Ok(WatchItem::Progress(revision)))
    }

    fn change(&self, act: impl FnOnce(&mut Content)) {
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        if content.closed.is_some() {
            return;
        }
        act(&mut content);
        drop(content);
        self.arrived.notify_one();
    }
}

impl Content {
    fn close(&mut self, error: StorageError) {
        self.events = Vec::new();
        self.closed = Some(error);
    }
}
