//! Leases for keys with a time to live, shared as in kube-apiserver: thousands of events must not cost a lease each.

use crate::StorageError;
use crate::etcd::convert::refused;
use etcd_client::LeaseClient;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How etcd says that a lease is gone.
pub(super) const NOT_FOUND: &str = "requested lease not found";
/// Keys on a lease.
const MAX_KEYS: usize = 1_000;
/// How long a lease takes new keys: a share of the time to live, and at most a minute.
const SHARE: u32 = 20;
const MAX_SHARED: Duration = Duration::from_secs(60);

/// The lease in use.
pub(super) struct Leases {
    client: LeaseClient,
    current: Mutex<Option<Lease>>,
}

struct Lease {
    id: i64,
    ttl: Duration,
    until: Instant,
    keys: usize,
}

impl Leases {
    pub(super) fn new(client: LeaseClient) -> Self {
        Self { client, current: Mutex::new(None) }
    }

    /// A lease that lives at least so long.
    pub(super) async fn lease(&self, ttl: Duration) -> Result<i64, StorageError> {
        let mut current = self.current.lock().await;
        let now = Instant::now();
        let fits = |lease: &&mut Lease| lease.ttl == ttl && now < lease.until && lease.keys < MAX_KEYS;
        if let Some(lease) = current.as_mut().filter(fits) {
            lease.keys += 1;
            return Ok(lease.id);
        }
        let shared = (ttl / SHARE).min(MAX_SHARED);
        let seconds = i64::try_from((ttl + shared).as_secs_f64().ceil() as u64).unwrap_or(i64::MAX).max(1);
        let granted = self.client.clone().grant(seconds, None).await.map_err(refused)?;
        let lease = Lease { id: granted.id(), ttl, until: now + shared, keys: 1 };
        Ok(current.insert(lease).id)
    }

    /// Drops the lease in use; the next key gets a new one.
    pub(super) async fn forget(&self) {
        *self.current.lock().await = None;
    }
}
