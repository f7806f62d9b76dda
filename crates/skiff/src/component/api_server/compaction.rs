//! Forgetting old revisions: every five minutes what was older than that at the last turn, as upstream's compactor does.

use skiff_storage::{Revision, Storage, StorageError};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

const INTERVAL: Duration = Duration::from_secs(300);

/// Compacts until the token is cancelled.
pub(super) async fn run(storage: Arc<dyn Storage>, shutdown: CancellationToken) {
    let mut previous: Option<Revision> = None;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
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
