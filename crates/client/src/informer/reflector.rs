//! Keeps a store current: list, watch from there, resume after a break, list again when the server forgot (410).
//!
//! A repeated list is compared with the store, so that it yields exactly the changes that were missed, deletions
//! included. Failures are retried with growing, jittered pauses; nothing is listed periodically.

use super::Cached;
use super::store::Store;
use crate::{Call, Client, List, Object, Resource, Selection, Shape, Verb, WatchEvent};
use futures::StreamExt;
use serde::de::DeserializeOwned;
use skiff_apimachinery::Status;
use skiff_apimachinery::meta::ObjectKey;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{debug, warn};

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A watch that lived this long shows that the server is well: the next failure starts with a short pause again.
const HEALTHY_AFTER: Duration = Duration::from_secs(10);

/// What to follow.
pub(super) struct Source {
    pub(super) client: Client,
    pub(super) resource: Resource,
    pub(super) namespace: String,
    pub(super) selection: Selection,
    pub(super) shape: Shape,
}

/// Growing pauses between attempts.
struct Pause(Duration);

/// Why a watch ended.
enum End {
    /// The server closed it; resume.
    Closed,
    /// It failed; pause and resume.
    Failed(Status),
    /// The server no longer knows the resourceVersion; list.
    Forgotten,
}

pub(super) async fn run<T: DeserializeOwned + Send + Sync>(source: Source, store: Arc<Store<T>>) {
    let mut pause = Pause(FIRST_PAUSE);
    // As upstream: the first list may come from the server's cache, one after a 410 must be current.
    let mut at_least = "0";
    loop {
        let mut version = match source.list(at_least).await {
            Ok(list) => replace(&source, &store, list),
            Err(status) => {
                if status.is_gone() {
                    at_least = "";
                }
                warn!(resource = %source.resource.gvr(), %status, "cannot list");
                pause.wait().await;
                continue;
            }
        };
        loop {
            let begun = Instant::now();
            let before = version.clone();
            let end = follow(&source, &store, &mut version).await;
            if begun.elapsed() > HEALTHY_AFTER || version != before {
                pause = Pause(FIRST_PAUSE);
            }
            match end {
                End::Forgotten => {
                    debug!(resource = %source.resource.gvr(), "watch is too old, listing again");
                    at_least = "";
                    pause.wait().await;
                    break;
                }
                End::Failed(status) => {
                    warn!(resource = %source.resource.gvr(), %status, "watch failed");
                    pause.wait().await;
                }
                End::Closed if begun.elapsed() < Duration::from_secs(1) => pause.wait().await,
                End::Closed => {}
            }
        }
    }
}

impl Source {
    async fn list(&self, at_least: &str) -> Result<List, Status> {
        let call = Call::new(Verb::List, &self.resource, &self.namespace, "")
            .select(&self.selection)
            .query("resourceVersion", at_least)
            .shape(self.shape);
        self.client.transport().list(call).await
    }

    async fn watch(&self, version: &str) -> Result<crate::WatchStream, Status> {
        let call = Call::new(Verb::Watch, &self.resource, &self.namespace, "")
            .select(&self.selection)
            .query("resourceVersion", version)
            .query("allowWatchBookmarks", "true")
            .shape(self.shape);
        self.client.transport().watch(call).await
    }

    fn decode<T: DeserializeOwned>(&self, object: Object) -> Option<Arc<Cached<T>>> {
        let key = object.key();
        match Cached::decode(object) {
            Ok(cached) => Some(Arc::new(cached)),
            Err(error) => {
                warn!(resource = %self.resource.gvr(), object = %key, %error, "cannot decode, skipped");
                None
            }
        }
    }
}

impl Pause {
    async fn wait(&mut self) {
        let jitter = rand::random_range(0.5..1.5);
        tokio::time::sleep(self.0.mul_f64(jitter)).await;
        self.0 = (self.0 * 2).min(LONGEST_PAUSE);
    }
}

/// Makes the store equal to a list; returns where to watch from.
fn replace<T: DeserializeOwned>(source: &Source, store: &Store<T>, list: List) -> String {
    let listed: HashSet<ObjectKey> = list.items.iter().map(|object| object.key()).collect();
    for key in store.keys() {
        if !listed.contains(&key) {
            store.remove(&key, None);
        }
    }
    list.items.into_iter().filter_map(|object| source.decode(object)).for_each(|object| store.set(object));
    store.advance(&list.resource_version);
    store.mark_synced();
    list.resource_version
}

async fn follow<T: DeserializeOwned>(source: &Source, store: &Store<T>, version: &mut String) -> End {
    let mut events = match source.watch(version).await {
        Ok(events) => events,
        Err(status) if status.is_gone() => return End::Forgotten,
        Err(status) => return End::Failed(status),
    };
    while let Some(event) = events.next().await {
        match event {
            Ok(WatchEvent::Added(object) | WatchEvent::Modified(object)) => {
                *version = object.resource_version().to_owned();
                if let Some(object) = source.decode(object) {
                    store.set(object);
                }
            }
            Ok(WatchEvent::Deleted(object)) => {
                *version = object.resource_version().to_owned();
                store.remove(&object.key(), source.decode(object));
            }
            Ok(WatchEvent::Bookmark(at)) => *version = at,
            Err(status) if status.is_gone() => return End::Forgotten,
            Err(status) => return End::Failed(status),
        }
        store.advance(version);
    }
    End::Closed
}
