//! A watch: replay of kept changes in pages, then live events, without gap or duplicate.
//!
//! The replay reads pages, each with a snapshot of its own, until it is close to the present. Then the mailbox joins the hub
//! at revision J, the replay goes on up to and with J, and everything after J comes through the mailbox.

use crate::embedded::Shared;
use crate::embedded::mailbox::Mailbox;
use crate::embedded::queue::closed;
use crate::embedded::read;
use crate::{Revision, StorageError, WatchItem};
use std::sync::{Arc, Weak};

/// Revisions read in one snapshot.
const PAGE: usize = 1_000;
/// How far behind a watch may be to join.
const SLACK: u64 = 500;

/// The state of a watch stream.
pub struct Watch {
    // Weak: an open stream does not keep a closed store's files.
    shared: Weak<Shared>,
    mailbox: Arc<Mailbox>,
    phase: Phase,
}

enum Phase {
    /// Reading the past; the mailbox is not subscribed.
    Replay { next: Revision },
    /// Reading the rest of the past; later events already come to the mailbox.
    Join { next: Revision, until: Revision },
    /// Reading the mailbox.
    Live,
    /// The stream ended with an error.
    Ended,
}

impl Watch {
    /// A watch from a revision on; 0 stands for changes after now.
    pub fn new(shared: &Arc<Shared>, prefix: String, from: Revision) -> Self {
        let next = if from == 0 { shared.hub.published() + 1 } else { from };
        let mailbox = Arc::new(Mailbox::new(prefix, next, shared.watch_buffer));
        Self { shared: Arc::downgrade(shared), mailbox, phase: Phase::Replay { next } }
    }

    /// The next item of the stream; `None` after an error.
    pub async fn next(&mut self) -> Option<Result<WatchItem, StorageError>> {
        loop {
            let step = match self.phase {
                Phase::Ended => return None,
                Phase::Replay { next } => self.replay(next).await,
                Phase::Join { next, until } => self.join(next, until).await,
                Phase::Live => self.mailbox.next().await.map(Some),
            };
            match step {
                Ok(None) => {}
                Ok(Some(item)) => return Some(Ok(item)),
                Err(error) => {
                    self.phase = Phase::Ended;
                    return Some(Err(error));
                }
            }
        }
    }

    async fn replay(&mut self, next: Revision) -> Result<Option<WatchItem>, StorageError> {
        let shared = self.shared.upgrade().ok_or_else(closed)?;
        if let Some(until) = shared.hub.join(&self.mailbox, next, SLACK) {
            self.phase = if until < next { Phase::Live } else { Phase::Join { next, until } };
            return Ok(None);
        }
        let (events, next) = page(shared, &self.mailbox, next, Revision::MAX).await?;
        self.phase = Phase::Replay { next };
        Ok(events)
    }

    async fn join(&mut self, next: Revision, until: Revision) -> Result<Option<WatchItem>, StorageError> {
        let shared = self.shared.upgrade().ok_or_else(closed)?;
        let (events, next) = page(shared, &self.mailbox, next, until).await?;
        self.phase = if next > until { Phase::Live } else { Phase::Join { next, until } };
        Ok(events)
    }
}

async fn page(
    shared: Arc<Shared>,
    mailbox: &Arc<Mailbox>,
    next: Revision,
    until: Revision,
) -> Result<(Option<WatchItem>, Revision), StorageError> {
    let mailbox = mailbox.clone();
    let page = crate::embedded::blocking(move || {
        shared.engine.read(|tables| read::changes(tables, mailbox.prefix(), next, until, PAGE))
    })
    .await?;
    let events = (!page.events.is_empty()).then_some(WatchItem::Events(page.events));
    Ok((events, page.next))
}
