//! An etcd v3 cluster as the store, used exactly as kube-apiserver uses it.
//!
//! Writes are transactions that compare the key's mod revision; reads are ranges; watches ask for previous values; keys with
//! a time to live hang on [`lease`]s that many keys share. Keys and values are passed through, so upstream's tools and a real
//! kube-apiserver can read what is written here.

mod convert;
mod lease;
mod watch;

use crate::{Expect, Op, Range, RangeResult, Revision, Storage, StorageError, Txn, TxnResult, WatchItem};
use convert::{from_revision, key_value, prefix_end, refused, to_revision};
use etcd_client::{
    Certificate, Client, Compare, CompareOp, ConnectOptions, GetOptions, Identity, KvClient,
    MaintenanceClient, PutOptions, TlsOptions, TxnOp, TxnOpResponse, WatchClient,
};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use lease::Leases;
use std::time::Duration;

/// How to reach a cluster.
#[derive(Debug, Clone, Default)]
pub struct EtcdOptions {
    /// Members as `http://HOST:PORT` or `https://HOST:PORT`.
    pub endpoints: Vec<String>,
    /// For `https` members.
    pub tls: Option<EtcdTls>,
}

/// Certificates for a cluster, in PEM.
#[derive(Clone, Default)]
pub struct EtcdTls {
    /// Who may have signed the members' certificates.
    pub ca: Vec<u8>,
    /// Our certificate and key, if members ask for one.
    pub client: Option<EtcdIdentity>,
}

/// A client certificate, in PEM.
#[derive(Clone)]
pub struct EtcdIdentity {
    /// The certificate.
    pub certificate: Vec<u8>,
    /// Its key.
    pub key: Vec<u8>,
}

impl std::fmt::Debug for EtcdTls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("EtcdTls").field("client", &self.client.is_some()).finish_non_exhaustive()
    }
}

/// kube-apiserver's settings.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the first answer may take.
const FIRST_ANSWER: Duration = Duration::from_secs(10);
/// Bytes of a response; upstream's limit is that of the protocol.
const MAX_RESPONSE: usize = i32::MAX as usize;
/// A key that exists in every cluster a kube-apiserver used, and that is cheap to ask for in all others.
const REVISION_KEY: &str = "compact_rev_key";

/// A store in an etcd cluster.
pub struct EtcdStorage {
    kv: KvClient,
    watch: WatchClient,
    maintenance: MaintenanceClient,
    leases: Leases,
    /// Counts requests for progress; every watch follows it.
    progress: tokio::sync::watch::Sender<u64>,
}

impl EtcdStorage {
    /// Connects; fails if no member answers soon.
    pub async fn connect(options: EtcdOptions) -> Result<Self, StorageError> {
        let mut connect = ConnectOptions::new()
            .with_connect_timeout(CONNECT_TIMEOUT)
            .with_keep_alive(KEEPALIVE, KEEPALIVE_TIMEOUT)
            .with_require_leader(true);
        if let Some(tls) = options.tls {
            connect = connect.with_tls(tls_options(tls));
        }
        let client = Client::connect(&options.endpoints, Some(connect)).await.map_err(refused)?;
        let kv = client
            .kv_client()
            .max_decoding_message_size(MAX_RESPONSE)
            .max_encoding_message_size(MAX_RESPONSE);
        let store = Self {
            kv,
            watch: client.watch_client().max_decoding_message_size(MAX_RESPONSE),
            maintenance: client.maintenance_client(),
            leases: Leases::new(client.lease_client()),
            progress: tokio::sync::watch::Sender::new(0),
        };
        match tokio::time::timeout(FIRST_ANSWER, store.revision()).await {
            Ok(answer) => answer.map(|_| store),
            Err(_) => Err(StorageError::Unavailable(format!(
                "no etcd member answers at {}",
                options.endpoints.join(", ")
            ))),
        }
    }

