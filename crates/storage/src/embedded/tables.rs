//! The store's tables and the bytes of their records.
//!
//! `current` holds each key's live state. A write moves the state it replaces to `history`, under the revision that made it,
//! and leaves a line in `changes`, so that a value is stored once. A past read merges `current` and `history`; a watch
//! replays `changes`; compaction walks `changes` from its start, which names every history row it ends.

use crate::embedded::failure::corrupt;
use crate::{KeyValue, Revision, StorageError, Value};
use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, Table, TableDefinition, WriteTransaction};
use std::sync::Arc;

/// Key to [`Live`].
pub const CURRENT: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("current");
/// Key and the revision that wrote it to [`Past`].
pub const HISTORY: TableDefinition<'static, (&str, u64), &[u8]> = TableDefinition::new("history");
/// Revision to [`Change`]. Its last row is the store's revision; compaction never removes that row.
pub const CHANGES: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("changes");
/// Expiry in Unix milliseconds and key; a row for every live key with a time to live.
pub const EXPIRY: TableDefinition<'static, (u64, &str), ()> = TableDefinition::new("expiry");
/// Single numbers.
pub const META: TableDefinition<'static, &str, u64> = TableDefinition::new("meta");
/// Row of [`META`]: the oldest revision that can still be read.
pub const COMPACTED: &str = "compacted";

/// The revision of a store nobody has written to, as in etcd.
pub const FIRST_REVISION: Revision = 1;

/// A key's live state.
#[derive(Debug, Clone, Copy)]
pub struct Live<'a> {
    /// Revision of the write that created the key.
    pub create_revision: Revision,
    /// Revision of the last write.
    pub mod_revision: Revision,
    /// When it goes away, in Unix milliseconds; 0 for never.
    pub expires: u64,
    /// The value.
    pub value: &'a [u8],
}

/// A state that a later write replaced. Its own revision is in the row's key.
#[derive(Debug, Clone, Copy)]
pub struct Past<'a> {
    /// Revision of the write that created the key.
    pub create_revision: Revision,
    /// Revision of the write that replaced or deleted it.
    pub end_revision: Revision,
    /// The value.
    pub value: &'a [u8],
}

/// What one revision did.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// Whether the key was deleted.
    pub deleted: bool,
    /// Revision of the state it replaced; 0 if the key was absent.
    pub previous: Revision,
    /// The key.
    pub key: &'a str,
}

const LIVE_HEADER: usize = 24;
const PAST_HEADER: usize = 16;
const CHANGE_HEADER: usize = 9;

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    let field = bytes.get(at..at + 8)?;
    field.try_into().ok().map(u64::from_le_bytes)
}

impl<'a> Live<'a> {
    /// Bytes the record takes.
    pub fn encoded_len(&self) -> usize {
        LIVE_HEADER + self.value.len()
    }

    /// Fills a buffer of [`Live::encoded_len`] bytes.
    pub fn encode(&self, into: &mut [u8]) {
        into[..8].copy_from_slice(&self.create_revision.to_le_bytes());
        into[8..16].copy_from_slice(&self.mod_revision.to_le_bytes());
        into[16..24].copy_from_slice(&self.expires.to_le_bytes());
        into[LIVE_HEADER..].copy_from_slice(self.value);
    }

    /// Reads a row of [`CURRENT`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, StorageError> {
        (|| {
            Some(Self {
                create_revision: number(bytes, 0)?,
                mod_revision: number(bytes, 8)?,
                expires: number(bytes, 16)?,
                value: bytes.get(LIVE_HEADER..)?,
            })
        })()
        .ok_or_else(|| corrupt("a row of the table of current values is too short"))
    }

    /// The state as callers see it.
    pub fn to_key_value(self, key: Arc<str>) -> KeyValue {
        KeyValue {
            key,
            value: Value::copy_from_slice(self.value),
            create_revision: self.create_revision,
            mod_revision: self.mod_revision,
        }
    }
}

impl<'a> Past<'a> {
    /// Bytes the record takes.
    pub fn encoded_len(&self) -> usize {
        PAST_HEADER + self.value.len()
    }

    /// Fills a buffer of [`Past::encoded_len`] bytes.
    pub fn encode(&self, into: &mut [u8]) {
        into[..8].copy_from_slice(&self.create_revision.to_le_bytes());
        into[8..16].copy_from_slice(&self.end_revision.to_le_bytes());
        into[PAST_HEADER..].copy_from_slice(self.value);
    }

