//! Forgetting old revisions: at each turn what was there at the last one, as upstream's compactor does.

use skiff_storage::{Revision, Storage, StorageError};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// Compacts until the token is cancelled.
pub(super) async fn run(storage: Arc<dyn Storage>, interval: Duration, shutdown: CancellationToken) {
    let mut previous: Option<Revision> = None;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(interval) => {}
        }
        match turn(&*storage, previous).await {
            Ok(now) => previous = Some(now),
            Err(error) => warn!(%error, "cannot compact the store"),
        }
    }
}

async fn turn(storage: &dyn Storage, previous: Option<Revision>) -> Result<Revision, StorageError> {
    let now = storage.revision().await?;
    if let Some(before) = previous.filter(|before| *before < now) {
        debug!(before, "compacting the store");
        storage.compact(before).await?;
    }
    Ok(now)
}
