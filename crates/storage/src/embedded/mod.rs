//! The embedded store: tables in one file ([`tables`]), one writing thread ([`committer`]), reads on snapshots ([`read`]).
//!
//! The way of a write: [`EmbeddedStorage::txn`] -> [`queue`] -> [`committer`] gathers a [`batch`] -> one durable commit of
//! the [`engine`] -> [`hub`] -> every watch's [`mailbox`] -> the answer. Each invariant of the crate rests on that order:
//! nothing is acknowledged or seen by a watch before it is durable, and what is acknowledged was sent to every watch.

mod batch;
mod committer;
mod directory;
mod engine;
mod failure;
mod hub;
mod mailbox;
mod queue;
mod read;
mod tables;
mod watch;

pub use failure::OpenError;

use crate::{Op, Range, RangeResult, Revision, Storage, StorageError, Txn, TxnResult, WatchItem};
use committer::Committer;
use directory::Directory;
use engine::{Engine, Outcome};
use failure::failed;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use hub::Hub;
use queue::{PendingCompaction, PendingTxn, Queue, closed};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// Where the store reads the time of day, which decides when keys with a time to live go away.
pub type Clock = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

/// How to open an embedded store.
#[derive(Clone)]
pub struct EmbeddedOptions {
    /// Memory for cached pages.
    pub cache_bytes: usize,
    /// Events a watch may lag behind before it is ended.
    pub watch_buffer: usize,
    /// The largest value taken.
    pub max_value_bytes: usize,
    /// The time of day.
    pub clock: Clock,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 16 << 20,
            watch_buffer: 8_192,
            // etcd's limit for a request: objects that fit here fit there.
            max_value_bytes: 3 << 19,
            clock: Arc::new(jiff::Timestamp::now),
        }
    }
}

/// A store in a directory of this machine.
pub struct EmbeddedStorage {
    shared: Arc<Shared>,
    max_value_bytes: usize,
    committer: Option<JoinHandle<()>>,
}

/// What callers, watches and the committer share.
struct Shared {
    engine: Engine,
    queue: Queue,
    hub: Hub,
    watch_buffer: usize,
}

impl EmbeddedStorage {
    /// Opens the store in a directory, making it if need be. Only one process can hold a directory.
    pub fn open(dir: &Path, options: EmbeddedOptions) -> Result<Self, OpenError> {
        let directory = Directory::open(dir)?;
        let data = directory.data_path();
        let engine = Engine::open(directory, options.cache_bytes)?;
        let found = engine.write(|tables| {
            let revision = tables::revision(&tables.changes).map_err(failed)?;
            Ok(Outcome::Discard((revision, tables.next_expiry().map_err(failed)?)))
        });
        let (revision, next_expiry) =
            found.map_err(|error| OpenError::Corrupt { path: data.clone(), reason: error.to_string() })?;
        let shared = Arc::new(Shared {
            engine,
            queue: Queue::new(),
            hub: Hub::new(revision),
            watch_buffer: options.watch_buffer,
        });
        let committer = Committer::new(shared.clone(), options.clock, revision, next_expiry);
        let committer = std::thread::Builder::new()
            .name("storage-commit".to_owned())
            .spawn(move || committer.run())
            .map_err(|error| directory::refused(dir, error))?;
        Ok(Self { shared, max_value_bytes: options.max_value_bytes, committer: Some(committer) })
    }
}

impl Drop for EmbeddedStorage {
    fn drop(&mut self) {
        self.shared.queue.close();
        if let Some(committer) = self.committer.take() {
            // It ends after at most one commit; a panic there was reported by its thread.
            let _ = committer.join();
        }
    }
}

impl Storage for EmbeddedStorage {
    fn range(&self, range: Range) -> BoxFuture<'_, Result<RangeResult, StorageError>> {
        Box::pin(async move {
            if range.single && range.revision.is_none() {
                // A few cached pages: cheaper here than on another thread.
                return self.shared.engine.read(|tables| read::range(tables, &range));
            }
            let shared = self.shared.clone();
            blocking(move || shared.engine.read(|tables| read::range(tables, &range))).await
        })
    }

    fn txn(&self, txn: Txn) -> BoxFuture<'_, Result<TxnResult, StorageError>> {
        Box::pin(async move {
            let value_bytes = match &txn.op {
                Op::Put { value, .. } => value.len(),
                Op::Delete => 0,
            };
            if value_bytes > self.max_value_bytes {
                return Err(StorageError::TooLarge);
            }
            let room = self.shared.queue.room(txn.key.len() + value_bytes).await?;
            let (reply, answer) = oneshot::channel();
            self.shared.queue.push_txn(PendingTxn { txn, reply, _room: room });
            answer.await.unwrap_or_else(|_| Err(closed()))
        })
    }

    fn watch(
        &self,
        prefix: String,
        from: Revision,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Result<WatchItem, StorageError>>, StorageError>> {
        let watch = watch::Watch::new(&self.shared, prefix, from);
        Box::pin(async move {
            let items =
                stream::unfold(
                    watch,
                    |mut watch| async move { watch.next().await.map(|item| (item, watch)) },
                );
            Ok(items.boxed())
        })
    }

    fn request_progress(&self) {
        self.shared.queue.push_progress();
    }

    fn compact(&self, before: Revision) -> BoxFuture<'_, Result<(), StorageError>> {
        Box::pin(async move {
            let current = self.shared.hub.published();
            if before > current {
                return Err(StorageError::Future { current });
            }
            let (reply, answer) = oneshot::channel();
            self.shared.queue.push_compaction(PendingCompaction { before, reply });
            answer.await.unwrap_or_else(|_| Err(closed()))
        })
    }

    fn revision(&self) -> BoxFuture<'_, Result<Revision, StorageError>> {
        Box::pin(async move { Ok(self.shared.hub.published()) })
    }

    fn size(&self) -> BoxFuture<'_, Result<u64, StorageError>> {
        Box::pin(async move {
            self.shared.engine.size().map_err(|error| StorageError::Unavailable(error.to_string()))
        })
    }
}

/// Runs a read that may take long outside the tasks of the runtime.
async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    let done = tokio::task::spawn_blocking(job).await;
    done.unwrap_or_else(|error| Err(StorageError::Unavailable(error.to_string())))
}
