//! A watch as a stream of its own on the shared connection, with previous values.

use crate::etcd::convert::{from_revision, key, key_value, prefix_end, refused, revision, to_revision};
use crate::{Event, Revision, StorageError, WatchItem};
use etcd_client::{
    EventType, WatchClient, WatchOptions, WatchRequestSender, WatchResponse, WatchResponseStream,
};
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::watch::Receiver;

struct Watch {
    requests: WatchRequestSender,
    responses: WatchResponseStream,
    progress: Receiver<u64>,
}

/// Opens a watch; when this returns, etcd has registered it.
pub(super) async fn open(
    mut client: WatchClient,
    prefix: String,
    from: Revision,
    progress: Receiver<u64>,
) -> Result<BoxStream<'static, Result<WatchItem, StorageError>>, StorageError> {
    let options = WatchOptions::new()
        .with_range(prefix_end(&prefix))
        .with_start_revision(from_revision(from)?)
        .with_progress_notify()
        .with_prev_key();
    // An empty key cannot be asked for; the zero byte is the first key there is.
    let first = if prefix.is_empty() { "\0".to_owned() } else { prefix };
    let (requests, responses) = client.watch(first, Some(options)).await.map_err(refused)?.split();
    let mut watch = Watch { requests, responses, progress };
    watch.created().await?;
    let items = stream::unfold(Some(watch), |watch| async move {
        let mut watch = watch?;
        match watch.next().await {
            Ok(item) => Some((Ok(item), Some(watch))),
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok(items.boxed())
}

impl Watch {
    async fn created(&mut self) -> Result<(), StorageError> {
        let response = self.responses.message().await.map_err(refused)?.ok_or_else(ended)?;
        if response.canceled() {
            return Err(canceled(&response));
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<WatchItem, StorageError> {
        loop {
            tokio::select! {
                response = self.responses.message() => {
                    if let Some(item) = item(response.map_err(refused)?.ok_or_else(ended)?)? {
                        return Ok(item);
                    }
                }
                asked = self.progress.changed() => {
                    asked.map_err(|_| ended())?;
                    self.requests.request_progress().await.map_err(refused)?;
                }
            }
        }
    }
}

fn item(response: WatchResponse) -> Result<Option<WatchItem>, StorageError> {
    if response.canceled() {
        return Err(canceled(&response));
    }
    if response.created() {
        return Ok(None);
    }
    if response.events().is_empty() {
        return Ok(Some(WatchItem::Progress(to_revision(response.header()))));
    }
    let events = response.events().iter().map(event).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(WatchItem::Events(events)))
}

fn event(event: &etcd_client::Event) -> Result<Event, StorageError> {
    let state =
        event.kv().ok_or_else(|| StorageError::Corrupt("etcd sent an event without a key".to_owned()))?;
    Ok(Event {
        key: key(state)?.into(),
        current: match event.event_type() {
            EventType::Put => Some(key_value(state)?),
            EventType::Delete => None,
        },
        previous: event.prev_kv().map(key_value).transpose()?,
        revision: revision(state.mod_revision()),
    })
}

fn canceled(response: &WatchResponse) -> StorageError {
    match revision(response.compact_revision()) {
        0 => StorageError::Unavailable(format!("etcd ended the watch: {}", response.cancel_reason())),
        oldest => StorageError::Compacted { oldest },
    }
}

fn ended() -> StorageError {
    StorageError::Unavailable("the watch ended".to_owned())
}
