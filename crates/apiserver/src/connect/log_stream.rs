//! `pods/log`: the node's answer as the body, or as WebSocket frames for clients that ask for those.

use super::log_options::LogOptions;
use super::relay::{held, parse_uri};
use super::{ConnectRequest, Found, Kubelets, headers, pod_location};
use crate::serve::body::ResponseBody;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_TYPE, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use skiff_apimachinery::{Reason, Status};
use tokio::io::AsyncWriteExt;

/// Longest error text taken from a node.
const MAX_ERROR: usize = 50_000;
/// What RFC 6455 adds to a client's key before hashing it.
const WEBSOCKET_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// How frames may carry a log.
const PROTOCOLS: [(&str, Frames); 2] =
    [("binary.k8s.io", Frames::Binary), ("base64.binary.k8s.io", Frames::Base64)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frames {
    Binary,
    Base64,
}

impl Kubelets {
    pub(super) async fn log(
        &self,
        found: Found<'_>,
        call: ConnectRequest,
    ) -> Result<Response<ResponseBody>, Status> {
        let pod = found.object("pods", &call.namespace, &call.name)?;
        let options = LogOptions::parse(&call.query, &call.name)?;
        let Some(location) = pod_location::log(&pod, &options)? else {
            let mut nothing = Response::new(ResponseBody::empty());
            *nothing.status_mut() = StatusCode::NO_CONTENT;
            return Ok(nothing);
        };
        let destination = found.kubelet(&location.node)?;
        let mut onward = Request::new(Empty::<Bytes>::new());
        *onward.uri_mut() = parse_uri(&location.path_and_query)?;
        if let Ok(host) = HeaderValue::from_str(&destination.authority()) {
            onward.headers_mut().insert(HOST, host);
        }
        let path = location.path_and_query.split('?').next().unwrap_or_default();
        let context = format!("Get \"https://{}{path}\": ", destination.authority());
        let answer = self.relay.send(&destination, onward, &context).await?;
        if !(200..=206).contains(&answer.response.status().as_u16()) {
            return Err(refusal(answer.response, &call.name).await);
        }
        let log = held(answer.response.into_body(), answer.place, call.stop);
        if headers::is_websocket(call.request.headers()) {
            return websocket(call.request, log);
        }
        let mut response = Response::new(log);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        Ok(response)
    }
}

/// A node's refusal in upstream's words.
async fn refusal(response: Response<Incoming>, pod: &str) -> Status {
    let code = response.status().as_u16();
    let text = match Limited::new(response.into_body(), MAX_ERROR).collect().await {
        Ok(collected) => String::from_utf8_lossy(&collected.to_bytes()).into_owned(),
        Err(error) => return Status::internal(error),
    };
    explain(code, text, pod)
}

fn explain(code: u16, text: String, pod: &str) -> Status {
    let about = format!("( pods/log {pod})");
    let generic = |reason, message: &str| {
        let mut status = Status::new(code, reason, format!("{message} {about}"));
        let details = status.details_mut();
        (details.name, details.kind) = (pod.to_owned(), "pods/log".to_owned());
        status
    };
    match code {
        500 => Status::internal(text),
        400 => Status::bad_request(text),
        401 => generic(Reason::Unauthorized, "the server has asked for the client to provide credentials"),
        // The node's word is about who tries to do what: it is passed on.
        403 => generic(Reason::Forbidden, &text),
        404 => generic(Reason::NotFound, "the server could not find the requested resource"),
        429 => generic(
            Reason::TooManyRequests,
            "the server has received too many requests and has asked us to try again later",
        ),
        503 => generic(Reason::ServiceUnavailable, "the server is currently unable to handle the request"),
        504 => generic(
            Reason::Timeout,
            "the server was unable to return a response in the time allotted, but may still be processing the request",
        ),
        _ => {
            let message =
                format!("an error on the server ({text:?}) has prevented the request from succeeding");
            generic(if code > 500 { Reason::InternalError } else { Reason::Unknown }, &message)
        }
    }
}

/// Answers 101 and writes the log as frames, then closes.
fn websocket(mut request: Request<Incoming>, log: ResponseBody) -> Result<Response<ResponseBody>, Status> {
    let asked = request.headers();
    let key = asked.get(SEC_WEBSOCKET_KEY).ok_or_else(|| Status::bad_request("missing Sec-WebSocket-Key"))?;
    let accept = accept_key(key.as_bytes());
    let (protocol, frames) = choose(asked);
    let mut response = Response::new(ResponseBody::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let to = response.headers_mut();
    to.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    to.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        to.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(protocol) = protocol {
        to.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    }
    let client = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Ok(client) = client.await {
            // Who hung up does not want the rest.
            let _ = write_frames(TokioIo::new(client), log, frames).await;
        }
    });
    Ok(response)
}

fn choose(asked: &HeaderMap) -> (Option<&'static str>, Frames) {
    let offered = asked.get(SEC_WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let known = |name: &str| PROTOCOLS.iter().find(|(known, _)| *known == name.trim());
    offered.split(',').find_map(known).map_or((None, Frames::Binary), |(name, frames)| (Some(name), *frames))
}

/// The answer to a client's WebSocket key.
pub(crate) fn accept_key(key: &[u8]) -> String {
    let mut digest = ring::digest::Context::new(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY);
    digest.update(key);
    digest.update(WEBSOCKET_GUID.as_bytes());
    STANDARD.encode(digest.finish())
}

async fn write_frames(
    mut client: impl tokio::io::AsyncWrite + Unpin,
    mut log: ResponseBody,
    frames: Frames,
) -> std::io::Result<()> {
    while let Some(Ok(frame)) = log.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        match frames {
            Frames::Binary => write_frame(&mut client, 2, &data).await?,
            Frames::Base64 => write_frame(&mut client, 1, STANDARD.encode(&data).as_bytes()).await?,
        }
        client.flush().await?;
    }
    // Normal closure.
    write_frame(&mut client, 8, &1_000_u16.to_be_bytes()).await?;
    client.shutdown().await
}

/// Writes one unmasked, final frame.
pub(crate) async fn write_frame(
    client: &mut (impl tokio::io::AsyncWrite + Unpin),
    opcode: u8,
    payload: &[u8],
) -> std::io::Result<()> {
    let mut head = vec![0x80 | opcode];
    match payload.len() {
        len @ 0..=125 => head.push(len as u8),
        len @ 126..=0xffff => {
            head.push(126);
            head.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            head.push(127);
            head.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    client.write_all(&head).await?;
    client.write_all(payload).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_key_is_that_of_the_standard() {
        assert_eq!(accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn refusals_of_nodes_read_as_upstream_words_them() {
        assert_eq!(
            explain(404, "gone".into(), "x").message,
            "the server could not find the requested resource ( pods/log x)"
        );
        assert_eq!(explain(400, "container \"c\" in pod \"x\" is waiting".into(), "x").code, 400);
        assert_eq!(explain(500, "boom".into(), "x").message, "Internal error occurred: boom");
    }

    #[tokio::test]
    async fn frames_carry_the_log() {
        let mut out = Vec::new();
        write_frames(&mut out, ResponseBody::full("hello"), Frames::Binary).await.unwrap();
        assert_eq!(out, b"\x82\x05hello\x88\x02\x03\xe8");
        let mut out = Vec::new();
        write_frames(&mut out, ResponseBody::full("hello"), Frames::Base64).await.unwrap();
        assert_eq!(&out[..10], b"\x81\x08aGVsbG8=");
    }
}
