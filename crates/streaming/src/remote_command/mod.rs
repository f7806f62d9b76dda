//! exec and attach: a command's input, output, error output and terminal sizes, and how it ended.
//!
//! [`negotiate`] looks at a request, [`CommandUpgrade::accept`] opens the client's streams on the upgraded connection, and
//! [`RemoteCommand::run`] connects them to a process until it ends.

mod outcome;
mod protocol;
mod resize;
mod spdy;
mod websocket;

pub use outcome::Outcome;

use crate::streams::{Connection, Reader, TerminalSize, Writer};
use crate::{SessionError, UpgradeError};
use futures::future::{self, BoxFuture};
use http::{Request, Response};
use protocol::{Carrier, Protocol, Version};
use std::time::Duration;
use tokio::io::{AsyncWriteExt, copy};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How long a client has to open its streams, as upstream.
const STREAM_CREATION: Duration = Duration::from_secs(30);
/// How long a client has to close the connection after the last word.
const FAREWELL: Duration = Duration::from_secs(10);

/// Which streams the request asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CommandStreams {
    /// The command's input.
    pub stdin: bool,
    /// The command's output.
    pub stdout: bool,
    /// The command's error output; with a terminal there is none.
    pub stderr: bool,
    /// A terminal, whose size may change.
    pub tty: bool,
}

/// A command that runs, as the caller provides it. Dropping it gives the command up.
pub struct Process {
    /// The command's input; it is shut down when the client's ends.
    pub stdin: Option<Writer>,
    /// The command's output.
    pub stdout: Option<Reader>,
    /// The command's error output.
    pub stderr: Option<Reader>,
    /// Sizes for the terminal.
    pub resize: Option<mpsc::Sender<TerminalSize>>,
    /// How it ended.
    pub outcome: BoxFuture<'static, Outcome>,
}

/// An upgrade that was agreed on and not yet carried out.
#[derive(Debug)]
pub struct CommandUpgrade {
    protocol: Protocol,
}

/// Chooses the protocol for an exec or attach request.
pub fn negotiate<B>(request: &Request<B>) -> Result<CommandUpgrade, UpgradeError> {
    Protocol::negotiate(request.headers()).map(|protocol| CommandUpgrade { protocol })
}

impl CommandUpgrade {
    /// The 101 response.
    pub fn response(&self) -> Response<()> {
        self.protocol.response()
    }

    /// Opens the client's streams on the upgraded connection.
    pub async fn accept(
        self,
        io: impl Connection,
        streams: CommandStreams,
    ) -> Result<RemoteCommand, SessionError> {
        let version = self.protocol.version;
        let (link, channels) = match self.protocol.carrier {
            Carrier::Spdy => spdy::open(io, streams, version).await?,
            Carrier::WebSocket { encoding, .. } => websocket::open(io, streams, encoding).await,
        };
        Ok(RemoteCommand { version, link, channels })
    }
}

/// The client's side of a session.
pub struct RemoteCommand {
    version: Version,
    link: Box<dyn Link>,
    channels: Channels,
}

/// The client's streams, whatever carries them.
struct Channels {
    stdin: Option<Reader>,
    stdout: Option<Writer>,
    stderr: Option<Writer>,
    error: Writer,
    resize: Option<Reader>,
}

/// The connection below the channels. A new carrier implements this and gives it to [`RemoteCommand`] with its channels.
trait Link: Send + Sync {
    /// Is cancelled when the client is gone.
    fn closed(&self) -> CancellationToken;
    /// Sends what is queued, says good-bye and waits for the client to close.
    fn finish(self: Box<Self>) -> BoxFuture<'static, ()>;
}

impl RemoteCommand {
    /// Connects the client to a process until it has ended and all its output is sent, then reports how it ended. The
    /// process is dropped when the client goes away before.
    pub async fn run(self, process: Process) -> Result<(), SessionError> {
        let Self { version, link, channels } = self;
        let Channels { stdin, stdout, stderr, error, resize } = channels;
        let inputs = future::join(feed(stdin, process.stdin), sizes(resize, process.resize));
        let outputs =
            future::join3(process.outcome, drain(process.stdout, stdout), drain(process.stderr, stderr));
        let outcome = tokio::select! {
            biased;
            (outcome, (), ()) = outputs => outcome,
            never = async { inputs.await; future::pending().await } => never,
            () = link.closed().cancelled_owned() => return Err(SessionError::ClientGone),
        };
        conclude(version, link, error, outcome).await;
        Ok(())
    }

    /// Reports that there is no process to run.
    pub async fn fail(self, reason: String) {
        conclude(self.version, self.link, self.channels.error, Outcome::Failed(reason)).await;
    }
}

async fn conclude(version: Version, link: Box<dyn Link>, mut error: Writer, outcome: Outcome) {
    let message = outcome.message(version);
    // A client that went away needs no status.
    let _ = error.write_all(&message).await;
    let _ = error.shutdown().await;
    link.finish().await;
}

/// The client's input to the process, and its end.
async fn feed(from: Option<Reader>, to: Option<Writer>) {
    let (Some(mut from), Some(mut to)) = (from, to) else { return };
    // The process may close its input at any time; the client's may break.
    let _ = copy(&mut from, &mut to).await;
    let _ = to.shutdown().await;
}

async fn sizes(from: Option<Reader>, to: Option<mpsc::Sender<TerminalSize>>) {
    if let (Some(from), Some(to)) = (from, to) {
        resize::forward(from, to).await;
    }
}

/// The process's output to the client. When the client no longer takes it, it is read on so that the process can end.
async fn drain(from: Option<Reader>, to: Option<Writer>) {
    let Some(mut from) = from else { return };
    if let Some(mut to) = to {
        // A terminal ends with an error (EIO), which is an end like any other.
        let _ = copy(&mut from, &mut to).await;
        let _ = to.shutdown().await;
    }
    let _ = copy(&mut from, &mut tokio::io::sink()).await;
}
