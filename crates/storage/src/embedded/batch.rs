//! One batch of writes on the tables: transactions in order, keys whose time is over, and a step of compaction.
//!
//! Everything here sees the writes before it in the same batch. Nothing is acknowledged or published before the batch is
//! durable; that is the committer's part.

use crate::embedded::failure::failed;
use crate::embedded::tables::{COMPACTED, Change, Live, Past, WriteTables};
use crate::{Event, Expect, KeyValue, Op, Revision, StorageError, Txn, TxnResult, Value};
use redb::ReadableTable;
use std::sync::Arc;
use std::time::Duration;

/// A batch under way.
pub struct Batch<'batch, 'txn> {
    tables: &'batch mut WriteTables<'txn>,
    revision: Revision,
    now: u64,
    events: Vec<Event>,
    /// Rows were changed that no event tells of.
    swept: bool,
}

/// A live state and its expiry.
struct Held {
    state: KeyValue,
    expires: u64,
}

impl<'batch, 'txn> Batch<'batch, 'txn> {
    /// Starts at the store's revision; `now` is in Unix milliseconds.
    pub fn new(tables: &'batch mut WriteTables<'txn>, revision: Revision, now: u64) -> Self {
        Self { tables, revision, now, events: Vec::new(), swept: false }
    }

    /// Ends the batch: what happened, in order, and whether there is anything to make durable.
    pub fn finish(self) -> (Vec<Event>, bool) {
        let dirty = self.swept || !self.events.is_empty();
        (self.events, dirty)
    }

    /// Compares and writes.
    pub fn apply(&mut self, txn: &Txn) -> Result<TxnResult, StorageError> {
        let held = self.held(&txn.key)?;
        let holds = match (txn.expect, &held) {
            (Expect::Absent | Expect::ModRevision(0), held) => held.is_none(),
            (Expect::ModRevision(wanted), Some(held)) => held.state.mod_revision == wanted,
            (Expect::ModRevision(_), None) => false,
        };
        if !holds {
            return Ok(TxnResult::Failed { current: held.map(|held| held.state), revision: self.revision });
        }
        let key = held.as_ref().map_or_else(|| Arc::from(txn.key.as_str()), |held| held.state.key.clone());
        match &txn.op {
            Op::Put { value, ttl } => self.put(key, value, *ttl, held)?,
            Op::Delete => {
                if let Some(held) = held {
                    self.delete(held)?;
                }
            }
        }
        Ok(TxnResult::Committed { revision: self.revision })
    }

    /// Deletes keys whose time is over, at most `limit`.
    pub fn expire(&mut self, limit: usize) -> Result<(), StorageError> {
        for _ in 0..limit {
            let due = {
                let first = self.tables.expiry.first().map_err(failed)?;
                let row = first.as_ref().map(|(row, _)| row.value());
                row.filter(|(at, _)| *at <= self.now).map(|(at, key)| (at, key.to_owned()))
            };
            let Some((at, key)) = due else { break };
            match self.held(&key)? {
                Some(held) if held.expires == at => self.delete(held)?,
                _ => {
                    self.tables.expiry.remove((at, key.as_str())).map_err(failed)?;
                    self.swept = true;
                }
            }
        }
        Ok(())
    }

    /// Forgets at most `limit` changes before a revision and the states they ended; true when none are left.
    pub fn compact(&mut self, before: Revision, limit: usize) -> Result<bool, StorageError> {
        let oldest = self.tables.meta.get(COMPACTED).map_err(failed)?.map_or(0, |row| row.value());
        if before > oldest {
            self.tables.meta.insert(COMPACTED, before).map_err(failed)?;
            self.swept = true;
        }
        for _ in 0..limit {
            let ended = {
                let first = self.tables.changes.first().map_err(failed)?;
                let Some((row, record)) = first.filter(|(row, _)| row.value() < before) else {
                    return Ok(true);
                };
                let change = Change::decode(record.value())?;
                (row.value(), change.previous, change.key.to_owned())
            };
            let (at, previous, key) = ended;
            if previous != 0 {
                self.tables.history.remove((key.as_str(), previous)).map_err(failed)?;
            }
            self.tables.changes.remove(at).map_err(failed)?;
            self.swept = true;
        }
        Ok(false)
    }

