//! Steps that behaviours share: writes that must succeed, reads by name, and watches read up to an event.

use futures::StreamExt;
use futures::stream::BoxStream;
use skiff_storage::{
    Event, Expect, Op, Range, RangeResult, Revision, Storage, StorageError, Txn, TxnResult, WatchItem,
};
use std::time::Duration;

/// Longer than anything here takes on a busy machine; a wait this long is a failure.
const PATIENCE: Duration = Duration::from_secs(30);

pub async fn write(store: &dyn Storage, key: &str, expect: Expect, op: Op) -> TxnResult {
    store.txn(Txn { key: key.to_owned(), expect, op }).await.unwrap()
}

pub fn value(text: &str) -> Op {
    Op::Put { value: text.to_owned().into(), ttl: None }
}

pub fn value_for(text: &str, ttl: Duration) -> Op {
    Op::Put { value: text.to_owned().into(), ttl: Some(ttl) }
}

pub fn committed(result: TxnResult) -> Revision {
    match result {
        TxnResult::Committed { revision } => revision,
        TxnResult::Failed { current, .. } => panic!("refused, the key is {current:?}"),
    }
}

pub async fn create(store: &dyn Storage, key: &str, text: &str) -> Revision {
    committed(write(store, key, Expect::Absent, value(text)).await)
}

pub async fn update(store: &dyn Storage, key: &str, last: Revision, text: &str) -> Revision {
    committed(write(store, key, Expect::ModRevision(last), value(text)).await)
}

pub async fn delete(store: &dyn Storage, key: &str, last: Revision) -> Revision {
    committed(write(store, key, Expect::ModRevision(last), Op::Delete).await)
}

pub fn prefix(prefix: &str) -> Range {
    Range { prefix: prefix.to_owned(), ..Range::default() }
}

pub fn one(key: &str) -> Range {
    Range { prefix: key.to_owned(), single: true, ..Range::default() }
}

pub async fn read(store: &dyn Storage, range: Range) -> RangeResult {
    store.range(range).await.unwrap()
}

/// Keys and values, for comparison.
pub fn texts(found: &RangeResult) -> Vec<(String, String)> {
    found.items.iter().map(|item| (item.key.to_string(), text(&item.value))).collect()
}

pub fn pairs<const N: usize>(wanted: [(&str, &str); N]) -> Vec<(String, String)> {
    wanted.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec()
}

fn text(value: &[u8]) -> String {
    String::from_utf8(value.to_vec()).unwrap()
}

/// An event in short: `key before->after @revision`.
pub fn told(event: &Event) -> String {
    let state = |state: &Option<skiff_storage::KeyValue>| {
        state.as_ref().map_or_else(|| "-".to_owned(), |state| text(&state.value))
    };
    if let Some(current) = &event.current {
        assert_eq!((&current.key, current.mod_revision), (&event.key, event.revision));
    }
    format!("{} {}->{} @{}", event.key, state(&event.previous), state(&event.current), event.revision)
}

/// A watch being read.
pub struct Watcher {
    items: BoxStream<'static, Result<WatchItem, StorageError>>,
    pending: std::collections::VecDeque<Event>,
}

impl Watcher {
    pub async fn start(store: &dyn Storage, prefix: &str, from: Revision) -> Self {
        let items = store.watch(prefix.to_owned(), from).await.unwrap();
        Self { items, pending: Default::default() }
    }

    pub async fn item(&mut self) -> Option<Result<WatchItem, StorageError>> {
        tokio::time::timeout(PATIENCE, self.items.next()).await.expect("the watch yields something")
    }

    pub async fn event(&mut self) -> Event {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return event;
            }
            match self.item().await {
                Some(Ok(WatchItem::Events(events))) => self.pending.extend(events),
                Some(Ok(WatchItem::Progress(_))) => {}
                other => panic!("the watch ended: {other:?}"),
            }
        }
    }

    pub async fn events(&mut self, count: usize) -> Vec<String> {
        let mut seen = Vec::new();
        for _ in 0..count {
            seen.push(told(&self.event().await));
        }
        seen
    }

    pub async fn error(&mut self) -> StorageError {
        loop {
            match self.item().await {
                Some(Err(error)) => return error,
                Some(Ok(_)) => {}
                None => panic!("the watch ended without a word"),
            }
        }
    }
}
