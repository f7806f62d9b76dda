//! Port-forward over SPDY: per connection a stream `streamType: error` and one `streamType: data`, paired by `requestID`.

use super::forward::{Dial, Forward};
use crate::SessionError;
use crate::spdy::{Headers, SpdyConnection, SpdyStream};
use crate::streams::Connection;
use std::collections::HashMap;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Two per connection.
const MAX_STREAMS: usize = 1_024;
/// How long the second stream of a pair may take, as upstream.
const PAIRING: Duration = Duration::from_secs(30);
const FAREWELL: Duration = Duration::from_secs(10);

/// Serves pairs of streams until the client goes away.
pub(super) async fn serve(io: impl Connection, dial: Dial) -> Result<(), SessionError> {
    let (connection, mut acceptor) = SpdyConnection::serve(io, MAX_STREAMS)?;
    let closed = connection.closed();
    let mut pairs = Pairs::default();
    let mut forwards = JoinSet::new();
    loop {
        tokio::select! {
            stream = acceptor.recv() => {
                let Some(stream) = stream else { break };
                match pairs.add(stream, Instant::now()) {
                    Ok(Some(forward)) => {
                        forwards.spawn(forward.run(dial.clone()));
                    }
                    Ok(None) => {}
                    Err(refused) => {
                        forwards.spawn(refused.tell());
                    }
                }
            }
            Some(_) = forwards.join_next() => {}
            () = wait_until(pairs.deadline()) => {
                for refused in pairs.expire(Instant::now()) {
                    forwards.spawn(refused.tell());
                }
            }
            () = closed.cancelled() => break,
        }
    }
    drop(forwards);
    connection.finish(FAREWELL).await;
    Ok(())
}

async fn wait_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Streams whose other half has not come yet, by request.
#[derive(Default)]
struct Pairs {
    waiting: HashMap<String, Half>,
}

struct Half {
    kind: Kind,
    stream: SpdyStream,
    since: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Error,
    Data,
}

/// A stream that cannot be served, and why.
struct Refused {
    stream: SpdyStream,
    reason: String,
}

impl Refused {
    async fn tell(self) {
        let mut writer = self.stream.writer;
        // A client that is gone needs no reason.
        let _ = writer.write_all(self.reason.as_bytes()).await;
        let _ = writer.shutdown().await;
    }
}

impl Pairs {
    /// Takes in a stream; gives the connection when it completes one.
    fn add(&mut self, stream: SpdyStream, now: Instant) -> Result<Option<Forward>, Box<Refused>> {
        let (kind, port, request) = match describe(&stream.headers) {
            Ok(described) => described,
            Err(reason) => return Err(Box::new(Refused { stream, reason })),
        };
        let Some(other) = self.waiting.remove(&request) else {
            self.waiting.insert(request, Half { kind, stream, since: now });
            return Ok(None);
        };
        let (data, error) = match (kind, other.kind) {
            (Kind::Data, Kind::Error) => (stream, other.stream),
            (Kind::Error, Kind::Data) => (other.stream, stream),
            _ => {
                self.waiting.insert(request, other);
                return Err(Box::new(Refused { stream, reason: "stream already assigned".to_owned() }));
            }
        };
        Ok(Some(Forward {
            port,
            from_client: Box::new(data.reader),
            to_client: Box::new(data.writer),
            error: Box::new(error.writer),
        }))
    }

    fn deadline(&self) -> Option<Instant> {
        self.waiting.values().map(|half| half.since + PAIRING).min()
    }

    fn expire(&mut self, now: Instant) -> Vec<Refused> {
        let late = self.waiting.extract_if(|_, half| half.since + PAIRING <= now);
        late.map(|(_, half)| Refused {
            stream: half.stream,
            reason: "timed out waiting for streams".to_owned(),
        })
        .collect()
    }
}

/// What a stream is for: its part, port and request. Clients that send no request number pair by port.
fn describe(headers: &Headers) -> Result<(Kind, u16, String), String> {
    let kind = match headers.get("streamType") {
        Some("error") => Kind::Error,
        Some("data") => Kind::Data,
        Some(other) => return Err(format!("invalid stream type {other:?}")),
        None => return Err("\"streamType\" header is required".to_owned()),
    };
    let port = headers.get("port").ok_or("\"port\" header is required")?;
    let number = port.parse::<u16>().ok().filter(|number| *number > 0);
    let number = number.ok_or_else(|| format!("unable to parse {port:?} as a port"))?;
    Ok((kind, number, headers.get("requestID").unwrap_or(port).to_owned()))
}
