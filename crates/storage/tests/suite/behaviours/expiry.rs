//! Keys with a time to live.

use crate::steps::*;
use skiff_storage::{Expect, Storage};
use std::time::Duration;

pub async fn a_key_with_a_time_to_live_goes_away(store: &dyn Storage) {
    let start = store.revision().await.unwrap();
    let mut watcher = Watcher::start(store, "/k/", start + 1).await;
    let op = value_for("short", Duration::from_secs(1));
    let made = committed(write(store, "/k/event", Expect::Absent, op).await);
    assert_eq!(watcher.event().await.revision, made);
    let gone = watcher.event().await;
    assert!(gone.current.is_none() && gone.revision > made);
    assert_eq!(gone.previous.map(|state| state.mod_revision), Some(made));
    assert_eq!(read(store, one("/k/event")).await.count, 0);
}

pub async fn an_update_without_a_time_to_live_keeps_the_key(store: &dyn Storage) {
    let op = value_for("short", Duration::from_secs(1));
    let made = committed(write(store, "/k/event", Expect::Absent, op).await);
    update(store, "/k/event", made, "kept").await;
    // Written after, with as short a life: when it is gone, the other one's time is over as well.
    let op = value_for("witness", Duration::from_secs(1));
    let made = committed(write(store, "/k/witness", Expect::Absent, op).await);
    let mut watcher = Watcher::start(store, "/k/witness", made + 1).await;
    assert!(watcher.event().await.current.is_none());
    assert_eq!(texts(&read(store, one("/k/event")).await), pairs([("/k/event", "kept")]));
}
