//! What a cache holds: objects in key order, a window of recent changes, and the watchers to tell.
//!
//! Pure: the feed puts events in, readers take snapshots out; both under the cache's lock.

use super::entry::Entry;
use super::filter::Filter;
use bytes::Bytes;
use skiff_storage::Revision;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Fewest changes that are remembered.
const MIN_WINDOW: usize = 128;
/// Most changes that are remembered.
const MAX_WINDOW: usize = 16_384;
/// Most bytes of objects that remembered changes hold beyond the fewest.
const MAX_WINDOW_BYTES: usize = 16 << 20;
/// How long changes are remembered beyond the fewest: watchers that reconnect come sooner.
const WINDOW_AGE: Duration = Duration::from_secs(75);

/// What a watcher is told about an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// It came into view.
    Added,
    /// It changed.
    Modified,
    /// It left the view.
    Deleted,
}

impl EventKind {
    /// As watch events write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// A change of one object.
pub struct Change {
    /// The object afterwards; `None` if it was deleted.
    pub current: Option<Arc<Entry>>,
    /// The object before; `None` if it was created.
    pub previous: Option<Arc<Entry>>,
    /// The write's revision.
    pub revision: Revision,
    at: Instant,
    gone: OnceLock<Arc<Entry>>,
    frames: Mutex<Vec<(EventKind, u64, Bytes)>>,
}

impl Change {
    fn new(current: Option<Arc<Entry>>, previous: Option<Arc<Entry>>, revision: Revision) -> Arc<Self> {
        Arc::new(Self {
            current,
            previous,
            revision,
            at: Instant::now(),
            gone: OnceLock::new(),
            frames: Mutex::default(),
        })
    }

    /// What a watcher with this filter is told, if anything: changes of the selection show as additions and deletions.
    pub fn seen_by(&self, filter: &Filter) -> Option<EventKind> {
        let sees = |entry: &Option<Arc<Entry>>| entry.as_ref().is_some_and(|entry| filter.matches(entry));
        match (sees(&self.previous), sees(&self.current)) {
            (false, false) => None,
            (false, true) => Some(EventKind::Added),
            (true, true) => Some(EventKind::Modified),
            (true, false) => Some(EventKind::Deleted),
        }
    }

    /// The object that an event of this kind shows: the new state, or the last one at the revision of its going.
    pub fn shown(&self, kind: EventKind) -> Option<&Arc<Entry>> {
        match (kind, &self.previous) {
            (EventKind::Deleted, Some(previous)) => {
                Some(self.gone.get_or_init(|| Arc::new(previous.at_revision(self.revision))))
            }
            _ => self.current.as_ref(),
        }
    }

    /// The encoded event, made once for each form that any watcher wants.
    pub fn frame(&self, kind: EventKind, form: u64, encode: impl FnOnce(&Arc<Entry>) -> Bytes) -> Bytes {
        let mut frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., frame)) = frames.iter().find(|(k, f, _)| *k == kind && *f == form) {
            return frame.clone();
        }
        let frame = self.shown(kind).map(encode).unwrap_or_default();
        frames.push((kind, form, frame.clone()));
        frame
    }

    fn size(&self) -> usize {
        self.current.as_ref().or(self.previous.as_ref()).map_or(0, |entry| entry.body().len())
    }
}

/// A watcher's place in the cache.
struct Watcher {
    filter: Filter,
    after: Revision,
    queue: mpsc::Sender<(EventKind, Arc<Change>)>,
}

/// Changes that a new watch is owed.
type Backlog = Vec<(EventKind, Arc<Change>)>;

/// Objects, recent changes, watchers.
#[derive(Default)]
pub(super) struct State {
    objects: BTreeMap<Arc<str>, Arc<Entry>>,
    window: VecDeque<Arc<Change>>,
    window_bytes: usize,
    /// Changes after this revision are in the window.
    window_start: Revision,
    watchers: HashMap<u64, Watcher>,
    next_watcher: u64,
    change_count: u64,
    /// Everything up to here is in.
    revision: Revision,
}

