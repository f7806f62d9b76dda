//! Watches over WebSockets, as browsers ask for them: each event is a message of its own.

use super::body::ResponseBody;
use crate::authentication::TOKEN_PROTOCOL;
use crate::connect::{accept_key, write_frame};
use crate::request::Media;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
/// Normal closure.
const NORMAL: u16 = 1_000;

/// A client that wants a watch as messages.
pub(super) struct WatchSocket {
    client: OnUpgrade,
    accept: HeaderValue,
    protocol: Option<HeaderValue>,
}

impl WatchSocket {
    /// Whether the request is for one.
    pub(super) fn asked(request: &mut Request<Incoming>) -> Option<Self> {
        let headers = request.headers();
        let upgrade = headers.get(header::UPGRADE)?;
        if !upgrade.as_bytes().eq_ignore_ascii_case(b"websocket") {
            return None;
        }
        let accept = accept_key(headers.get(header::SEC_WEBSOCKET_KEY)?.as_bytes());
        let accept = HeaderValue::from_str(&accept).ok()?;
        let protocol = protocol(headers);
        Some(Self { client: hyper::upgrade::on(request), accept, protocol })
    }

    /// Answers 101 and sends the events in the background, until they end or the client is gone.
    pub(super) fn serve(self, media: Media, events: ResponseBody) -> Response<ResponseBody> {
        let mut response = Response::new(ResponseBody::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept);
        if let Some(protocol) = self.protocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        let client = self.client;
        tokio::spawn(async move {
            let Ok(client) = client.await else { return };
            let (from, to) = tokio::io::split(TokioIo::new(client));
            tokio::select! {
                // Who hung up does not want the rest.
                _ = send(to, media, events) => {}
                () = gone(from) => {}
            }
        });
        response
    }
}

/// The protocol to answer with: the first that is offered and no token.
fn protocol(headers: &HeaderMap) -> Option<HeaderValue> {
    let offered = headers.get(header::SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?;
    let mut protocols = offered.split(',').map(str::trim);
    let chosen = protocols.find(|protocol| !protocol.starts_with(TOKEN_PROTOCOL))?;
    HeaderValue::from_str(chosen).ok()
}

async fn send(mut to: impl AsyncWrite + Unpin, media: Media, mut events: ResponseBody) -> io::Result<()> {
    while let Some(Ok(frame)) = events.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        for (opcode, message) in messages(media, &data) {
            write_frame(&mut to, opcode, message).await?;
        }
        to.flush().await?;
    }
    write_frame(&mut to, CLOSE, &NORMAL.to_be_bytes()).await?;
    to.shutdown().await
}

/// The events of a piece of a stream, which may hold several.
fn messages(media: Media, piece: &Bytes) -> Vec<(u8, &[u8])> {
    match media {
        Media::Json | Media::PrettyJson => {
            piece.split_inclusive(|byte| *byte == b'\n').map(|line| (TEXT, line)).collect()
        }
        Media::Yaml => vec![(TEXT, &piece[..])],
        Media::Protobuf => {
            let mut messages = Vec::new();
            let mut rest = &piece[..];
            // Each behind its length in four bytes.
            while let Some((length, behind)) = rest.split_first_chunk::<4>() {
                let length = u32::from_be_bytes(*length) as usize;
                let Some((message, more)) = behind.split_at_checked(length) else { break };
                messages.push((BINARY, message));
                rest = more;
            }
            messages
        }
    }
}

/// Waits until the client closes its side; whatever else it says is not listened to.
async fn gone(mut from: impl AsyncRead + Unpin) {
    let mut heard = [0; 1_024];
    loop {
        match from.read(&mut heard).await {
            Ok(0) | Err(_) => return,
            Ok(_) if heard[0] & 0x0f == CLOSE => return,
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_event_is_a_message() {
        let mut out = Vec::new();
        send(&mut out, Media::Json, ResponseBody::full("{}\n[]\n")).await.unwrap();
        assert_eq!(out, b"\x81\x03{}\n\x81\x03[]\n\x88\x02\x03\xe8");
        let mut out = Vec::new();
        let piece = b"\0\0\0\x02ab\0\0\0\x01c";
        send(&mut out, Media::Protobuf, ResponseBody::full(&piece[..])).await.unwrap();
        assert_eq!(out, b"\x82\x02ab\x82\x01c\x88\x02\x03\xe8");
    }

    #[tokio::test]
    async fn a_client_is_gone_when_it_says_so_or_hangs_up() {
        gone(&b"\x81\x80mask\x81"[..]).await;
        gone(&b"\x88\x80mask"[..]).await;
    }
}
