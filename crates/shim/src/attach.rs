//! Clients attached to a container: copies of its output to them, their input to it.
//!
//! A client that does not read makes the container wait, like a terminal would: its stream is not read while [`Attachment::is_clogged`].

use crate::log::Stream;
use rustix::io::Errno;
use std::os::fd::OwnedFd;

/// A client's streams.
pub struct Attachment {
    /// The container.
    pub container: String,
    /// Where its input comes from.
    pub stdin: Option<OwnedFd>,
    /// Where output goes.
    pub stdout: Option<Sink>,
    /// Where error output goes.
    pub stderr: Option<Sink>,
    /// The container's exit code, once it has ended and until the client is told.
    pub ended: Option<i32>,
}

/// A descriptor to write to and what it has not taken yet.
pub struct Sink {
    /// The descriptor.
    pub fd: OwnedFd,
    pending: Vec<u8>,
}

impl Attachment {
    /// The client's sink for a stream.
    pub fn sink(&mut self, stream: Stream) -> &mut Option<Sink> {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    /// Passes output to the client.
    pub fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let sink = self.sink(stream);
        if let Some(open) = sink {
            open.pending.extend_from_slice(bytes);
            if !open.flush() {
                *sink = None;
            }
        }
    }

    /// Tries again to pass what is pending.
    pub fn flush(&mut self, stream: Stream) {
        let sink = self.sink(stream);
        if sink.as_mut().is_some_and(|open| !open.flush()) {
            *sink = None;
        }
    }

    /// The client has not taken all of a stream.
    pub fn is_clogged(&self, stream: Stream) -> bool {
        let sink = match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        };
        sink.as_ref().is_some_and(|sink| !sink.pending.is_empty())
    }

    /// The exit code to tell, once the client has taken everything that was said before.
    pub fn take_end(&mut self) -> Option<i32> {
        if self.is_clogged(Stream::Stdout) || self.is_clogged(Stream::Stderr) {
            None
        } else {
            self.ended.take()
        }
    }

    /// Reads the client's input; `None` at its end.
    pub fn read_input(&mut self) -> Option<Vec<u8>> {
        let fd = self.stdin.as_ref()?;
        let mut bytes = vec![0; 16 * 1024];
        match rustix::io::read(fd, &mut bytes) {
            Ok(0) => self.stdin = None,
            Ok(length) => {
                bytes.truncate(length);
                return Some(bytes);
            }
            Err(Errno::AGAIN | Errno::INTR) => return Some(Vec::new()),
            Err(_) => self.stdin = None,
        }
        None
    }
}

impl Sink {
    /// Of a descriptor that does not block.
    pub fn new(fd: OwnedFd) -> Self {
        Self { fd, pending: Vec::new() }
    }

    /// False if the client is gone.
    fn flush(&mut self) -> bool {
        while !self.pending.is_empty() {
            match rustix::io::write(&self.fd, &self.pending) {
                Ok(written) => drop(self.pending.drain(..written)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return true,
                Err(_) => return false,
            }
        }
        true
    }
}