    /// Reads a row of [`HISTORY`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, StorageError> {
        (|| {
            Some(Self {
                create_revision: number(bytes, 0)?,
                end_revision: number(bytes, 8)?,
                value: bytes.get(PAST_HEADER..)?,
            })
        })()
        .ok_or_else(|| corrupt("a row of the table of past values is too short"))
    }

    /// The state as callers see it.
    pub fn to_key_value(self, key: Arc<str>, mod_revision: Revision) -> KeyValue {
        KeyValue {
            key,
            value: Value::copy_from_slice(self.value),
            create_revision: self.create_revision,
            mod_revision,
        }
    }
}

impl<'a> Change<'a> {
    /// Bytes the record takes.
    pub fn encoded_len(&self) -> usize {
        CHANGE_HEADER + self.key.len()
    }

    /// Fills a buffer of [`Change::encoded_len`] bytes.
    pub fn encode(&self, into: &mut [u8]) {
        into[0] = u8::from(self.deleted);
        into[1..9].copy_from_slice(&self.previous.to_le_bytes());
        into[CHANGE_HEADER..].copy_from_slice(self.key.as_bytes());
    }

    /// Reads a row of [`CHANGES`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, StorageError> {
        (|| {
            Some(Self {
                deleted: match bytes.first()? {
                    0 => false,
                    1 => true,
                    _ => return None,
                },
                previous: number(bytes, 1)?,
                key: std::str::from_utf8(bytes.get(CHANGE_HEADER..)?).ok()?,
            })
        })()
        .ok_or_else(|| corrupt("a row of the table of changes cannot be read"))
    }
}

/// The tables of a write transaction.
pub struct WriteTables<'txn> {
    /// See [`CURRENT`].
    pub current: Table<'txn, &'static str, &'static [u8]>,
    /// See [`HISTORY`].
    pub history: Table<'txn, (&'static str, u64), &'static [u8]>,
    /// See [`CHANGES`].
    pub changes: Table<'txn, u64, &'static [u8]>,
    /// See [`EXPIRY`].
    pub expiry: Table<'txn, (u64, &'static str), ()>,
    /// See [`META`].
    pub meta: Table<'txn, &'static str, u64>,
}

impl<'txn> WriteTables<'txn> {
    /// Opens all tables, creating those that do not exist.
    pub fn open(txn: &'txn WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            current: txn.open_table(CURRENT)?,
            history: txn.open_table(HISTORY)?,
            changes: txn.open_table(CHANGES)?,
            expiry: txn.open_table(EXPIRY)?,
            meta: txn.open_table(META)?,
        })
    }

    /// When the next key goes away, in Unix milliseconds.
    pub fn next_expiry(&self) -> Result<Option<u64>, redb::Error> {
        Ok(self.expiry.first()?.map(|(row, _)| row.value().0))
    }
}

/// The tables of a read transaction.
pub struct ReadTables {
    /// See [`CURRENT`].
    pub current: ReadOnlyTable<&'static str, &'static [u8]>,
    /// See [`HISTORY`].
    pub history: ReadOnlyTable<(&'static str, u64), &'static [u8]>,
    /// See [`CHANGES`].
    pub changes: ReadOnlyTable<u64, &'static [u8]>,
    /// See [`META`].
    pub meta: ReadOnlyTable<&'static str, u64>,
}

impl ReadTables {
    /// Opens all tables; they exist since the store was opened.
    pub fn open(txn: &ReadTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            current: txn.open_table(CURRENT)?,
            history: txn.open_table(HISTORY)?,
            changes: txn.open_table(CHANGES)?,
            meta: txn.open_table(META)?,
        })
    }

    /// The oldest revision that can still be read.
    pub fn compacted(&self) -> Result<Revision, redb::Error> {
        Ok(self.meta.get(COMPACTED)?.map_or(0, |row| row.value()))
    }
}

/// The store's revision in this snapshot.
pub fn revision(changes: &impl ReadableTable<u64, &'static [u8]>) -> Result<Revision, redb::Error> {
    Ok(changes.last()?.map_or(FIRST_REVISION, |(row, _)| row.value()))
}
