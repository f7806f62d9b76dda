//! Response bodies: one piece, a list written item by item, or a stream.

use super::gzip::GzipBody;
use crate::cache::Entry;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Lists are handed to the socket in pieces of about this size.
const PIECE: usize = 64 << 10;

/// Why a body broke off.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// What is sent.
pub enum ResponseBody {
    /// Everything at once; `None` when it was sent.
    Full(Option<Bytes>),
    /// A list.
    List(ListBody),
    /// Pieces as they come.
    Stream(BoxStream<'static, Bytes>),
    /// Another server's answer, passed through.
    Passed(UnsyncBoxBody<Bytes, BodyError>),
    /// Compressed.
    Gzip(Box<GzipBody>),
}

impl ResponseBody {
    /// Nothing.
    pub fn empty() -> Self {
        Self::Full(None)
    }

    /// Everything at once.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self::Full(Some(bytes.into()))
    }

    /// Pieces as they come.
    pub fn stream(stream: BoxStream<'static, Bytes>) -> Self {
        Self::Stream(stream)
    }

    /// The same body, with something that lives as long as it streams.
    pub fn holding<G: Send + 'static>(self, held: G) -> Self {
        match self {
            Self::Stream(stream) => Self::Stream(
                stream
                    .map(move |bytes| {
                        let _held = &held;
                        bytes
                    })
                    .boxed(),
            ),
            other => other,
        }
    }

    /// Another server's answer.
    pub fn passed(body: Incoming) -> Self {
        Self::Passed(body.map_err(Into::into).boxed_unsync())
    }

    /// Its size, if it is known.
    pub fn size(&self) -> Option<u64> {
        self.size_hint().exact()
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Full(bytes) => {
                Poll::Ready(bytes.take().filter(|b| !b.is_empty()).map(|b| Ok(Frame::data(b))))
            }
            Self::List(list) => Poll::Ready(list.next_piece().map(|piece| Ok(Frame::data(piece)))),
            Self::Stream(stream) => {
                stream.poll_next_unpin(context).map(|next| next.map(|b| Ok(Frame::data(b))))
            }
            Self::Passed(body) => Pin::new(body).poll_frame(context),
            Self::Gzip(body) => Pin::new(body.as_mut()).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::List(list) => list.is_done(),
            Self::Passed(body) => body.is_end_stream(),
            Self::Stream(_) | Self::Gzip(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Self::List(list) => list.total.map(SizeHint::with_exact).unwrap_or_default(),
            Self::Passed(body) => body.size_hint(),
            Self::Stream(_) | Self::Gzip(_) => SizeHint::default(),
        }
    }
}

type WriteItem = Box<dyn Fn(&Entry, &mut Vec<u8>) + Send>;

/// A list: head, items, tail. Holds references to the entries, never their text twice.
pub struct ListBody {
    head: Vec<u8>,
    items: std::vec::IntoIter<Arc<Entry>>,
    write: WriteItem,
    tail: &'static [u8],
    first: bool,
    total: Option<u64>,
}

impl ListBody {
    /// A list whose items are written by the function, with commas between them.
    pub fn new(head: Vec<u8>, items: Vec<Arc<Entry>>, write: WriteItem, tail: &'static [u8]) -> Self {
        Self { head, items: items.into_iter(), write, tail, first: true, total: None }
    }

    /// The same with a known size.
    #[must_use]
    pub fn sized(mut self, total: usize) -> Self {
        self.total = Some(total as u64);
        self
    }

    fn is_done(&self) -> bool {
        self.tail.is_empty()
    }

    fn next_piece(&mut self) -> Option<Bytes> {
        if self.is_done() {
            return None;
        }
        let mut piece = std::mem::take(&mut self.head);
        piece.reserve(PIECE);
        while piece.len() < PIECE {
            let Some(entry) = self.items.next() else {
                piece.extend_from_slice(std::mem::take(&mut self.tail));
                break;
            };
            if !std::mem::replace(&mut self.first, false) {
                piece.push(b',');
            }
            (self.write)(&entry, &mut piece);
        }
        Some(piece.into())
    }
}
