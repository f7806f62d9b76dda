//! A watch whose next event is waited for.

use crate::harness::{Api, SOON};
use futures::StreamExt;
use skiff_apimachinery::Document;
use skiff_client::{Object, WatchEvent, WatchStream};
use std::time::Duration;

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Added,
    Modified,
    Deleted,
}

/// A watch; bookmarks are passed over.
pub struct Watch<'a> {
    api: &'a Api,
    stream: WatchStream,
}

impl<'a> Watch<'a> {
    pub fn new(api: &'a Api, stream: WatchStream) -> Self {
        Self { api, stream }
    }

    /// The next event.
    pub fn next(&mut self) -> (Change, Object) {
        self.next_within(SOON).unwrap_or_else(|| panic!("no event within {SOON:?}"))
    }

    /// The next event; `None` when the deadline passes first.
    fn next_within(&mut self, deadline: Duration) -> Option<(Change, Object)> {
        let stream = &mut self.stream;
        self.api.run(async {
            let next = async {
                loop {
                    match stream.next().await.expect("the watch ended") {
                        Ok(WatchEvent::Added(object)) => break (Change::Added, object),
                        Ok(WatchEvent::Modified(object)) => break (Change::Modified, object),
                        Ok(WatchEvent::Deleted(object)) => break (Change::Deleted, object),
                        Ok(WatchEvent::Bookmark(_)) => {}
                        Err(status) => panic!("the watch failed: {status}"),
                    }
                }
            };
            tokio::time::timeout(deadline, next).await.ok()
        })
    }

    /// The next event must be this one.
    #[track_caller]
    pub fn expect(&mut self, change: Change, name: &str) -> Object {
        let (seen, object) = self.next();
        assert_eq!((seen, object.name()), (change, name), "{object}");
        object
    }

    /// Passes over events until one is as wanted.
    pub fn until(&mut self, change: Change, holds: impl Fn(&Document) -> bool) -> Object {
        loop {
            let (seen, object) = self.next();
            if seen == change && holds(&object) {
                return object;
            }
        }
    }

    /// Passes over events until this happened to the object of this name.
    pub fn sees(&mut self, change: Change, name: &str) -> Object {
        self.until(change, |object| object.name() == name)
    }
}
