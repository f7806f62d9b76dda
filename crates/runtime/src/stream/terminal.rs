//! The master of a terminal as an asynchronous stream.
#![allow(unsafe_code)]

use crate::error::{Outcome, RuntimeError};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::termios::Winsize;
use skiff_cri::streams::TerminalSize;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A terminal's master; clones share it.
#[derive(Clone)]
pub struct Terminal(Arc<AsyncFd<OwnedFd>>);

impl Terminal {
    /// Of a master's descriptor.
    pub fn new(master: OwnedFd) -> Outcome<Self> {
        let flags = rustix::fs::fcntl_getfl(&master).map_err(RuntimeError::internal)?;
        rustix::fs::fcntl_setfl(&master, flags | OFlags::NONBLOCK).map_err(RuntimeError::internal)?;
        // SAFETY: an `OwnedFd` is the same open descriptor until it is dropped, and nothing takes it out of the `AsyncFd`.
        let registered = unsafe { AsyncFd::register(master) };
        Ok(Self(Arc::new(registered.map_err(RuntimeError::internal)?)))
    }

    /// Sets its size; the programs on it are told by SIGWINCH.
    pub fn resize(&self, size: TerminalSize) {
        let size = Winsize { ws_row: size.height, ws_col: size.width, ws_xpixel: 0, ws_ypixel: 0 };
        // A terminal that nobody has open any more has no size to care for.
        let _ = rustix::termios::tcsetwinsize(self.0.get_ref(), size);
    }
}

impl AsyncRead for Terminal {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.0.poll_read_ready(context))?;
            let read =
                guard.try_io(|fd| match rustix::io::read(fd.get_ref(), buffer.initialize_unfilled()) {
                    // Nobody has the terminal open any more: the end.
                    Err(Errno::IO) => Ok(0),
                    other => Ok(other?),
                });
            match read {
                Ok(Ok(length)) => {
                    buffer.advance(length);
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_not_ready) => {}
            }
        }
    }
}

impl AsyncWrite for Terminal {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.0.poll_write_ready(context))?;
            match guard.try_io(|fd| Ok(rustix::io::write(fd.get_ref(), bytes)?)) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(result) => return Poll::Ready(result),
                Err(_not_ready) => {}
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A terminal is both ways at once: its input alone cannot be closed.
        Poll::Ready(Ok(()))
    }
}
