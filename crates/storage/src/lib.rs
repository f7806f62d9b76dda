//! What the API server needs of etcd and no more, over an embedded store or an etcd v3 cluster.
//!
//! Place in the data's way: below `apiserver`, which alone uses it. Keys and values are bytes; upstream's key layout
//! (`/registry/pods/NS/NAME`) and the meaning of values belong to `apiserver`.
//!
//! Invariants:
//! - revisions are global, increase with every committed write, and never go back, also after a crash;
//! - what was acknowledged is durable;
//! - a watch from revision R sees every write after R once, in order, or fails with [`StorageError::Compacted`];
//! - one behavioural suite runs over every implementation.

pub mod embedded;
pub mod etcd;
pub mod transform;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use std::sync::Arc;
use std::time::Duration;

/// A global, increasing revision; 0 is before everything.
pub type Revision = u64;

/// Stored bytes, shared between history, cache and watchers.
pub type Value = bytes::Bytes;

/// A key's current or past state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    /// The key.
    pub key: Arc<str>,
    /// The value.
    pub value: Value,
    /// Revision of the write that created the key.
    pub create_revision: Revision,
    /// Revision of the last write to the key.
    pub mod_revision: Revision,
}

/// Which keys to read.
#[derive(Debug, Clone, Default)]
pub struct Range {
    /// All keys that start with this; or exactly this key if `single`.
    pub prefix: String,
    /// Only the key equal to `prefix`.
    pub single: bool,
    /// Keys greater than or equal to this (a page's start); empty starts at the prefix.
    pub start: String,
    /// At most so many; 0 for no limit.
    pub limit: usize,
    /// As of this revision; `None` for now.
    pub revision: Option<Revision>,
}

/// What a range read found.
#[derive(Debug, Clone)]
pub struct RangeResult {
    /// Found keys in order.
    pub items: Vec<KeyValue>,
    /// Whether more keys follow the last one within the prefix.
    pub more: bool,
    /// How many keys the prefix holds from `start` on, `items` included.
    pub count: usize,
    /// The store's revision when it was read (the current one, not the one asked for).
    pub revision: Revision,
}

/// What must hold for a write to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// The key does not exist.
    Absent,
    /// The key's last write has this revision; 0 stands for no write, as [`Expect::Absent`].
    ModRevision(Revision),
}

/// A write.
#[derive(Debug, Clone)]
pub enum Op {
    /// Stores a value; with a time to live the key goes away by itself after it (events).
    Put {
        /// The bytes.
        value: Value,
        /// Time to live; `None` for ever.
        ttl: Option<Duration>,
    },
    /// Removes the key.
    Delete,
}

/// A compare-and-write on one key.
#[derive(Debug, Clone)]
pub struct Txn {
    /// The key.
    pub key: String,
    /// What must hold.
    pub expect: Expect,
    /// What to do then.
    pub op: Op,
}

/// What a transaction did.
#[derive(Debug, Clone)]
pub enum TxnResult {
    /// The write is durable at this revision.
    Committed {
        /// The write's revision.
        revision: Revision,
    },
    /// The expectation did not hold; nothing was written.
    Failed {
        /// The key as it is now.
        current: Option<KeyValue>,
        /// The store's revision now.
        revision: Revision,
    },
}

/// One change seen by a watch.
#[derive(Debug, Clone)]
pub struct Event {
    /// The key.
    pub key: Arc<str>,
    /// The state after a put; `None` after a deletion.
    pub current: Option<KeyValue>,
    /// The state before, unless the key was created by this write.
    pub previous: Option<KeyValue>,
    /// The write's revision.
    pub revision: Revision,
}

/// What a watch stream yields.
#[derive(Debug, Clone)]
pub enum WatchItem {
    /// Changes in revision order.
    Events(Vec<Event>),
    /// Nothing before or at this revision is still to come.
    Progress(Revision),
}

/// Why the store did not answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StorageError {
    /// The revision is older than the kept history.
    #[error("required revision has been compacted")]
    Compacted {
        /// The oldest revision that can still be read; 0 if the store does not say.
        oldest: Revision,
    },
    /// The revision is newer than the store.
    #[error("required revision is a future revision")]
    Future {
        /// The store's revision; 0 if the store does not say.
        current: Revision,
    },
    /// The store cannot be reached or is overloaded; trying again may help.
    #[error("storage is unavailable: {0}")]
    Unavailable(String),
    /// The value does not fit.
    #[error("request is too large")]
    TooLarge,
    /// The disk is full; reads go on.
    #[error("database space exceeded")]
    NoSpace,
    /// The data is damaged or of another format.
    #[error("{0}")]
    Corrupt(String),
}

/// A store with etcd's semantics, as far as kube-apiserver uses them.
pub trait Storage: Send + Sync + 'static {
    /// Reads keys; linearizable when `revision` is `None`.
    fn range(&self, range: Range) -> BoxFuture<'_, Result<RangeResult, StorageError>>;

    /// Writes one key if the expectation holds.
    fn txn(&self, txn: Txn) -> BoxFuture<'_, Result<TxnResult, StorageError>>;

    /// Changes under a prefix with revision >= `from`; 0 stands for changes after now. The stream ends with an error when the
    /// watcher is too slow or the store goes away; the caller starts anew from the last revision it saw. A `from` that was
    /// compacted shows as [`StorageError::Compacted`], from this call or as the stream's first item. Progress comes at least
    /// when asked for by [`Storage::request_progress`].
    fn watch(
        &self,
        prefix: String,
        from: Revision,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Result<WatchItem, StorageError>>, StorageError>>;

    /// Makes every open watch yield a [`WatchItem::Progress`] with the current revision soon.
    fn request_progress(&self);

    /// Forgets history before the revision; current values stay.
    fn compact(&self, before: Revision) -> BoxFuture<'_, Result<(), StorageError>>;

    /// The current revision, linearizable.
    fn revision(&self) -> BoxFuture<'_, Result<Revision, StorageError>>;

    /// Bytes on disk, if the store can tell.
    fn size(&self) -> BoxFuture<'_, Result<u64, StorageError>>;
}
