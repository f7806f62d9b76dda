//! Reads on one snapshot: ranges now and in the past, and pages of changes for watches.

use crate::embedded::failure::{corrupt, failed};
use crate::embedded::tables::{Change, Live, Past, ReadTables, revision};
use crate::{Event, KeyValue, Range, RangeResult, Revision, StorageError};
use std::iter::Peekable;
use std::sync::Arc;

/// Reads keys.
pub fn range(tables: &ReadTables, range: &Range) -> Result<RangeResult, StorageError> {
    let now = revision(&tables.changes).map_err(failed)?;
    let mut found = Collector::new(range.limit, now);
    match range.revision {
        Some(at) if at > now => return Err(StorageError::Future { current: now }),
        Some(at) if at < now => {
            let oldest = tables.compacted().map_err(failed)?;
            if at < oldest {
                return Err(StorageError::Compacted { oldest });
            }
            past(tables, range, at, &mut found)?;
        }
        _ if range.single => {
            if let Some(row) = tables.current.get(range.prefix.as_str()).map_err(failed)? {
                found.take(Live::decode(row.value())?.to_key_value(range.prefix.as_str().into()));
            }
        }
        _ => present(tables, range, &mut found)?,
    }
    Ok(found.result)
}

fn present(tables: &ReadTables, range: &Range, found: &mut Collector) -> Result<(), StorageError> {
    for row in tables.current.range::<&str>(first_key(range)..).map_err(failed)? {
        let (key, record) = row.map_err(failed)?;
        let key = key.value();
        if !covers(range, key) {
            break;
        }
        if found.is_full() {
            found.count_one();
        } else {
            found.take(Live::decode(record.value())?.to_key_value(key.into()));
        }
    }
    Ok(())
}

/// Merges live and past states in the order of keys; of each key at most one state held at the revision.
fn past(tables: &ReadTables, range: &Range, at: Revision, found: &mut Collector) -> Result<(), StorageError> {
    let first = first_key(range);
    let mut live = tables.current.range::<&str>(first..).map_err(failed)?.peekable();
    let mut gone = tables.history.range::<(&str, u64)>((first, 0)..).map_err(failed)?.peekable();
    while let Some(key) = next_key(&mut live, &mut gone)?.filter(|key| covers(range, key)) {
        let mut state: Option<KeyValue> = None;
        if let Some((_, record)) = next_if(&mut live, |row| row == &*key)? {
            let record = Live::decode(record.value())?;
            if record.mod_revision <= at {
                state = Some(record.to_key_value(key.clone()));
            }
        }
        while let Some((row, record)) = next_if(&mut gone, |row| row.0 == &*key)? {
            let (record, written) = (Past::decode(record.value())?, row.value().1);
            if written <= at && at < record.end_revision {
                state = Some(record.to_key_value(key.clone(), written));
            }
        }
        match state {
            Some(_) if found.is_full() => found.count_one(),
            Some(state) => found.take(state),
            None => {}
        }
    }
    Ok(())
}

type Row<K> = (redb::AccessGuard<'static, K>, redb::AccessGuard<'static, &'static [u8]>);
type Rows<K> = Peekable<redb::Range<'static, K, &'static [u8]>>;

fn next_key(
    live: &mut Rows<&'static str>,
    gone: &mut Rows<(&'static str, u64)>,
) -> Result<Option<Arc<str>>, StorageError> {
    let live = peek(live)?.map(|row| row.value());
    let gone = peek(gone)?.map(|row| row.value().0);
    Ok(match (live, gone) {
        (Some(a), Some(b)) => Some(a.min(b).into()),
        (a, b) => a.or(b).map(Into::into),
    })
}

fn peek<K: redb::Key + 'static>(
    rows: &mut Rows<K>,
) -> Result<Option<&redb::AccessGuard<'static, K>>, StorageError> {
    if let Some(error) = rows.next_if(Result::is_err).and_then(Result::err) {
        return Err(failed(error));
    }
    Ok(rows.peek().and_then(|row| row.as_ref().ok()).map(|(key, _)| key))
}

fn next_if<K: redb::Key + 'static>(
    rows: &mut Rows<K>,
    wanted: impl FnOnce(K::SelfType<'_>) -> bool,
) -> Result<Option<Row<K>>, StorageError> {
    match peek(rows)? {
        Some(key) if wanted(key.value()) => rows.next().transpose().map_err(failed),
        _ => Ok(None),
    }
}

fn first_key(range: &Range) -> &str {
    range.prefix.as_str().max(range.start.as_str())
}

fn covers(range: &Range, key: &str) -> bool {
    if range.single { key == range.prefix } else { key.starts_with(&range.prefix) }
}

/// Keeps items up to the limit and counts the rest.
struct Collector {
    limit: usize,
    result: RangeResult,
}

impl Collector {
    fn new(limit: usize, revision: Revision) -> Self {
        Self { limit, result: RangeResult { items: Vec::new(), more: false, count: 0, revision } }
    }

    fn is_full(&self) -> bool {
        self.limit != 0 && self.result.items.len() == self.limit
    }

    fn take(&mut self, item: KeyValue) {
        self.result.items.push(item);
        self.result.count += 1;
    }

    fn count_one(&mut self) {
        self.result.more = true;
        self.result.count += 1;
    }
}

/// A page of changes.
pub struct Page {
    /// Those under the prefix.
    pub events: Vec<Event>,
    /// Where the next page starts.
    pub next: Revision,
}

/// Changes under a prefix from a revision on, up to and with `until`, of at most `scan` revisions.
pub fn changes(
    tables: &ReadTables,
    prefix: &str,
    from: Revision,
    until: Revision,
    scan: usize,
) -> Result<Page, StorageError> {
    let oldest = tables.compacted().map_err(failed)?;
    if from < oldest {
        return Err(StorageError::Compacted { oldest });
    }
    let mut page = Page { events: Vec::new(), next: from };
    for row in tables.changes.range(from..=until).map_err(failed)?.take(scan) {
        let (at, record) = row.map_err(failed)?;
        let change = Change::decode(record.value())?;
        page.next = at.value() + 1;
        if change.key.starts_with(prefix) {
            page.events.push(event(tables, at.value(), change)?);
        }
    }
    Ok(page)
}

fn event(tables: &ReadTables, at: Revision, change: Change<'_>) -> Result<Event, StorageError> {
    let key: Arc<str> = change.key.into();
    let current = match change.deleted {
        true => None,
        false => Some(state(tables, &key, at)?),
    };
    let previous = match change.previous {
        0 => None,
        written => Some(past_state(tables, &key, written)?.ok_or_else(missing)?),
    };
    Ok(Event { key, current, previous, revision: at })
}

/// What the write at this revision stored, live or past.
fn state(tables: &ReadTables, key: &Arc<str>, written: Revision) -> Result<KeyValue, StorageError> {
    if let Some(row) = tables.current.get(&**key).map_err(failed)? {
        let live = Live::decode(row.value())?;
        if live.mod_revision == written {
            return Ok(live.to_key_value(key.clone()));
        }
    }
    past_state(tables, key, written)?.ok_or_else(missing)
}

fn past_state(
    tables: &ReadTables,
    key: &Arc<str>,
    written: Revision,
) -> Result<Option<KeyValue>, StorageError> {
    let row = tables.history.get((&**key, written)).map_err(failed)?;
    row.map(|row| Ok(Past::decode(row.value())?.to_key_value(key.clone(), written))).transpose()
}

fn missing() -> StorageError {
    corrupt("a change names a value that is not there")
}
