//! Read your own writes: remembers per key what was written until the informers show it.
//!
//! Where upstream counts expected creations and deletions, this compares resourceVersions, which holds for every kind
//! of write: an informer that has reached the version of a write shows its effect.

use super::execute::{Effect, Written};
use crate::sources::Followed;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long a worker waits for the informers before it turns to another key.
const PATIENCE: Duration = Duration::from_secs(2);
/// After this a write is taken as seen; upstream's limit for expectations.
const EXPIRY: Duration = Duration::from_secs(300);

pub(super) struct Writes<K> {
    informers: Vec<Arc<dyn Followed>>,
    pending: Mutex<HashMap<K, Pending>>,
}

struct Pending {
    writes: Arc<Vec<Written>>,
    since: Instant,
}

impl<K: Clone + Eq + Hash> Writes<K> {
    pub(super) fn new(informers: Vec<Arc<dyn Followed>>) -> Self {
        Self { informers, pending: Mutex::default() }
    }

    /// Remembers the writes of one sync; those of the sync before it were settled.
    pub(super) fn remember(&self, key: &K, written: impl Iterator<Item = Written>) {
        let writes: Vec<Written> = written.filter(|write| self.informer(write).is_some()).collect();
        if !writes.is_empty() {
            let pending = Pending { writes: Arc::new(writes), since: Instant::now() };
            self.pending.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), pending);
        }
    }

    /// Waits until the informers show what was last written for the key; false if they do not in time.
    pub(super) async fn settled(&self, key: &K) -> bool {
        let (writes, since) = {
            let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            match pending.get(key) {
                Some(pending) => (pending.writes.clone(), pending.since),
                None => return true,
            }
        };
        let seen = async {
            for write in writes.iter() {
                self.seen(write).await;
            }
        };
        let settled = timeout(PATIENCE, seen).await.is_ok() || since.elapsed() > EXPIRY;
        if settled {
            self.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        }
        settled
    }

    async fn seen(&self, write: &Written) {
        if let Some(informer) = self.informer(write) {
            match &write.effect {
                Effect::Changed(version) => informer.caught_up(*version).await,
                Effect::Deleted(object) => informer.deleted(object).await,
            }
        }
    }

    fn informer(&self, write: &Written) -> Option<&Arc<dyn Followed>> {
        self.informers.iter().find(|informer| *informer.resource() == write.resource)
    }
}
