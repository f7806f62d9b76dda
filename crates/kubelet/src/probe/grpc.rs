//! gRPC's health protocol, `grpc.health.v1.Health/Check`: SERVING is success.
//!
//! The two messages are a string and an enum, so they are read and written here by hand.

use super::{go_error, host_port};
use crate::worker::probes::ProbeOutcome;
use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::time::Duration;
use tokio::net::TcpStream;

const SERVING: u8 = 1;
const MAX_BODY: usize = 4 << 10;

/// Asks for the health of a service.
pub async fn probe(host: &str, port: u16, service: &str, timeout: Duration) -> ProbeOutcome {
    let address = host_port(host, port);
    match tokio::time::timeout(timeout, check(&address, service)).await {
        Ok(Ok(SERVING)) => ProbeOutcome::Success,
        Ok(Ok(status)) => {
            let name = match status {
                0 => "UNKNOWN",
                2 => "NOT_SERVING",
                _ => "SERVICE_UNKNOWN",
            };
            ProbeOutcome::Failure(format!("service unhealthy (responded with {name:?})"))
        }
        Ok(Err(text)) => ProbeOutcome::Failure(text),
        Err(_) => {
            let seconds = timeout.as_secs();
            ProbeOutcome::Failure(format!(
                "timeout: failed to connect service {address:?} within {seconds}s: context deadline exceeded"
            ))
        }
    }
}

async fn check(address: &str, service: &str) -> Result<u8, String> {
    let stream = TcpStream::connect(address).await.map_err(|error| {
        format!("error: failed to connect service at {address:?}: dial tcp {address}: {}", go_error(&error))
    })?;
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    let request = hyper::Request::post(format!("http://{address}/grpc.health.v1.Health/Check"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("user-agent", "kube-probe/1.35")
        .body(Full::new(encode(service)))
        .map_err(|error| error.to_string())?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let code = |headers: &hyper::HeaderMap| {
            headers.get("grpc-status").and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let early = code(response.headers());
        let body = Limited::new(response.into_body(), MAX_BODY)
            .collect()
            .await
            .map_err(|error| error.to_string())?;
        let status = early.or_else(|| body.trailers().and_then(code)).unwrap_or_else(|| "0".into());
        match status.as_str() {
            "0" => decode(&body.to_bytes()).ok_or_else(|| "malformed health response".to_owned()),
            "12" => {
                Err("error: this server does not implement the grpc health protocol (grpc.health.v1.Health)"
                    .into())
            }
            status => Err(format!("error: health rpc probe failed with status {status}")),
        }
    };
    tokio::pin!(exchange);
    tokio::select! {
        answer = &mut exchange => answer,
        _ = connection => exchange.await,
    }
}

/// A length-prefixed `HealthCheckRequest`.
fn encode(service: &str) -> Bytes {
    let name = &service.as_bytes()[..service.len().min(127)];
    let mut message = BytesMut::new();
    if !name.is_empty() {
        message.put_u8(0x0a);
        message.put_u8(name.len() as u8);
        message.put_slice(name);
    }
    let mut out = BytesMut::with_capacity(5 + message.len());
    out.put_u8(0);
    out.put_u32(message.len() as u32);
    out.put_slice(&message);
    out.freeze()
}

/// The status of a length-prefixed `HealthCheckResponse`.
fn decode(body: &[u8]) -> Option<u8> {
    match body.get(5..)? {
        [] => Some(0),
        [0x08, status, ..] => Some(*status),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_wire_form() {
        assert_eq!(&encode("ab")[..], [0, 0, 0, 0, 4, 0x0a, 2, b'a', b'b']);
        assert_eq!(&encode("")[..], [0, 0, 0, 0, 0]);
        assert_eq!(decode(&[0, 0, 0, 0, 2, 8, 1]), Some(SERVING));
    }
}
