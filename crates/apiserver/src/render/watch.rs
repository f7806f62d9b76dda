//! Watches: one frame for each event, encoded once for all watchers that want the same form.

use super::{Form, encode, shape};
use crate::cache::{Change, Delivery, Entry, EventKind, Opened, Subscription};
use crate::chain::EventTally;
use crate::request::{Media, Shape};
use crate::serve::body::ResponseBody;
use bytes::{Bytes, BytesMut};
use futures::stream::{self, StreamExt};
use skiff_apimachinery::{Document, doc, json};
use skiff_storage::Revision;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Events at hand are sent together up to about so many bytes.
const GATHER: usize = 64 << 10;
/// Shortest time between two writes of a watch that has nothing more at hand. Well below what a person or a controller
/// notices, and several changes long where changes are many.
const PAUSE: Duration = Duration::from_millis(6);

/// The body of a watch.
pub fn watch(form: Form, opened: Opened, tally: EventTally) -> ResponseBody {
    match opened {
        Opened::Failed(status) => {
            let event = frame(&form, "ERROR", &status.to_document());
            ResponseBody::stream(stream::once(async move { event }).boxed())
        }
        Opened::Running(subscription) => {
            let state = (Frames { id: form.id(), form, tally }, Pace::default(), subscription);
            let frames = stream::unfold(state, |(frames, mut pace, mut subscription)| async move {
                let first = subscription.next().await?;
                pace.wait().await;
                let bytes = frames.gather(first, &mut subscription);
                pace.sent(bytes.len(), Instant::now());
                Some((bytes, (frames, pace, subscription)))
            });
            ResponseBody::stream(frames.boxed())
        }
    }
}

/// Keeps a busy watch from paying for a write, and its client for a read, with each change: after a write the next one
/// waits a moment, and takes along what happened meanwhile. A change after a quiet time is sent at once.
#[derive(Default)]
struct Pace {
    sent: Option<Instant>,
}

impl Pace {
    async fn wait(&self) {
        if let Some(at) = self.next_at(Instant::now()) {
            tokio::time::sleep_until(at).await;
        }
    }

    /// When the next write may be, unless it may be now.
    fn next_at(&self, now: Instant) -> Option<Instant> {
        Some(self.sent? + PAUSE).filter(|at| *at > now)
    }

    /// What filled a write has more behind it, which waits for nothing.
    fn sent(&mut self, bytes: usize, now: Instant) {
        self.sent = (bytes < GATHER).then_some(now);
    }
}

struct Frames {
    form: Form,
    id: u64,
    tally: EventTally,
}

impl Frames {
    /// The frame of a delivery, with those that are at hand behind it.
    fn gather(&self, first: Delivery, subscription: &mut Subscription) -> Bytes {
        let frame = self.frame(first);
        let Some(second) = subscription.next_now() else { return frame };
        let mut gathered = BytesMut::with_capacity(GATHER);
        gathered.extend_from_slice(&frame);
        gathered.extend_from_slice(&self.frame(second));
        while gathered.len() < GATHER {
            let Some(delivery) = subscription.next_now() else { break };
            gathered.extend_from_slice(&self.frame(delivery));
        }
        gathered.freeze()
    }

    fn frame(&self, delivery: Delivery) -> Bytes {
        let frame = self.encoded(delivery);
        self.tally.sent(frame.len());
        frame
    }

    fn encoded(&self, delivery: Delivery) -> Bytes {
        match delivery {
            Delivery::Change(kind, change) => self.change(kind, &change),
            Delivery::Initial(entry) => self.entry(EventKind::Added, &entry),
            Delivery::Bookmark { revision, initial_end } => {
                frame(&self.form, "BOOKMARK", &bookmark(&self.form, revision, initial_end))
            }
        }
    }

    fn change(&self, kind: EventKind, change: &Arc<Change>) -> Bytes {
        change.frame(kind, self.id, |entry| self.entry(kind, entry))
    }

    fn entry(&self, kind: EventKind, entry: &Arc<Entry>) -> Bytes {
        if self.form.is_cached() {
            return json_frame(kind.as_str(), entry.json());
        }
        frame(&self.form, kind.as_str(), &self.form.shaped(&entry.document()))
    }
}

fn frame(form: &Form, kind: &str, object: &Document) -> Bytes {
    match form.accepted.media {
        Media::Json | Media::PrettyJson => json_frame(kind, &json::encode(object)),
        Media::Yaml => {
            let event = doc!({"type": kind, "object": object});
            let mut bytes = b"---\n".to_vec();
            bytes.extend_from_slice(&encode(&event, Media::Yaml));
            bytes.into()
        }
        Media::Protobuf => crate::protobuf::watch_frame(kind, object).into(),
    }
}

fn json_frame(kind: &str, object: &[u8]) -> Bytes {
    let mut bytes = Vec::with_capacity(object.len() + kind.len() + 24);
    bytes.extend_from_slice(b"{\"type\":\"");
    bytes.extend_from_slice(kind.as_bytes());
    bytes.extend_from_slice(b"\",\"object\":");
    bytes.extend_from_slice(object);
    bytes.extend_from_slice(b"}\n");
    bytes.into()
}

/// An object that carries nothing but the revision up to which everything was told.
fn bookmark(form: &Form, revision: Revision, initial_end: bool) -> Document {
    let mut metadata = doc!({"resourceVersion": revision.to_string(), "creationTimestamp": null});
    if initial_end {
        metadata.set(&["annotations", "k8s.io/initial-events-end"], "true");
    }
    match form.accepted.shape {
        Shape::Table => {
            let mut table = shape::head(form, doc!({"resourceVersion": revision.to_string()}));
            let row = doc!({"cells": [], "object": {
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata
            }});
            table.insert("rows", vec![row]);
            table
        }
        Shape::Metadata | Shape::MetadataList => doc!({
            "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata
        }),
        Shape::Object => doc!({
            "kind": &*form.row.gvk.kind, "apiVersion": form.row.gvk.api_version(), "metadata": metadata
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_busy_watch_waits() {
        let now = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.next_at(now), None, "the first change");
        pace.sent(1_000, now);
        assert_eq!(pace.next_at(now), Some(now + PAUSE), "a change right behind it");
        assert_eq!(pace.next_at(now + PAUSE), None, "a change after a quiet time");
        pace.sent(GATHER, now);
        assert_eq!(pace.next_at(now), None, "the rest of many");
    }
}
