//! Watches: one JSON document per line, decoded as they come.

use crate::transport::{Call, WatchEvent, WatchStream};
use bytes::BytesMut;
use futures::stream;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use skiff_apimachinery::{Document, Status, json};
use std::sync::Arc;

/// Largest event that is read.
const MAX_EVENT: usize = 32 << 20;

/// A watch that the server ends after some minutes, each at another time: so a watch that hangs does not hang for good.
pub(super) fn bounded(call: Call) -> Call {
    if call.query.iter().any(|(key, _)| *key == "timeoutSeconds") {
        return call;
    }
    call.query("timeoutSeconds", rand::random_range(300..600).to_string())
}

struct Lines {
    body: Incoming,
    buffer: BytesMut,
    /// Up to where the buffer holds no line end.
    searched: usize,
    call: Call,
    ended: bool,
}

/// The events of a watch's body.
pub(super) fn events(body: Incoming, call: Call) -> WatchStream {
    let lines = Lines { body, buffer: BytesMut::new(), searched: 0, call, ended: false };
    Box::pin(stream::unfold(lines, |mut lines| async move {
        let event = lines.next().await?;
        lines.ended = event.is_err();
        Some((event, lines))
    }))
}

impl Lines {
    async fn next(&mut self) -> Option<Result<WatchEvent, Status>> {
        while !self.ended {
            if let Some(line) = self.line() {
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return Some(self.event(&line));
            }
            if self.buffer.len() > MAX_EVENT {
                return Some(Err(Status::too_large(MAX_EVENT)));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => {
                    return Some(Err(Status::service_unavailable(format!("the watch broke off: {error}"))));
                }
                None => self.ended = true,
            }
        }
        None
    }

    fn line(&mut self) -> Option<BytesMut> {
        let fresh = &self.buffer[self.searched..];
        match fresh.iter().position(|byte| *byte == b'\n') {
            Some(position) => {
                let line = self.buffer.split_to(self.searched + position + 1);
                self.searched = 0;
                Some(line)
            }
            None => {
                self.searched = self.buffer.len();
                None
            }
        }
    }

    fn event(&self, line: &[u8]) -> Result<WatchEvent, Status> {
        let mut event = json::decode(line)
            .map_err(|error| Status::internal(format!("the watch event is no JSON: {error}")))?;
        let mut object = event.get_mut("object").map(Document::take).unwrap_or_default();
        let kind = event.str_at(&["type"]);
        match kind {
            "BOOKMARK" => return Ok(WatchEvent::Bookmark(object.resource_version().to_owned())),
            "ERROR" => {
                let status = Status::from_document(&object);
                return Err(status.unwrap_or_else(|| Status::internal(format!("watch failed: {object}"))));
            }
            _ => object.set_gvk(&self.call.resource.gvk()),
        }
        match kind {
            "ADDED" => Ok(WatchEvent::Added(Arc::new(object))),
            "MODIFIED" => Ok(WatchEvent::Modified(Arc::new(object))),
            "DELETED" => Ok(WatchEvent::Deleted(Arc::new(object))),
            other => Err(Status::internal(format!("unknown watch event {other:?}"))),
        }
    }
}
