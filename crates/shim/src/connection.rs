//! A connection of the runtime: bytes in, bytes out, and what it has been taken over for.

use rustix::io::Errno;
use rustix::process::Pid;
use skiff_shim::protocol::descriptors;
use skiff_shim::protocol::frame::{self, FrameError};
use skiff_shim::protocol::{Answer, Failure, Request};
use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};

/// A peer that leaves more answers than this unread is cut.
const MAX_QUEUED: usize = 1024;
/// A peer that sends more descriptors than this with one request is cut.
const MAX_DESCRIPTORS: usize = 3;

/// A connection.
pub struct Connection {
    /// Its socket.
    pub socket: OwnedFd,
    /// What it is for.
    pub role: Role,
    /// Descriptors that came and belong to the next request.
    pub descriptors: Vec<OwnedFd>,
    incoming: Vec<u8>,
    outgoing: VecDeque<Outgoing>,
    broken: bool,
}

/// What a connection is for.
pub enum Role {
    /// One request after the other.
    Calls,
    /// It is told of every exit.
    Watch,
    /// It has started a command.
    Command(Command),
    /// It is attached to a container.
    Attached,
    /// It waits for the end of all.
    Shutdown,
}

/// A command in a container, bound to the connection that asked for it.
pub struct Command {
    /// Its process.
    pub pid: Pid,
    /// The socket that tells how it gets to its program; none once it runs.
    pub channel: Option<OwnedFd>,
}

struct Outgoing {
    bytes: Vec<u8>,
    sent: usize,
    descriptor: Option<OwnedFd>,
}

impl Connection {
    /// Of an accepted socket.
    pub fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            role: Role::Calls,
            descriptors: Vec::new(),
            incoming: Vec::new(),
            outgoing: VecDeque::new(),
            broken: false,
        }
    }

    /// Nothing can be said to or heard from the peer any more.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Something waits to be sent.
    pub fn has_outgoing(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Takes in what has arrived.
    pub fn receive(&mut self) {
        let mut bytes = [0; 8192];
        loop {
            match descriptors::receive(&self.socket, &mut bytes, &mut self.descriptors) {
                Ok(0) => self.broken = true,
                Ok(length) => {
                    self.incoming.extend_from_slice(&bytes[..length]);
                    let too_much =
                        self.incoming.len() > frame::MAX + 4 || self.descriptors.len() > MAX_DESCRIPTORS;
                    self.broken |= too_much;
                    if !too_much {
                        continue;
                    }
                }
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => {}
                Err(_) => self.broken = true,
            }
            return;
        }
    }

    /// The next whole request.
    pub fn next_request(&mut self) -> Result<Option<Request>, FrameError> {
        let request = frame::decode(&mut self.incoming);
        if self.incoming.is_empty() {
            self.incoming = Vec::new();
        }
        request
    }

    /// Says something.
    pub fn answer(&mut self, answer: &Answer) {
        self.answer_with(answer, None);
    }

    /// Says that a request failed.
    pub fn fail(&mut self, failure: Failure) {
        self.answer(&Answer::Failed(failure));
    }

    /// Says something and hands a descriptor over.
    pub fn answer_with(&mut self, answer: &Answer, descriptor: Option<OwnedFd>) {
        match frame::encode(answer) {
            Ok(bytes) if self.outgoing.len() < MAX_QUEUED => {
                self.outgoing.push_back(Outgoing { bytes, sent: 0, descriptor });
                self.flush();
            }
            _ => self.broken = true,
        }
    }

    /// Sends as much as the peer takes.
    pub fn flush(&mut self) {
        while let Some(next) = self.outgoing.front_mut() {
            let passed: Vec<_> = next.descriptor.iter().map(AsFd::as_fd).collect();
            match descriptors::send(&self.socket, &next.bytes[next.sent..], &passed) {
                Ok(sent) => {
                    next.sent += sent;
                    next.descriptor = None;
                    if next.sent == next.bytes.len() {
                        self.outgoing.pop_front();
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => {
                    self.broken = true;
                    return;
                }
            }
        }
    }
}
