//! Numbered channels over WebSocket messages: the first byte (or character) of each message is the channel's number.
//!
//! Since v5 a client ends a channel by a message on channel 255 whose payload is the channel's number.

use crate::pipe::{Framing, Inbox, Outbox, QUEUE};
use crate::streams::Connection;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{BufMut, Bytes, BytesMut};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// The channel on which a client ends another.
const CLOSE_CHANNEL: u8 = 255;

/// How bytes are written in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Binary messages; the channel is a byte.
    Binary,
    /// Text messages; the channel is a digit, the rest is base64.
    Base64,
}

/// A running connection of channels.
pub(crate) struct WebSocketChannels {
    encoding: Encoding,
    queue: mpsc::Sender<Message>,
    closed: CancellationToken,
    reader: AbortOnDropHandle<()>,
    writer: AbortOnDropHandle<()>,
}

/// Makes messages of a channel's bytes.
pub(crate) struct ChannelFraming {
    channel: u8,
    encoding: Encoding,
}

impl Framing for ChannelFraming {
    type Message = Message;

    fn data(&self, piece: Bytes) -> Message {
        match self.encoding {
            Encoding::Binary => {
                let mut message = BytesMut::with_capacity(1 + piece.len());
                message.put_u8(self.channel);
                message.put_slice(&piece);
                Message::Binary(message.freeze())
            }
            Encoding::Base64 => {
                let mut message = String::from(char::from(b'0' + self.channel));
                BASE64.encode_string(&piece, &mut message);
                Message::text(message)
            }
        }
    }

    fn end(&self) -> Option<Message> {
        None
    }
}

impl WebSocketChannels {
    /// Serves a connection; gives a reader for each channel that the client may write.
    pub(crate) async fn serve<const N: usize>(
        io: impl Connection,
        encoding: Encoding,
        readable: [u8; N],
    ) -> (Self, [Inbox; N]) {
        let (sink, stream) = super::server(io).await.split();
        let (queue, outgoing) = mpsc::channel(QUEUE);
        let closed = CancellationToken::new();
        let mut feeds = Vec::with_capacity(N);
        let inboxes = readable.map(|channel| {
            let (feed, inbox) = Inbox::new();
            feeds.push((channel, Some(feed)));
            inbox
        });
        let reader = tokio::spawn(read_messages(stream, encoding, feeds, closed.clone()));
        let writer = tokio::spawn(write_messages(sink, outgoing, closed.clone()));
        let channels = Self {
            encoding,
            queue,
            closed,
            reader: AbortOnDropHandle::new(reader),
            writer: AbortOnDropHandle::new(writer),
        };
        (channels, inboxes)
    }

    /// A writer to the client on a channel.
    pub(crate) fn writer(&self, channel: u8) -> Outbox<ChannelFraming> {
        let framing = ChannelFraming { channel, encoding: self.encoding };
        Outbox::new(framing, self.queue.clone(), self.closed.clone())
    }

    /// Tells the client with an empty message that a channel is open.
    pub(crate) async fn announce(&self, channel: u8) {
        let framing = ChannelFraming { channel, encoding: self.encoding };
        // A client that is gone shows everywhere else.
        let _ = self.queue.send(framing.data(Bytes::new())).await;
    }

    /// Is cancelled when the connection is gone.
    pub(crate) fn closed(&self) -> CancellationToken {
        self.closed.clone()
    }

    /// Sends what is queued and a close message, then waits for the client to close, at most for `patience`.
    pub(crate) async fn finish(self, patience: Duration) {
        let close = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        // A client that closed first is no failure here.
        let _ = self.queue.send(Message::Close(Some(close))).await;
        let _ = tokio::time::timeout(patience, self.reader).await;
        drop(self.writer);
    }
}

async fn write_messages<IO: Connection>(
    mut sink: SplitSink<WebSocketStream<IO>, Message>,
    mut outgoing: mpsc::Receiver<Message>,
    closed: CancellationToken,
) {
    while let Some(message) = outgoing.recv().await {
        let last_word = matches!(message, Message::Close(_));
        if sink.feed(message).await.is_err() {
            break;
        }
        if (last_word || outgoing.is_empty()) && sink.flush().await.is_err() {
            break;
        }
        if last_word {
            break;
        }
    }
    closed.cancel();
}

/// The queues of the readable channels; `None` once the client ended one.
type Feeds = Vec<(u8, Option<mpsc::Sender<Bytes>>)>;

async fn read_messages<IO: Connection>(
    mut stream: SplitStream<WebSocketStream<IO>>,
    encoding: Encoding,
    mut feeds: Feeds,
    closed: CancellationToken,
) {
    while let Some(Ok(message)) = stream.next().await {
        let Some((channel, payload)) = parse(message, encoding) else { continue };
        if channel == CLOSE_CHANNEL {
            for (known, feed) in &mut feeds {
                if payload.contains(known) {
                    *feed = None;
                }
            }
            continue;
        }
        let feed = feeds.iter().find(|(known, _)| *known == channel).and_then(|(_, feed)| feed.as_ref());
        if let Some(feed) = feed.filter(|_| !payload.is_empty()) {
            // Fails when nobody reads the channel any more; then its data is dropped.
            let _ = feed.send(payload).await;
        }
    }
    closed.cancel();
}

/// The channel and bytes of a message; `None` for messages that carry none.
fn parse(message: Message, encoding: Encoding) -> Option<(u8, Bytes)> {
    let bytes = match message {
        Message::Binary(bytes) => bytes,
        Message::Text(text) => text.into(),
        _ => return None,
    };
    let channel = *bytes.first()?;
    match encoding {
        Encoding::Binary => Some((channel, bytes.slice(1..))),
        Encoding::Base64 => Some((channel.checked_sub(b'0')?, BASE64.decode(&bytes[1..]).ok()?.into())),
    }
}
