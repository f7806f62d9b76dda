//! Speaks to a shim: a connection per request, kept open for watches, commands and attached clients.

use crate::error::{Outcome, RuntimeError};
use rustix::fs::{Mode, OFlags};
use skiff_shim::protocol::spec::ContainerSpec;
use skiff_shim::protocol::{Answer, Call, Request, SOCKET, SignalTarget, VERSION, descriptors, frame};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use tokio::io::Interest;
use tokio::net::UnixStream;

/// The shim of one sandbox.
#[derive(Debug, Clone)]
pub struct ShimClient {
    sandbox: String,
    directory: PathBuf,
}

impl ShimClient {
    /// Of the shim that listens, or will, in a sandbox's directory.
    pub fn new(sandbox: &str, directory: PathBuf) -> Self {
        Self { sandbox: sandbox.to_owned(), directory }
    }

    /// Connects.
    pub async fn connect(&self) -> Outcome<ShimConnection> {
        // A socket's path is limited to 107 bytes, the data directory's is not.
        let directory = rustix::fs::open(&self.directory, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
            .map_err(|errno| self.gone(errno))?;
        let path = format!("/proc/self/fd/{}/{SOCKET}", directory.as_raw_fd());
        let stream = UnixStream::connect(path).await.map_err(|error| self.gone(error))?;
        Ok(ShimConnection { client: self.clone(), stream, incoming: Vec::new(), descriptors: Vec::new() })
    }

    /// The shim's protocol version and process id.
    pub async fn hello(&self) -> Outcome<(u32, i32)> {
        let mut connection = self.connect().await?;
        connection.send(Call::Hello, &[]).await?;
        match connection.receive().await? {
            Some(Answer::Hello { version, .. }) if version > VERSION => {
                Err(RuntimeError::NewerShim { sandbox: self.sandbox.clone(), found: version, known: VERSION })
            }
            Some(Answer::Hello { version, pid }) => Ok((version, pid)),
            other => Err(self.unexpected(other)),
        }
    }

    /// Starts a container; returns when it started, in nanoseconds since the epoch.
    pub async fn start(&self, spec: ContainerSpec) -> Outcome<i64> {
        match self.ask(Call::Start(Box::new(spec))).await? {
            Answer::Started { at, .. } => Ok(at),
            other => Err(self.unexpected(Some(other))),
        }
    }

    /// Signals a container.
    pub async fn signal(&self, container: &str, signal: i32, target: SignalTarget) -> Outcome<()> {
        self.order(Call::Signal { container: container.to_owned(), signal, target }).await
    }

    /// Has a log opened anew.
    pub async fn reopen_log(&self, container: &str) -> Outcome<()> {
        self.order(Call::ReopenLog { container: container.to_owned() }).await
    }

    /// Has an ended container forgotten.
    pub async fn forget(&self, container: &str) -> Outcome<()> {
        self.order(Call::Forget { container: container.to_owned() }).await
    }

    /// Has everything killed and the shim end.
    pub async fn shut_down(&self) -> Outcome<()> {
        self.order(Call::Shutdown).await
    }

    async fn order(&self, call: Call) -> Outcome<()> {
        match self.ask(call).await? {
            Answer::Done => Ok(()),
            other => Err(self.unexpected(Some(other))),
        }
    }

    async fn ask(&self, call: Call) -> Outcome<Answer> {
        let mut connection = self.connect().await?;
        connection.send(call, &[]).await?;
        connection.expect().await
    }

    fn gone(&self, reason: impl std::fmt::Display) -> RuntimeError {
        RuntimeError::ShimGone { sandbox: self.sandbox.clone(), reason: reason.to_string() }
    }

    fn unexpected(&self, answer: Option<Answer>) -> RuntimeError {
        match answer {
            Some(Answer::Failed(failure)) => RuntimeError::Shim(failure),
            Some(answer) => self.gone(format!("unexpected answer {answer:?}")),
            None => self.gone("connection closed"),
        }
    }
}

/// A connection to a shim.
pub struct ShimConnection {
    client: ShimClient,
    stream: UnixStream,
    incoming: Vec<u8>,
    descriptors: Vec<OwnedFd>,
}

impl ShimConnection {
    /// Sends a request with descriptors.
    pub async fn send(&self, call: Call, passed: &[BorrowedFd<'_>]) -> Outcome<()> {
        let bytes = frame::encode(&Request::new(call)).map_err(|error| self.client.gone(error))?;
        let mut sent = 0;
        while sent < bytes.len() {
            let passed = if sent == 0 { passed } else { &[] };
            let send = || Ok(descriptors::send(&self.stream, &bytes[sent..], passed)?);
            let written = self.stream.async_io(Interest::WRITABLE, send).await;
            sent += written.map_err(|error| self.client.gone(error))?;
        }
        Ok(())
    }

    /// The next answer; `None` once the shim has closed.
    pub async fn receive(&mut self) -> Outcome<Option<Answer>> {
        loop {
            if let Some(answer) =
                frame::decode(&mut self.incoming).map_err(|error| self.client.gone(error))?
            {
                return Ok(Some(answer));
            }
            let mut bytes = [0; 8192];
            let (stream, received) = (&self.stream, &mut self.descriptors);
            let receive = || Ok(descriptors::receive(stream, &mut bytes, received)?);
            let length = stream
                .async_io(Interest::READABLE, receive)
                .await
                .map_err(|error| self.client.gone(error))?;
            if length == 0 {
                return Ok(None);
            }
            self.incoming.extend_from_slice(&bytes[..length]);
        }
    }

    /// The next answer, which must come and be no failure.
    pub async fn expect(&mut self) -> Outcome<Answer> {
        match self.receive().await? {
            Some(Answer::Failed(failure)) => Err(RuntimeError::Shim(failure)),
            Some(answer) => Ok(answer),
            None => Err(self.client.gone("connection closed")),
        }
    }

    /// The exit code of the command or container that the connection follows.
    pub async fn ended(&mut self) -> Outcome<i32> {
        match self.expect().await? {
            Answer::Ended(code) => Ok(code),
            other => Err(self.client.unexpected(Some(other))),
        }
    }

    /// A descriptor that came with an answer.
    pub fn take_descriptor(&mut self) -> Outcome<OwnedFd> {
        self.descriptors.pop().ok_or_else(|| self.client.gone("answer without its descriptor"))
    }
}
