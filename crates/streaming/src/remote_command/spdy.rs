//! Remote command over SPDY: the client opens a stream for each part and names it in the header `streamType`.

use super::{Channels, CommandStreams, FAREWELL, Link, STREAM_CREATION, Version};
use crate::SessionError;
use crate::spdy::{Acceptor, SpdyConnection, SpdyStream};
use crate::streams::Connection;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

/// Error, input, output, error output, terminal sizes.
const MAX_STREAMS: usize = 5;

/// Waits for the streams that the request announced.
pub(super) async fn open(
    io: impl Connection,
    wanted: CommandStreams,
    version: Version,
) -> Result<(Box<dyn Link>, Channels), SessionError> {
    let (connection, mut acceptor) = SpdyConnection::serve(io, MAX_STREAMS)?;
    let opened = tokio::time::timeout(STREAM_CREATION, gather(&mut acceptor, wanted, version));
    let channels = opened.await.map_err(|_| SessionError::StreamsMissing)??;
    Ok((Box::new(SpdyLink { connection, _acceptor: acceptor }), channels))
}

struct SpdyLink {
    connection: SpdyConnection,
    _acceptor: Acceptor,
}

impl Link for SpdyLink {
    fn closed(&self) -> CancellationToken {
        self.connection.closed()
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(self.connection.finish(FAREWELL))
    }
}

#[derive(Default)]
struct Opened {
    error: Option<SpdyStream>,
    stdin: Option<SpdyStream>,
    stdout: Option<SpdyStream>,
    stderr: Option<SpdyStream>,
    resize: Option<SpdyStream>,
}

impl Opened {
    fn take(&mut self, stream: SpdyStream) {
        let place = match stream.headers.get("streamType") {
            Some("error") => &mut self.error,
            Some("stdin") => &mut self.stdin,
            Some("stdout") => &mut self.stdout,
            Some("stderr") => &mut self.stderr,
            Some("resize") => &mut self.resize,
            other => return tracing::debug!(kind = other, "a stream of unknown kind was opened"),
        };
        *place = Some(stream);
    }

    fn complete(&self, wanted: CommandStreams, version: Version) -> bool {
        self.error.is_some()
            && (self.stdin.is_some() || !wanted.stdin)
            && (self.stdout.is_some() || !wanted.stdout)
            && (self.stderr.is_some() || !wanted.stderr)
            && (self.resize.is_some() || !wanted.tty || version < Version::V3)
    }
}

async fn gather(
    acceptor: &mut Acceptor,
    wanted: CommandStreams,
    version: Version,
) -> Result<Channels, SessionError> {
    let mut opened = Opened::default();
    while !opened.complete(wanted, version) {
        opened.take(acceptor.recv().await.ok_or(SessionError::ClientGone)?);
    }
    let Opened { error: Some(error), stdin, stdout, stderr, resize } = opened else {
        return Err(SessionError::StreamsMissing);
    };
    Ok(Channels {
        stdin: stdin.map(|stream| Box::new(stream.reader) as _),
        stdout: stdout.map(|stream| Box::new(stream.writer) as _),
        stderr: stderr.map(|stream| Box::new(stream.writer) as _),
        error: Box::new(error.writer),
        resize: resize.map(|stream| Box::new(stream.reader) as _),
    })
}
