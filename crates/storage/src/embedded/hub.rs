//! All open watches: committed batches go out to them, in order, each to those whose prefix it touches.
//!
//! A watch joins at a revision: the hub promises it every event after that revision, the watch itself replays what came
//! before. Watches that went away are forgotten when something is next published or joins.

use crate::embedded::mailbox::Mailbox;
use crate::{Event, Revision, StorageError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The watches of a store.
pub struct Hub {
    state: Mutex<State>,
}

struct State {
    published: Revision,
    mailboxes: Vec<Weak<Mailbox>>,
    closed: Option<StorageError>,
}

impl Hub {
    /// A hub of a store at a revision.
    pub fn new(published: Revision) -> Self {
        Self { state: Mutex::new(State { published, mailboxes: Vec::new(), closed: None }) }
    }

    /// The last revision that watches were told; every acknowledged write is at or before it.
    pub fn published(&self) -> Revision {
        self.lock().published
    }

    /// Subscribes a watch that has seen everything before `next`, unless it lags by more than `slack` revisions. Returns
    /// the revision up to which the watch has to replay; later events come to the mailbox.
    pub fn join(&self, mailbox: &Arc<Mailbox>, next: Revision, slack: u64) -> Option<Revision> {
        let mut state = self.lock();
        if let Some(error) = &state.closed {
            mailbox.close(error.clone());
        }
        if state.published >= next.saturating_add(slack) {
            return None;
        }
        state.mailboxes.retain(|known| known.strong_count() > 0);
        state.mailboxes.push(Arc::downgrade(mailbox));
        Some(state.published)
    }

    /// Sends a durable batch to the watches.
    pub fn publish(&self, events: &[Event], revision: Revision) {
        let mut state = self.lock();
        state.published = revision;
        state.each(|mailbox| mailbox.deliver(events));
    }

    /// Tells every watch the revision.
    pub fn progress(&self) {
        let mut state = self.lock();
        let revision = state.published;
        state.each(|mailbox| mailbox.progress(revision));
    }

    /// Ends every watch; they may start anew at the given revision.
    pub fn restart(&self, revision: Revision, error: &StorageError) {
        let mut state = self.lock();
        state.published = revision;
        state.each(|mailbox| mailbox.close(error.clone()));
        state.mailboxes.clear();
    }

    /// Ends every watch, also those to come.
    pub fn close(&self, error: &StorageError) {
        let mut state = self.lock();
        state.closed = Some(error.clone());
        state.each(|mailbox| mailbox.close(error.clone()));
        state.mailboxes.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn each(&mut self, act: impl Fn(&Mailbox)) {
        self.mailboxes.retain(|known| match known.upgrade() {
            Some(mailbox) => {
                act(&mailbox);
                true
            }
            None => false,
        });
    }
}
