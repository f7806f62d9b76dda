//! One direction of one stream of a multiplexed connection, as a plain reader or writer.
//!
//! Between them and the connection are bounded queues: a full one makes the connection's reader, or the stream's writer,
//! wait.

use bytes::{Buf, Bytes};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, PollSender};

/// Pieces that wait between a connection and one of its streams.
pub const QUEUE: usize = 32;
/// Bytes of a piece.
const PIECE: usize = 16 << 10;

/// What the client sends on a stream; ends when the queue's sender is gone.
#[derive(Debug)]
pub struct Inbox {
    pieces: mpsc::Receiver<Bytes>,
    current: Bytes,
}

impl Inbox {
    /// A reader and the queue that feeds it.
    pub fn new() -> (mpsc::Sender<Bytes>, Self) {
        let (feed, pieces) = mpsc::channel(QUEUE);
        (feed, Self { pieces, current: Bytes::new() })
    }
}

impl AsyncRead for Inbox {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.current.is_empty() {
            match ready!(self.pieces.poll_recv(context)) {
                Some(piece) => self.current = piece,
                None => return Poll::Ready(Ok(())),
            }
        }
        let length = self.current.len().min(into.remaining());
        into.put_slice(&self.current[..length]);
        self.current.advance(length);
        Poll::Ready(Ok(()))
    }
}

/// How a stream's pieces become messages of its connection.
pub trait Framing: Send + 'static {
    /// What the connection sends.
    type Message: Send + 'static;
    /// A piece of data.
    fn data(&self, piece: Bytes) -> Self::Message;
    /// The end of the stream, if the connection can say so.
    fn end(&self) -> Option<Self::Message>;
}

/// What goes to the client on a stream. Bytes count as written once they are queued.
pub struct Outbox<F: Framing> {
    framing: F,
    queue: PollSender<F::Message>,
    reset: CancellationToken,
    ended: bool,
}

impl<F: Framing> Outbox<F> {
    /// A writer into the connection's queue; writing fails once `reset` is cancelled.
    pub fn new(framing: F, queue: mpsc::Sender<F::Message>, reset: CancellationToken) -> Self {
        Self { framing, queue: PollSender::new(queue), reset, ended: false }
    }
}

impl<F: Framing + Unpin> AsyncWrite for Outbox<F> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.ended || self.reset.is_cancelled() {
            return Poll::Ready(Err(broken()));
        }
        ready!(self.queue.poll_reserve(context)).map_err(|_| broken())?;
        let length = bytes.len().min(PIECE);
        let message = self.framing.data(Bytes::copy_from_slice(&bytes[..length]));
        self.queue.send_item(message).map_err(|_| broken())?;
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ended {
            return Poll::Ready(Ok(()));
        }
        if let Some(message) = self.framing.end().filter(|_| !self.reset.is_cancelled()) {
            ready!(self.queue.poll_reserve(context)).map_err(|_| broken())?;
            self.queue.send_item(message).map_err(|_| broken())?;
        }
        self.ended = true;
        Poll::Ready(Ok(()))
    }
}

fn broken() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}