    async fn commit(&self, txn: &Txn) -> Result<TxnResult, StorageError> {
        let expected = match txn.expect {
            Expect::Absent => 0,
            Expect::ModRevision(revision) => from_revision(revision)?,
        };
        let op = match &txn.op {
            Op::Put { value, ttl } => {
                let options = match ttl {
                    Some(ttl) => Some(PutOptions::new().with_lease(self.leases.lease(*ttl).await?)),
                    None => None,
                };
                TxnOp::put(txn.key.as_str(), value.as_ref(), options)
            }
            Op::Delete => TxnOp::delete(txn.key.as_str(), None),
        };
        let request = etcd_client::Txn::new()
            .when([Compare::mod_revision(txn.key.as_str(), CompareOp::Equal, expected)])
            .and_then([op])
            .or_else([TxnOp::get(txn.key.as_str(), None)]);
        let response = self.kv.clone().txn(request).await.map_err(refused)?;
        let revision = to_revision(response.header());
        if response.succeeded() {
            return Ok(TxnResult::Committed { revision });
        }
        let found = response.op_responses().into_iter().find_map(|answer| match answer {
            TxnOpResponse::Get(found) => found.kvs().first().map(key_value),
            _ => None,
        });
        Ok(TxnResult::Failed { current: found.transpose()?, revision })
    }

    async fn read(&self, range: Range) -> Result<RangeResult, StorageError> {
        let mut options = GetOptions::new();
        let mut key = range.prefix.clone();
        if !range.single {
            options = options.with_range(prefix_end(&range.prefix));
            key = key.max(range.start);
            // An empty key cannot be asked for; the zero byte is the first key there is.
            if key.is_empty() {
                key = "\0".to_owned();
            }
        }
        if range.limit > 0 {
            options = options.with_limit(i64::try_from(range.limit).unwrap_or(i64::MAX));
        }
        if let Some(revision) = range.revision {
            options = options.with_revision(from_revision(revision)?);
        }
        let response = self.kv.clone().get(key, Some(options)).await.map_err(refused)?;
        Ok(RangeResult {
            items: response.kvs().iter().map(key_value).collect::<Result<_, _>>()?,
            more: response.more(),
            count: usize::try_from(response.count()).unwrap_or(0),
            revision: to_revision(response.header()),
        })
    }
}

fn tls_options(tls: EtcdTls) -> TlsOptions {
    let options = TlsOptions::new().ca_certificate(Certificate::from_pem(tls.ca));
    match tls.client {
        Some(client) => options.identity(Identity::from_pem(client.certificate, client.key)),
        None => options,
    }
}

impl Storage for EtcdStorage {
    fn range(&self, range: Range) -> BoxFuture<'_, Result<RangeResult, StorageError>> {
        Box::pin(self.read(range))
    }

    fn txn(&self, txn: Txn) -> BoxFuture<'_, Result<TxnResult, StorageError>> {
        Box::pin(async move {
            match self.commit(&txn).await {
                // The shared lease ran out before its time (etcd lost a leader, or a clock jumped): once more with a new one.
                Err(StorageError::Unavailable(text)) if text.contains(lease::NOT_FOUND) => {
                    self.leases.forget().await;
                    self.commit(&txn).await
                }
                result => result,
            }
        })
    }

    fn watch(
        &self,
        prefix: String,
        from: Revision,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Result<WatchItem, StorageError>>, StorageError>> {
        Box::pin(watch::open(self.watch.clone(), prefix, from, self.progress.subscribe()))
    }

    fn request_progress(&self) {
        self.progress.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn compact(&self, before: Revision) -> BoxFuture<'_, Result<(), StorageError>> {
        Box::pin(async move {
            match self.kv.clone().compact(from_revision(before)?, None).await.map_err(refused) {
                Ok(_) | Err(StorageError::Compacted { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        })
    }

    fn revision(&self) -> BoxFuture<'_, Result<Revision, StorageError>> {
        Box::pin(async move {
            let options = GetOptions::new().with_count_only();
            let response = self.kv.clone().get(REVISION_KEY, Some(options)).await.map_err(refused)?;
            Ok(to_revision(response.header()))
        })
    }

    fn size(&self) -> BoxFuture<'_, Result<u64, StorageError>> {
        Box::pin(async move {
            let status = self.maintenance.clone().status().await.map_err(refused)?;
            Ok(u64::try_from(status.db_size()).unwrap_or(0))
        })
    }
}
