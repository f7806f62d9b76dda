//! Pipes with one end for this server's tasks and one for a process.

use crate::error::{Outcome, RuntimeError};
use rustix::fs::OFlags;
use rustix::pipe::PipeFlags;
use skiff_cri::streams::{Reader, Writer};
use skiff_shim::protocol::spec::Streams;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use tokio::net::unix::pipe::{Receiver, Sender};

/// Pipes for the streams of a process.
#[derive(Default)]
pub struct Pipes {
    /// The process' input.
    pub stdin: Option<Writer>,
    /// The process' output.
    pub stdout: Option<Reader>,
    /// The process' error output.
    pub stderr: Option<Reader>,
    theirs: Vec<OwnedFd>,
}

impl Pipes {
    /// For the wanted streams.
    pub fn new(wanted: Streams) -> Outcome<Self> {
        let mut pipes = Self::default();
        if wanted.stdin {
            let (reading, writing) = pipe()?;
            set_nonblocking(&writing)?;
            pipes.stdin =
                Some(Box::new(Sender::from_owned_fd_unchecked(writing).map_err(RuntimeError::internal)?));
            pipes.theirs.push(reading);
        }
        if wanted.stdout {
            pipes.stdout = Some(pipes.output()?);
        }
        if wanted.stderr {
            pipes.stderr = Some(pipes.output()?);
        }
        Ok(pipes)
    }

    /// The other side's ends, in the order of the streams.
    pub fn theirs(&self) -> Vec<BorrowedFd<'_>> {
        self.theirs.iter().map(AsFd::as_fd).collect()
    }

    /// Closes the other side's ends here, once it has them: only then do streams end.
    pub fn hand_over(&mut self) {
        self.theirs.clear();
    }

    fn output(&mut self) -> Outcome<Reader> {
        let (reading, writing) = pipe()?;
        set_nonblocking(&reading)?;
        self.theirs.push(writing);
        Ok(Box::new(Receiver::from_owned_fd_unchecked(reading).map_err(RuntimeError::internal)?))
    }
}

fn pipe() -> Outcome<(OwnedFd, OwnedFd)> {
    rustix::pipe::pipe_with(PipeFlags::CLOEXEC)
        .map_err(|errno| RuntimeError::Internal(format!("make a pipe: {errno}")))
}

fn set_nonblocking(fd: &OwnedFd) -> Outcome<()> {
    rustix::fs::fcntl_setfl(fd, OFlags::NONBLOCK).map_err(RuntimeError::internal)
}
