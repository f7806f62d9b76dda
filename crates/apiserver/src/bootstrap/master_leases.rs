//! Which API servers use the store: each keeps a key with a short life there, `/registry/masterleases/ADDRESS`, as
//! upstream's servers do.

use crate::stored::ROOT;
use skiff_apimachinery::{doc, json};
use skiff_storage::{Expect, Op, Range, Storage, StorageError, Txn, TxnResult};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// How long a server is believed to be there without a renewal.
const TIME_TO_LIVE: Duration = Duration::from_secs(15);
/// Most servers that are listed.
const MAX_SERVERS: usize = 1_000;

/// The keys of API servers in a store.
pub(super) struct MasterLeases(Arc<dyn Storage>);

impl MasterLeases {
    pub(super) fn new(storage: Arc<dyn Storage>) -> Self {
        Self(storage)
    }

    fn prefix() -> String {
        format!("{ROOT}masterleases/")
    }

    fn key(address: IpAddr) -> String {
        format!("{}{address}", Self::prefix())
    }

    /// Keeps a server among those that are there.
    pub(super) async fn renew(&self, address: IpAddr) -> Result<(), StorageError> {
        let object = doc!({
            "kind": "Endpoints", "apiVersion": "v1", "metadata": {},
            "subsets": [{"addresses": [{"ip": address.to_string()}]}]
        });
        let value: skiff_storage::Value = json::encode(&object).into();
        self.write(address, &Op::Put { value, ttl: Some(TIME_TO_LIVE) }).await
    }

    /// Takes a server from those that are there.
    pub(super) async fn remove(&self, address: IpAddr) -> Result<(), StorageError> {
        self.write(address, &Op::Delete).await
    }

    /// The servers that are there.
    pub(super) async fn list(&self) -> Result<Vec<IpAddr>, StorageError> {
        let prefix = Self::prefix();
        let range = Range { prefix: prefix.clone(), limit: MAX_SERVERS, ..Range::default() };
        let found = self.0.range(range).await?;
        let addresses = found.items.iter().filter_map(|item| item.key.strip_prefix(&*prefix)?.parse().ok());
        Ok(addresses.collect())
    }

    /// Writes the key whatever it holds.
    async fn write(&self, address: IpAddr, op: &Op) -> Result<(), StorageError> {
        let key = Self::key(address);
        let range = Range { prefix: key.clone(), single: true, ..Range::default() };
        let mut revision = self.0.range(range).await?.items.first().map_or(0, |item| item.mod_revision);
        loop {
            if revision == 0 && matches!(op, Op::Delete) {
                return Ok(());
            }
            let txn = Txn { key: key.clone(), expect: Expect::ModRevision(revision), op: op.clone() };
            match self.0.txn(txn).await? {
                TxnResult::Committed { .. } => return Ok(()),
                TxnResult::Failed { current, .. } => {
                    revision = current.map_or(0, |current| current.mod_revision);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_storage::embedded::{EmbeddedOptions, EmbeddedStorage};

    #[tokio::test]
    async fn servers_come_and_go() {
        let dir = tempfile::tempdir().unwrap();
        let storage = EmbeddedStorage::open(&dir.path().join("db"), EmbeddedOptions::default()).unwrap();
        let leases = MasterLeases::new(Arc::new(storage));
        let [one, two]: [IpAddr; 2] = ["10.0.0.1", "fd00::2"].map(|text| text.parse().unwrap());
        assert_eq!(leases.list().await.unwrap(), Vec::<IpAddr>::new());
        for address in [one, two, one] {
            leases.renew(address).await.unwrap();
        }
        assert_eq!(leases.list().await.unwrap(), [one, two]);
        for address in [one, one] {
            leases.remove(address).await.unwrap();
        }
        assert_eq!(leases.list().await.unwrap(), [two]);
    }
}
