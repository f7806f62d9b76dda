//! A WebSocket client of numbered channels, and one end of a tunnel.

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use std::collections::BTreeMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

pub struct WebSocketClient {
    socket: WebSocketStream<DuplexStream>,
    /// What came on each channel.
    pub received: BTreeMap<u8, Vec<u8>>,
    pub closed: bool,
}

impl WebSocketClient {
    pub async fn new(io: DuplexStream) -> Self {
        let socket = WebSocketStream::from_raw_socket(io, Role::Client, None).await;
        Self { socket, received: BTreeMap::new(), closed: false }
    }

    pub async fn send(&mut self, channel: u8, payload: &[u8]) {
        self.socket.send(Message::Binary([&[channel], payload].concat().into())).await.unwrap();
    }

    pub async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub async fn ping(&mut self) {
        self.socket.send(Message::Ping(Bytes::from_static(b"are you there"))).await.unwrap();
    }

    /// The next message as it is; `None` after the close.
    pub async fn message(&mut self) -> Option<Message> {
        match self.socket.next().await {
            Some(Ok(Message::Close(_))) | None => {
                self.closed = true;
                None
            }
            Some(message) => Some(message.unwrap()),
        }
    }

    /// Reads binary messages until the server closes.
    pub async fn until_closed(&mut self) {
        while let Some(message) = self.message().await {
            if let Message::Binary(bytes) = message {
                self.received.entry(bytes[0]).or_default().extend_from_slice(&bytes[1..]);
            }
        }
        // Lets the answer to the close go out.
        let _ = self.socket.next().await;
    }

    pub fn text(&self, channel: u8) -> String {
        self.received.get(&channel).map(|bytes| String::from_utf8(bytes.clone()).unwrap()).unwrap_or_default()
    }
}

/// Turns a connection into the bytes inside its binary messages, as kubectl's tunnel does.
pub async fn tunnel(io: DuplexStream) -> DuplexStream {
    let (mut sink, mut messages) = WebSocketStream::from_raw_socket(io, Role::Client, None).await.split();
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let (mut from_inner, mut to_inner) = tokio::io::split(theirs);
    tokio::spawn(async move {
        let mut piece = vec![0; 4_096];
        while let Ok(length @ 1..) = from_inner.read(&mut piece).await {
            if sink.send(Message::Binary(Bytes::copy_from_slice(&piece[..length]))).await.is_err() {
                return;
            }
        }
        let _ = sink.close().await;
    });
    tokio::spawn(async move {
        while let Some(Ok(message)) = messages.next().await {
            if let Message::Binary(bytes) = message {
                to_inner.write_all(&bytes).await.unwrap();
            }
        }
        let _ = to_inner.shutdown().await;
    });
    ours
}