    fn held(&self, key: &str) -> Result<Option<Held>, StorageError> {
        let Some(row) = self.tables.current.get(key).map_err(failed)? else { return Ok(None) };
        let live = Live::decode(row.value())?;
        Ok(Some(Held { expires: live.expires, state: live.to_key_value(key.into()) }))
    }

    fn put(
        &mut self,
        key: Arc<str>,
        value: &Value,
        ttl: Option<Duration>,
        held: Option<Held>,
    ) -> Result<(), StorageError> {
        let revision = self.revision + 1;
        let expires = ttl.map_or(0, |ttl| expiry(self.now, ttl));
        let create_revision = held.as_ref().map_or(revision, |held| held.state.create_revision);
        let previous = self.end(held, revision)?;
        let live = Live { create_revision, mod_revision: revision, expires, value };
        let mut row = self.tables.current.insert_reserve(&*key, live.encoded_len()).map_err(failed)?;
        live.encode(row.as_mut());
        drop(row);
        if expires != 0 {
            self.tables.expiry.insert((expires, &*key), ()).map_err(failed)?;
        }
        let current =
            KeyValue { key: key.clone(), value: value.clone(), create_revision, mod_revision: revision };
        self.record(Event { key, current: Some(current), previous, revision })
    }

    fn delete(&mut self, held: Held) -> Result<(), StorageError> {
        let revision = self.revision + 1;
        let key = held.state.key.clone();
        let previous = self.end(Some(held), revision)?;
        self.tables.current.remove(&*key).map_err(failed)?;
        self.record(Event { key, current: None, previous, revision })
    }

    /// Moves the state that the write at `revision` ends to the history.
    fn end(&mut self, held: Option<Held>, revision: Revision) -> Result<Option<KeyValue>, StorageError> {
        let Some(Held { state, expires }) = held else { return Ok(None) };
        if expires != 0 {
            self.tables.expiry.remove((expires, &*state.key)).map_err(failed)?;
        }
        let past =
            Past { create_revision: state.create_revision, end_revision: revision, value: &state.value };
        let row = self.tables.history.insert_reserve((&*state.key, state.mod_revision), past.encoded_len());
        past.encode(row.map_err(failed)?.as_mut());
        Ok(Some(state))
    }

    fn record(&mut self, event: Event) -> Result<(), StorageError> {
        let change = Change {
            deleted: event.current.is_none(),
            previous: event.previous.as_ref().map_or(0, |state| state.mod_revision),
            key: &event.key,
        };
        let row = self.tables.changes.insert_reserve(event.revision, change.encoded_len());
        change.encode(row.map_err(failed)?.as_mut());
        self.revision = event.revision;
        self.events.push(event);
        Ok(())
    }
}

/// When a time to live is over, rounded up so that keys written close together go in one commit. Upstream shares leases to
/// the same end; a key may live a sixtieth longer than asked.
fn expiry(now: u64, ttl: Duration) -> u64 {
    let ttl = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX / 4).min(u64::MAX / 4);
    let grain = (ttl / 60).clamp(100, 60_000);
    (now + ttl).div_ceil(grain) * grain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_never_early_and_at_most_a_sixtieth_late() {
        for (now, ttl) in
            [(0, 1), (1_700_000_000_123, 3_600_000), (1_700_000_000_123, 2_000), (5, 86_400_000)]
        {
            let at = expiry(now, Duration::from_millis(ttl));
            assert!(at >= now + ttl && at - now - ttl <= (ttl / 60).max(100), "{now} + {ttl} -> {at}");
        }
    }
}
