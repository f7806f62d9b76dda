//! The watch caches: every object of a resource in served form, and the recent changes.
//!
//! Input: one storage watch for each resource, opened when the resource is first read. Output: lists, watches and
//! [`Objects`](crate::objects::Objects) for the process itself. An object is held once, as the bytes that clients get;
//! documents are decoded when someone asks and shared while anyone holds them.

mod all;
mod continue_token;
mod entry;
mod feed;
mod filter;
mod list;
mod state;
mod watch;

pub use all::Caches;
pub use continue_token::ContinueToken;
pub use entry::{Encoded, Entry, Metadata};
pub use filter::Filter;
pub use list::{CONTINUE_CAUSE, Page};
pub use state::{Change, EventKind};
pub use watch::{Delivery, Opened, Subscription};

use crate::stored::StoredForm;
use skiff_api::Resource;
use skiff_apimachinery::Status;
use skiff_storage::{Revision, Storage};
use state::State;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;
use tokio::sync::watch as signal;

/// How long a read waits for the cache to become as fresh as it wants.
const FRESHNESS_PATIENCE: Duration = Duration::from_secs(3);

/// The cache of one stored resource.
pub struct Cache {
    row: Arc<Resource>,
    prefix: String,
    storage: Arc<dyn Storage>,
    form: Arc<StoredForm>,
    state: RwLock<State>,
    /// The revision up to which the state is complete; 0 until the first list is in.
    reached: signal::Sender<Revision>,
    /// Writes of this process that the feed will see.
    pending: feed::Pending,
}

impl Cache {
    /// The row of the stored version.
    pub fn row(&self) -> &Arc<Resource> {
        &self.row
    }

    /// The revision up to which the cache is complete.
    pub fn revision(&self) -> Revision {
        *self.reached.borrow()
    }

    /// Waits until the first list is in.
    pub async fn ready(&self) -> Revision {
        let mut reached = self.reached.subscribe();
        // The sender lives as long as self.
        reached.wait_for(|revision| *revision > 0).await.map_or(0, |revision| *revision)
    }

    /// Waits until every write that was acknowledged before this call is in.
    ///
    /// # Errors
    /// If the store does not answer or the cache lags too far behind.
    pub async fn caught_up(&self) -> Result<Revision, Status> {
        let current = self.storage.revision().await.map_err(crate::stored::storage_failure)?;
        self.at_least(current).await
    }

    /// Waits until the cache is at least as fresh as a revision.
    ///
    /// # Errors
    /// 504 `Too large resource version` if that takes too long.
    pub async fn at_least(&self, revision: Revision) -> Result<Revision, Status> {
        let mut reached = self.reached.subscribe();
        if *reached.borrow() < revision {
            self.storage.request_progress();
        }
        let waiting = reached.wait_for(|now| *now > 0 && *now >= revision);
        match tokio::time::timeout(FRESHNESS_PATIENCE, waiting).await {
            Ok(Ok(now)) => Ok(*now),
            Ok(Err(_)) => Err(Status::internal("the watch cache is gone")),
            Err(_) => Err(too_large_revision(revision, self.revision())),
        }
    }

    /// One object as it is in the cache.
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<Entry>> {
        self.read().object(&self.key(namespace, name))
    }

    /// One object by its storage key.
    pub fn by_key(&self, key: &str) -> Option<Arc<Entry>> {
        self.read().object(key)
    }

    /// All objects, or those of one namespace, in the order of their keys.
    pub fn all(&self, namespace: &str) -> Vec<Arc<Entry>> {
        let prefix = self.list_prefix(namespace);
        self.read().under(&prefix, "").cloned().collect()
    }

    /// Counts the changes.
    pub fn change_count(&self) -> u64 {
        self.read().change_count()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.read().len()
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The storage key of an object.
    pub fn key(&self, namespace: &str, name: &str) -> String {
        crate::stored::key(&self.row, namespace, name)
    }

    pub(crate) fn pending(&self) -> &feed::Pending {
        &self.pending
    }

    /// Ends all watches; nobody is told of changes any more.
    fn retire(&self) {
        self.state.write().unwrap_or_else(PoisonError::into_inner).cut_watchers();
    }

    fn list_prefix(&self, namespace: &str) -> String {
        if namespace.is_empty() { self.prefix.clone() } else { format!("{}{namespace}/", self.prefix) }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 504 as upstream tells that a revision is ahead of the server.
fn too_large_revision(wanted: Revision, current: Revision) -> Status {
    let mut status = Status::timeout(format!("Too large resource version: {wanted}, current: {current}"), 1);
    status.details_mut().causes.push(skiff_apimachinery::status::Cause {
        reason: "ResourceVersionTooLarge".into(),
        message: "Too large resource version".into(),
        ..Default::default()
    });
    status
}
