//! A server's SPDY connection: two tasks, one that reads frames and feeds the streams, one that writes what they queue.
//!
//! Both tasks end with the connection or when [`SpdyConnection`] is dropped. A stream is known until both sides are done
//! with it or the client resets it.

use crate::pipe::{Framing, Inbox, Outbox, QUEUE};
use crate::spdy::frame::{Frame, FrameCodec, StreamId};
use crate::spdy::{Headers, SpdyError};
use crate::streams::Connection;
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::io::{ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio_util::codec::{FramedRead, FramedWrite};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

const RESET_PROTOCOL_ERROR: u32 = 1;
const RESET_INVALID_STREAM: u32 = 2;
const RESET_REFUSED_STREAM: u32 = 3;

/// A stream that the client opened.
pub struct SpdyStream {
    /// What the client said it is for.
    pub headers: Headers,
    /// What the client sends.
    pub reader: Inbox,
    /// What it is sent.
    pub writer: Outbox<StreamFraming>,
}

/// Where a connection's new streams arrive.
pub type Acceptor = mpsc::Receiver<SpdyStream>;

/// A running connection.
pub struct SpdyConnection {
    queue: mpsc::Sender<Frame>,
    last: Arc<AtomicU32>,
    closed: CancellationToken,
    reader: AbortOnDropHandle<()>,
    writer: AbortOnDropHandle<()>,
}

/// Makes frames of a stream's bytes.
pub struct StreamFraming {
    stream: StreamId,
    // Tells the reading task whether the stream may still be written.
    _alive: Arc<()>,
}

impl Framing for StreamFraming {
    type Message = Frame;

    fn data(&self, payload: Bytes) -> Frame {
        Frame::Data { stream: self.stream, fin: false, payload }
    }

    fn end(&self) -> Option<Frame> {
        Some(Frame::Data { stream: self.stream, fin: true, payload: Bytes::new() })
    }
}

impl SpdyConnection {
    /// Serves a connection on which at most `max_streams` may be open at once.
    pub fn serve(io: impl Connection, max_streams: usize) -> Result<(Self, Acceptor), SpdyError> {
        let (read, write) = tokio::io::split(io);
        let (queue, outgoing) = mpsc::channel(QUEUE);
        let (accepted, acceptor) = mpsc::channel(max_streams.max(1));
        let (last, closed) = (Arc::new(AtomicU32::new(0)), CancellationToken::new());
        let reader = StreamsReader {
            max_streams,
            queue: queue.clone(),
            accepted,
            open: HashMap::new(),
            last: last.clone(),
            going_away: false,
        };
        let reader = tokio::spawn(reader.run(FramedRead::new(read, FrameCodec::new()?), closed.clone()));
        let writer =
            tokio::spawn(write_frames(FramedWrite::new(write, FrameCodec::new()?), outgoing, closed.clone()));
        let connection = Self {
            queue,
            last,
            closed,
            reader: AbortOnDropHandle::new(reader),
            writer: AbortOnDropHandle::new(writer),
        };
        Ok((connection, acceptor))
    }

    /// Is cancelled when the connection is gone.
    pub fn closed(&self) -> CancellationToken {
        self.closed.clone()
    }

    /// Sends what is queued and a last word, then waits for the client to close, at most for `patience`.
    pub async fn finish(self, patience: Duration) {
        let Self { queue, last, closed: _, reader, writer } = self;
        // A client that closed first is no failure here.
        let _ = queue.send(Frame::GoAway { last: last.load(Ordering::Relaxed), status: 0 }).await;
        drop(queue);
        let _ = tokio::time::timeout(patience, reader).await;
        drop(writer);
    }
}

async fn write_frames<W: Connection>(
    mut frames: FramedWrite<WriteHalf<W>, FrameCodec>,
    mut outgoing: mpsc::Receiver<Frame>,
    closed: CancellationToken,
) {
    while let Some(frame) = outgoing.recv().await {
        let last_word = matches!(frame, Frame::GoAway { .. });
        let sent = frames.feed(frame).await;
        if last_word {
            // A broken connection cannot be closed any better.
            let _ = frames.close().await;
            break;
        }
        if sent.is_err() || (outgoing.is_empty() && frames.flush().await.is_err()) {
            break;
        }
    }
    closed.cancel();
}

/// An open stream as the reading task knows it.
struct Open {
    /// `None` once the client has sent all.
    feed: Option<mpsc::Sender<Bytes>>,
    reset: CancellationToken,
    writer: Weak<()>,
}

impl Open {
    fn in_use(&self) -> bool {
        self.feed.as_ref().is_some_and(|feed| !feed.is_closed()) || self.writer.strong_count() > 0
    }
}

struct StreamsReader {
    max_streams: usize,
    queue: mpsc::Sender<Frame>,
    accepted: mpsc::Sender<SpdyStream>,
    open: HashMap<StreamId, Open>,
    last: Arc<AtomicU32>,
    going_away: bool,
}

impl StreamsReader {
    async fn run<R: Connection>(
        mut self,
        mut frames: FramedRead<ReadHalf<R>, FrameCodec>,
        closed: CancellationToken,
    ) {
        loop {
            match frames.next().await {
                Some(Ok(frame)) => {
                    if self.take(frame).await.is_err() {
                        break;
                    }
                }
                Some(Err(error)) => {
                    tracing::debug!(%error, "a SPDY connection broke");
                    break;
                }
                None => break,
            }
        }
        closed.cancel();
        for stream in self.open.values() {
            stream.reset.cancel();
        }
    }

    /// Fails when the writing task is gone.
    async fn take(&mut self, frame: Frame) -> Result<(), mpsc::error::SendError<Frame>> {
        match frame {
            Frame::SynStream { stream, fin, headers, .. } => self.open_stream(stream, fin, headers).await,
            Frame::Data { stream, fin, payload } => self.data(stream, fin, payload).await,
            Frame::Headers { stream, fin: true, .. } => {
                self.end(stream);
                Ok(())
            }
            Frame::Reset { stream, .. } => {
                if let Some(open) = self.open.remove(&stream) {
                    open.reset.cancel();
                }
                Ok(())
            }
            // Odd numbers are the client's questions; even ones would be answers to ours, and we ask none.
            Frame::Ping(id) if id % 2 == 1 => self.queue.send(Frame::Ping(id)).await,
            Frame::GoAway { .. } => {
                self.going_away = true;
                Ok(())
            }
            Frame::Headers { .. }
            | Frame::Ping(_)
            | Frame::SynReply { .. }
            | Frame::Settings(_)
            | Frame::WindowUpdate { .. } => Ok(()),
        }
    }

    async fn open_stream(
        &mut self,
        stream: StreamId,
        fin: bool,
        headers: Headers,
    ) -> Result<(), mpsc::error::SendError<Frame>> {
        self.open.retain(|_, known| known.in_use());
        let refused = if stream.is_multiple_of(2) || stream <= self.last.load(Ordering::Relaxed) {
            Some(RESET_PROTOCOL_ERROR)
        } else if self.going_away || self.open.len() >= self.max_streams {
            Some(RESET_REFUSED_STREAM)
        } else {
            None
        };
        if let Some(status) = refused {
            return self.queue.send(Frame::Reset { stream, status }).await;
        }
        self.last.store(stream, Ordering::Relaxed);
        let (feed, reader) = Inbox::new();
        let (reset, alive) = (CancellationToken::new(), Arc::new(()));
        let open =
            Open { feed: (!fin).then_some(feed), reset: reset.clone(), writer: Arc::downgrade(&alive) };
        self.open.insert(stream, open);
        let writer = Outbox::new(StreamFraming { stream, _alive: alive }, self.queue.clone(), reset);
        self.queue.send(Frame::SynReply { stream, fin: false, headers: Headers::default() }).await?;
        if self.accepted.send(SpdyStream { headers, reader, writer }).await.is_err() {
            // Nobody takes streams any more.
            self.open.remove(&stream);
            return self.queue.send(Frame::Reset { stream, status: RESET_REFUSED_STREAM }).await;
        }
        Ok(())
    }

    async fn data(
        &mut self,
        stream: StreamId,
        fin: bool,
        payload: Bytes,
    ) -> Result<(), mpsc::error::SendError<Frame>> {
        let Some(open) = self.open.get(&stream) else {
            if stream > self.last.load(Ordering::Relaxed) {
                return self.queue.send(Frame::Reset { stream, status: RESET_INVALID_STREAM }).await;
            }
            return Ok(());
        };
        if let Some(feed) = open.feed.as_ref().filter(|_| !payload.is_empty()) {
            // Fails when nobody reads the stream any more; then its data is dropped.
            let _ = feed.send(payload).await;
        }
        if fin {
            self.end(stream);
        }
        Ok(())
    }

    fn end(&mut self, stream: StreamId) {
        if let Some(open) = self.open.get_mut(&stream) {
            open.feed = None;
        }
    }
}
