//! Remote command over WebSocket channels with fixed numbers.

use super::{Channels, CommandStreams, FAREWELL, Link};
use crate::streams::Connection;
use crate::websocket::{Encoding, WebSocketChannels};
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;
const RESIZE: u8 = 4;

/// Opens the channels that the request asks for and tells the client that they are there.
pub(super) async fn open(
    io: impl Connection,
    wanted: CommandStreams,
    encoding: Encoding,
) -> (Box<dyn Link>, Channels) {
    let (link, [stdin, resize]) = WebSocketChannels::serve(io, encoding, [STDIN, RESIZE]).await;
    // As upstream: an empty message on the lowest channel that the server writes.
    link.announce(match wanted {
        CommandStreams { stdout: true, .. } => STDOUT,
        CommandStreams { stderr: true, .. } => STDERR,
        _ => ERROR,
    })
    .await;
    let channels = Channels {
        stdin: wanted.stdin.then(|| Box::new(stdin) as _),
        stdout: wanted.stdout.then(|| Box::new(link.writer(STDOUT)) as _),
        stderr: wanted.stderr.then(|| Box::new(link.writer(STDERR)) as _),
        error: Box::new(link.writer(ERROR)),
        resize: wanted.tty.then(|| Box::new(resize) as _),
    };
    (Box::new(WebSocketLink(link)), channels)
}

struct WebSocketLink(WebSocketChannels);

impl Link for WebSocketLink {
    fn closed(&self) -> CancellationToken {
        self.0.closed()
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(self.0.finish(FAREWELL))
    }
}
