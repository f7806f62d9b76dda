//! The one thread that writes: it gathers what waits into a batch, makes it durable with one commit, tells the watches, and
//! only then acknowledges. While it commits, the next batch gathers.
//!
//! It sleeps until something arrives or the next key's time is over; it never polls. When a commit fails, its callers learn
//! that, the engine is opened anew at its last durable commit, and all watches end, because nobody can say whether the failed
//! commit reached the disk.

use crate::embedded::batch::Batch;
use crate::embedded::engine::Outcome;
use crate::embedded::failure::failed;
use crate::embedded::queue::{PendingCompaction, PendingTxn, Work, closed};
use crate::embedded::tables::revision;
use crate::embedded::{Clock, Shared};
use crate::{Event, Op, Revision, StorageError, TxnResult};
use std::sync::Arc;
use std::time::Duration;

/// Transactions in one commit.
const TXNS: usize = 1_024;
/// Expired keys deleted in one commit.
const EXPIRED: usize = 1_024;
/// Changes forgotten in one commit.
const FORGOTTEN: usize = 2_048;
/// Space on disk that is kept for deletions and for the engine's own pages.
const RESERVE: u64 = 32 << 20;
/// How long to wait after expired keys could not be deleted.
const RETRY: Duration = Duration::from_secs(10);

/// The writing thread's state.
pub struct Committer {
    shared: Arc<Shared>,
    clock: Clock,
    revision: Revision,
    next_expiry: Option<u64>,
    compactions: Vec<PendingCompaction>,
    /// The last commit failed.
    troubled: bool,
}

/// What a batch came to.
struct Done {
    answers: Vec<Result<TxnResult, StorageError>>,
    events: Vec<Event>,
    compacted: bool,
    next_expiry: Option<u64>,
}

impl Committer {
    /// A committer for an opened store.
    pub fn new(shared: Arc<Shared>, clock: Clock, revision: Revision, next_expiry: Option<u64>) -> Self {
        Self { shared, clock, revision, next_expiry, compactions: Vec::new(), troubled: false }
    }

    /// Works until the store closes.
    pub fn run(mut self) {
        loop {
            let mut work = self.shared.queue.take(TXNS, self.patience());
            self.compactions.append(&mut work.compactions);
            let closing = work.closing;
            self.turn(work);
            if closing {
                self.shared.hub.close(&closed());
                return;
            }
        }
    }

    /// How long there is nothing to do unless something arrives.
    fn patience(&self) -> Option<Duration> {
        if !self.compactions.is_empty() && !self.troubled {
            return Some(Duration::ZERO);
        }
        let due = self.next_expiry.map(|at| Duration::from_millis(at.saturating_sub(self.now())));
        if self.troubled { due.map(|due| due.max(RETRY)) } else { due }
    }

    fn now(&self) -> u64 {
        u64::try_from((self.clock)().as_millisecond()).unwrap_or(0)
    }

    fn turn(&mut self, work: Work) {
        let now = self.now();
        let expired = self.next_expiry.is_some_and(|at| at <= now);
        if !work.txns.is_empty() || !self.compactions.is_empty() || expired {
            self.commit(work.txns, now);
        }
        if work.progress {
            self.shared.hub.progress();
        }
    }

    fn commit(&mut self, txns: Vec<PendingTxn>, now: u64) {
        match self.write(&txns, now) {
            Ok(done) => {
                self.troubled = false;
                self.next_expiry = done.next_expiry;
                if let Some(last) = done.events.last() {
                    self.revision = last.revision;
                    self.shared.hub.publish(&done.events, self.revision);
                }
                for (pending, answer) in txns.into_iter().zip(done.answers) {
                    // The caller may have gone; the write stands.
                    let _ = pending.reply.send(answer);
                }
                if done.compacted {
                    for compaction in self.compactions.drain(..) {
                        let _ = compaction.reply.send(Ok(()));
                    }
                }
            }
            Err(error) => self.recover(txns, error),
        }
    }

    fn write(&self, txns: &[PendingTxn], now: u64) -> Result<Done, StorageError> {
        let full = self.shared.engine.free_space().is_ok_and(|free| free < RESERVE);
        let before = self.compactions.iter().map(|compaction| compaction.before).max();
        self.shared.engine.write(|tables| {
            let mut batch = Batch::new(tables, self.revision, now);
            let mut answers = Vec::with_capacity(txns.len());
            for pending in txns {
                answers.push(match pending.txn.op {
                    Op::Put { .. } if full => Err(StorageError::NoSpace),
                    _ => Ok(batch.apply(&pending.txn)?),
                });
            }
            batch.expire(EXPIRED)?;
            let compacted = match before {
                Some(before) => batch.compact(before.min(self.revision), FORGOTTEN)?,
                None => true,
            };
            let (events, dirty) = batch.finish();
            let next_expiry = tables.next_expiry().map_err(failed)?;
            let done = Done { answers, events, compacted, next_expiry };
            Ok(if dirty { Outcome::Commit(done) } else { Outcome::Discard(done) })
        })
    }

    fn recover(&mut self, txns: Vec<PendingTxn>, error: StorageError) {
        tracing::error!(%error, "storage could not commit");
        self.troubled = true;
        for pending in txns {
            let _ = pending.reply.send(Err(error.clone()));
        }
        for compaction in self.compactions.drain(..) {
            let _ = compaction.reply.send(Err(error.clone()));
        }
        if let Err(error) = self.shared.engine.reopen() {
            tracing::error!(%error, "storage could not be opened again");
        }
        // If it cannot be read now, the revision stays; what comes next fails and tries again.
        if let Ok(found) = self.shared.engine.read(|tables| revision(&tables.changes).map_err(failed)) {
            self.revision = found;
        }
        self.shared.hub.restart(self.revision, &error);
    }
}
