//! A client's side of `kubectl exec` over WebSocket: frames, messages and channels.
//!
//! The decoder has no door of its own, so a whole session is run in memory: negotiated, fed, and over when the client
//! hangs up.

use crate::{Target, Verdict, law, target};
use skiff_streaming::remote_command::{self, CommandStreams, Process};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

/// More than any input, so that a client never waits for the server.
const PIPE: usize = 256 << 10;
const PATIENCE: Duration = Duration::from_secs(10);

/// See [`Target`].
pub const TARGET: Target = Target {
    name: "websocket",
    seeds: &[
        b"\x82\x86\x00\x00\x00\x00\x00hello\x82\x82\x00\x00\x00\x00\xff\x00\x88\x82\x00\x00\x00\x00\x03\xe8",
        b"\x82\x9b\x00\x00\x00\x00\x04{\"Width\":80,\"Height\":24 }\x0a\x89\x80\x00\x00\x00\x00",
        b"\x02\x83\x00\x00\x00\x00\x00ab\x80\x82\x01\x02\x03\x04bf",
        b"\x81\x89\x00\x00\x00\x000aGVsbG8=\x82\xfe\x00\x03\x00\x00\x00\x00\x00ab",
    ],
    made: target::none,
    run,
};

fn run(input: &[u8]) -> Verdict {
    session("v5.channel.k8s.io", input)?;
    session("v4.base64.channel.k8s.io", input)
}

fn session(protocol: &str, input: &[u8]) -> Verdict {
    let request = http::Request::builder()
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-protocol", protocol)
        .body(());
    let request = law::succeeds("a request is made", request)?;
    let upgrade = law::succeeds("the protocol is spoken", remote_command::negotiate(&request))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = law::succeeds("a runtime is made", runtime)?;
    let (mut client, server) = tokio::io::duplex(PIPE);
    let (resize, mut sizes) = mpsc::channel(8);
    let ended = runtime.block_on(async {
        let talking = async {
            // A server that hung up does not listen any more.
            let _ = client.write_all(input).await;
            let _ = client.shutdown().await;
            let _ = tokio::io::copy(&mut client, &mut tokio::io::sink()).await;
        };
        let serving = async {
            let streams = CommandStreams { stdin: true, stdout: true, stderr: false, tty: true };
            let process = Process {
                stdin: Some(Box::new(tokio::io::sink())),
                stdout: None,
                stderr: None,
                resize: Some(resize),
                outcome: Box::pin(std::future::pending()),
            };
            if let Ok(session) = upgrade.accept(server, streams).await {
                // It ends because the client is gone.
                let _ = session.run(process).await;
            }
        };
        let resizing = async { while sizes.recv().await.is_some() {} };
        let all = async { tokio::join!(talking, serving, resizing) };
        tokio::time::timeout(PATIENCE, all).await.is_ok()
    });
    law::holds("a session ends with its client", ended)
}