/// Why a watch cannot start where it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooOld {
    pub(super) oldest: Revision,
}

impl State {
    /// Replaces everything with a fresh list; whoever watched has to begin anew.
    pub(super) fn reset(&mut self, entries: Vec<Arc<Entry>>, revision: Revision) {
        self.objects = entries.into_iter().map(|entry| (entry.key().clone(), entry)).collect();
        self.window.clear();
        self.window_bytes = 0;
        self.window_start = revision;
        self.watchers.clear();
        self.change_count += 1;
        self.revision = revision;
    }

    /// Notes that nothing up to the revision is still to come.
    pub(super) fn advance(&mut self, revision: Revision) {
        self.revision = self.revision.max(revision);
    }

    pub(super) fn revision(&self) -> Revision {
        self.revision
    }

    /// Takes in a change and tells the watchers.
    pub(super) fn apply(&mut self, key: &Arc<str>, current: Option<Arc<Entry>>, revision: Revision) {
        let previous = match &current {
            Some(entry) => self.objects.insert(entry.key().clone(), entry.clone()),
            None => self.objects.remove(key),
        };
        self.advance(revision);
        if current.is_none() && previous.is_none() {
            return;
        }
        self.change_count += 1;
        let change = Change::new(current, previous, revision);
        self.tell(&change);
        self.remember(change);
    }

    fn tell(&mut self, change: &Arc<Change>) {
        self.watchers.retain(|_, watcher| {
            if change.revision <= watcher.after {
                return true;
            }
            match change.seen_by(&watcher.filter) {
                // A full queue means a watcher that cannot keep up; a closed one, that it left.
                Some(kind) => watcher.queue.try_send((kind, change.clone())).is_ok(),
                None => true,
            }
        });
    }

    fn remember(&mut self, change: Arc<Change>) {
        let now = change.at;
        self.window_bytes += change.size();
        self.window.push_back(change);
        while self.window.len() > MIN_WINDOW {
            let Some(oldest) = self.window.front() else { break };
            let stale = now.duration_since(oldest.at) > WINDOW_AGE;
            if !stale && self.window.len() <= MAX_WINDOW && self.window_bytes <= MAX_WINDOW_BYTES {
                break;
            }
            self.window_start = oldest.revision;
            self.window_bytes -= oldest.size();
            self.window.pop_front();
        }
    }

    /// Opens a watch for changes after a revision: those that are remembered already, and a number to leave with.
    pub(super) fn watch(
        &mut self,
        filter: Filter,
        after: Revision,
        queue: mpsc::Sender<(EventKind, Arc<Change>)>,
    ) -> Result<(Backlog, u64), TooOld> {
        if after < self.window_start {
            return Err(TooOld { oldest: self.window_start });
        }
        let first = self.window.partition_point(|change| change.revision <= after);
        let missed = self.window.range(first..);
        let missed =
            missed.filter_map(|change| change.seen_by(&filter).map(|kind| (kind, change.clone()))).collect();
        let id = self.next_watcher;
        self.next_watcher += 1;
        self.watchers.insert(id, Watcher { filter, after, queue });
        Ok((missed, id))
    }

    /// Forgets a watcher.
    pub(super) fn leave(&mut self, id: u64) {
        self.watchers.remove(&id);
    }

    /// Ends all watches.
    pub(super) fn cut_watchers(&mut self) {
        self.watchers.clear();
    }

    /// Objects under a prefix from a key on, in order.
    pub(super) fn under<'a>(&'a self, prefix: &'a str, start: &str) -> impl Iterator<Item = &'a Arc<Entry>> {
        let from = if start > prefix { start } else { prefix };
        self.objects
            .range::<str, _>((Bound::Included(from), Bound::Unbounded))
            .map(|(_, entry)| entry)
            .take_while(move |entry| entry.key().starts_with(prefix))
    }

    pub(super) fn object(&self, key: &str) -> Option<Arc<Entry>> {
        self.objects.get(key).cloned()
    }

    pub(super) fn len(&self) -> usize {
        self.objects.len()
    }

    pub(super) fn change_count(&self) -> u64 {
        self.change_count
    }
}
