//! Port-forward in its three forms, to an echo server behind the dial function.

use crate::request;
use crate::spdy_client::SpdyClient;
use crate::websocket_client::{WebSocketClient, tunnel};
use futures::FutureExt;
use skiff_streaming::SessionError;
use skiff_streaming::port_forward::{Dial, negotiate};
use skiff_streaming::streams::Duplex;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;

/// Port 80 answers with what it was sent, once the input has ended; others refuse.
fn pod() -> Dial {
    Arc::new(|port| {
        async move {
            if port != 80 {
                return Err(format!("error forwarding port {port} to pod p_ns, uid u: connection refused"));
            }
            let (ours, pod) = tokio::io::duplex(1 << 10);
            tokio::spawn(async move {
                let (mut reader, mut writer) = tokio::io::split(pod);
                let mut input = Vec::new();
                reader.read_to_end(&mut input).await.unwrap();
                writer.write_all(&input).await.unwrap();
                writer.shutdown().await.unwrap();
            });
            let (reader, writer) = tokio::io::split(ours);
            Ok(Duplex { reader: Box::new(reader), writer: Box::new(writer) })
        }
        .boxed()
    })
}

/// Port 80 sends back at once what it is sent.
fn echo() -> Dial {
    Arc::new(|_| {
        async move {
            let (ours, pod) = tokio::io::duplex(1 << 10);
            tokio::spawn(async move {
                let (mut reader, mut writer) = tokio::io::split(pod);
                let _ = tokio::io::copy(&mut reader, &mut writer).await;
            });
            let (reader, writer) = tokio::io::split(ours);
            Ok(Duplex { reader: Box::new(reader), writer: Box::new(writer) })
        }
        .boxed()
    })
}

type Session = JoinHandle<Result<(), SessionError>>;

fn serve<const N: usize>(uri: &str, headers: [(&str, &str); N], dial: Dial) -> (DuplexStream, Session) {
    let upgrade = negotiate(&request(uri, headers)).unwrap();
    assert_eq!(upgrade.response().status(), 101);
    let (client, server) = tokio::io::duplex(1 << 12);
    (client, tokio::spawn(upgrade.serve(server, dial)))
}

const SPDY: [(&str, &str); 2] =
    [("upgrade", "SPDY/3.1"), ("x-stream-protocol-version", "portforward.k8s.io")];

fn websocket(protocol: &'static str) -> [(&'static str, &'static str); 3] {
    [
        ("upgrade", "websocket"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-protocol", protocol),
    ]
}

async fn connect<IO>(client: &mut SpdyClient<IO>, port: &str, request: &str) -> (u32, u32)
where
    IO: tokio::io::AsyncRead + tokio::io::AsyncWrite,
{
    let error = client.open([("streamType", "error"), ("port", port), ("requestID", request)]).await;
    client.end(error).await;
    let data = client.open([("streamType", "data"), ("port", port), ("requestID", request)]).await;
    (error, data)
}

#[tokio::test]
async fn connections_over_spdy_are_independent() {
    let (io, session) = serve("/portForward/ns/p", SPDY, pod());
    let mut client = SpdyClient::new(io);
    let (first_error, first) = connect(&mut client, "80", "0").await;
    let (_, second) = connect(&mut client, "80", "1").await;
    client.data(first, b"one").await;
    client.data(second, b"two").await;
    client.end(second).await;
    assert_eq!(client.until_ended(second).await, "two");
    client.end(first).await;
    assert_eq!(client.until_ended(first).await, "one");
    assert_eq!(client.until_ended(first_error).await, "");
    drop(client);
    session.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_refused_connection_says_why() {
    let (io, _session) = serve("/portForward/ns/p", SPDY, pod());
    let mut client = SpdyClient::new(io);
    let (error, data) = connect(&mut client, "81", "0").await;
    assert_eq!(
        client.until_ended(error).await,
        "error forwarding port 81 to pod p_ns, uid u: connection refused"
    );
    assert_eq!(client.until_ended(data).await, "");
}

#[tokio::test]
async fn a_stream_without_a_port_is_refused() {
    let (io, _session) = serve("/portForward/ns/p", SPDY, pod());
    let mut client = SpdyClient::new(io);
    let stream = client.open([("streamType", "data"), ("requestID", "0")]).await;
    assert_eq!(client.until_ended(stream).await, "\"port\" header is required");
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_partner_never_comes_is_ended() {
    let (io, _session) = serve("/portForward/ns/p", SPDY, pod());
    let mut client = SpdyClient::new(io);
    let stream = client.open([("streamType", "error"), ("port", "80"), ("requestID", "0")]).await;
    assert_eq!(client.until_ended(stream).await, "timed out waiting for streams");
}

#[tokio::test]
async fn many_connections_one_after_the_other_leave_nothing_behind() {
    let (io, session) = serve("/portForward/ns/p", SPDY, pod());
    let mut client = SpdyClient::new(io);
    for number in 0..1_500 {
        let (error, data) = connect(&mut client, "80", &number.to_string()).await;
        client.data(data, b"x").await;
        client.end(data).await;
        assert_eq!(client.until_ended(data).await, "x");
        client.until_ended(error).await;
    }
    assert!(client.resets.is_empty(), "none was refused");
    drop(client);
    session.await.unwrap().unwrap();
}

#[tokio::test]
async fn spdy_inside_websocket_carries_connections() {
    let (io, session) = serve("/portForward/ns/p", websocket("SPDY/3.1+portforward.k8s.io"), pod());
    let mut client = SpdyClient::new(tunnel(io).await);
    let (_, data) = connect(&mut client, "80", "0").await;
    let text = "through the tunnel ".repeat(10_000);
    client.data(data, text.as_bytes()).await;
    client.end(data).await;
    assert!(client.until_ended(data).await == text);
    drop(client);
    session.await.unwrap().unwrap();
}

#[tokio::test]
async fn websocket_channels_carry_a_connection_per_port() {
    let (io, _session) = serve("/portForward/ns/p?ports=80,443", websocket("v4.channel.k8s.io"), echo());
    let mut client = WebSocketClient::new(io).await;
    let mut opened = Vec::new();
    for _ in 0..4 {
        let bytes = client.message().await.unwrap().into_data();
        opened.push((bytes[0], u16::from_le_bytes([bytes[1], bytes[2]])));
    }
    assert_eq!(opened, [(0, 80), (1, 80), (2, 443), (3, 443)]);
    client.send(2, b"hello").await;
    assert_eq!(&client.message().await.unwrap().into_data()[..], b"\x02hello");
}
