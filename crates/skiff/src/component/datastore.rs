//! Where the objects are: the embedded store, or an etcd cluster.

use anyhow::{Context, Result};
use skiff_storage::Storage;
use skiff_storage::embedded::{EmbeddedOptions, EmbeddedStorage};
use skiff_storage::etcd::{EtcdIdentity, EtcdOptions, EtcdStorage, EtcdTls};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long an etcd cluster that starts at the same time as we may take.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(250);

/// An etcd cluster as flags name it.
#[derive(Debug, Clone)]
pub(crate) struct Etcd {
    pub(crate) endpoints: Vec<String>,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
}

/// Opens the store in a file, making it if it is not there.
pub(crate) fn embedded(path: &Path) -> Result<Arc<dyn Storage>> {
    Ok(Arc::new(EmbeddedStorage::open(path, EmbeddedOptions::default())?))
}

impl Etcd {
    /// Connects.
    pub(crate) async fn connect(&self) -> Result<Arc<dyn Storage>> {
        let read =
            |path: &Path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        let client = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                Some(EtcdIdentity { certificate: read(certificate)?, key: read(key)? })
            }
            _ => None,
        };
        let tls = match &self.ca {
            Some(ca) => Some(EtcdTls { ca: read(ca)?, client }),
            None => None,
        };
        let options = EtcdOptions { endpoints: self.endpoints.clone(), tls };
        let begun = Instant::now();
        loop {
            match EtcdStorage::connect(options.clone()).await {
                Ok(storage) => return Ok(Arc::new(storage)),
                Err(error) if begun.elapsed() < PATIENCE => {
                    tracing::warn!(%error, "cannot reach the datastore yet");
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error).context("cannot reach the datastore"),
            }
        }
    }
}
