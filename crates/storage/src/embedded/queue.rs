//! What callers ask of the committer, in order, and the committer's wait for it.
//!
//! The queue is bounded by the room its callers hold (see [`Queue::room`]), so taking from it empties it in one go.

use crate::{Revision, StorageError, Txn, TxnResult};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Where an answer goes; a caller that went away does not matter.
pub type Reply<T> = oneshot::Sender<Result<T, StorageError>>;

/// A waiting transaction.
pub struct PendingTxn {
    /// What to do.
    pub txn: Txn,
    /// Whom to tell.
    pub reply: Reply<TxnResult>,
    /// Its share of the queue's room.
    pub _room: OwnedSemaphorePermit,
}

/// A waiting compaction.
pub struct PendingCompaction {
    /// The oldest revision to keep.
    pub before: Revision,
    /// Whom to tell when it is done.
    pub reply: Reply<()>,
}

/// What waited for the committer.
#[derive(Default)]
pub struct Work {
    /// Transactions in order of arrival.
    pub txns: Vec<PendingTxn>,
    /// Compactions in order of arrival.
    pub compactions: Vec<PendingCompaction>,
    /// Watches are to be told the revision.
    pub progress: bool,
    /// The store closes after this.
    pub closing: bool,
}

#[derive(Default)]
struct Waiting {
    txns: VecDeque<PendingTxn>,
    compactions: Vec<PendingCompaction>,
    progress: bool,
    closing: bool,
}

/// The committer's inbox.
pub struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    room: Arc<Semaphore>,
}

/// Bytes of waiting transactions, keys and bookkeeping included.
const ROOM: usize = 64 << 20;
/// What one unit of room stands for.
const UNIT: usize = 1 << 10;

impl Queue {
    /// An empty queue.
    pub fn new() -> Self {
        Self {
            waiting: Mutex::default(),
            arrived: Condvar::new(),
            room: Arc::new(Semaphore::new(ROOM / UNIT)),
        }
    }

    /// Waits for room for a transaction of so many bytes.
    pub async fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, StorageError> {
        let units = (1 + bytes / UNIT).min(ROOM / UNIT);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        self.room.clone().acquire_many_owned(units).await.map_err(|_| closed())
    }

    /// Adds a transaction.
    pub fn push_txn(&self, pending: PendingTxn) {
        self.add(|waiting| waiting.txns.push_back(pending));
    }

    /// Adds a compaction.
    pub fn push_compaction(&self, pending: PendingCompaction) {
        self.add(|waiting| waiting.compactions.push(pending));
    }

    /// Asks for a word to all watches.
    pub fn push_progress(&self) {
        self.add(|waiting| waiting.progress = true);
    }

    /// Ends the committer once it has done what waits; later requests are dropped, which answers them.
    pub fn close(&self) {
        self.room.close();
        let mut waiting = self.lock();
        waiting.closing = true;
        drop(waiting);
        self.arrived.notify_all();
    }

    /// Takes what waits, at most `limit` transactions; waits for something to arrive, at most for `timeout`.
    pub fn take(&self, limit: usize, timeout: Option<Duration>) -> Work {
        let mut waiting = self.lock();
        if waiting.is_empty() {
            waiting = match timeout {
                None => self
                    .arrived
                    .wait_while(waiting, |waiting| waiting.is_empty())
                    .unwrap_or_else(PoisonError::into_inner),
                Some(timeout) => {
                    let waited =
                        self.arrived.wait_timeout_while(waiting, timeout, |waiting| waiting.is_empty());
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        let count = waiting.txns.len().min(limit);
        Work {
            txns: waiting.txns.drain(..count).collect(),
            compactions: std::mem::take(&mut waiting.compactions),
            progress: std::mem::take(&mut waiting.progress),
            closing: waiting.closing && waiting.txns.is_empty(),
        }
    }

    fn add(&self, put: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.lock();
        if waiting.closing {
            return;
        }
        put(&mut waiting);
        drop(waiting);
        self.arrived.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.txns.is_empty() && self.compactions.is_empty() && !self.progress && !self.closing
    }
}

/// The answer of a store that is closing.
pub fn closed() -> StorageError {
    StorageError::Unavailable("the store is closed".to_owned())
}
