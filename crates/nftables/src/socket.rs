//! The raw netfilter netlink socket: messages out, answers in.
//!
//! A request is processed by the kernel inside `send`, so all answers wait in the socket when it returns: reading never
//! blocks. The socket belongs to the network namespace of the thread that opened it, whatever thread uses it later.
#![allow(unsafe_code)]

use crate::attribute::Attributes;
use crate::kernel::{explanation, flag, message};
use crate::{Error, Result};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, sockopt};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// Length of a message's header with netfilter's own part.
pub(crate) const HEADER_LENGTH: usize = 20;
const NETLINK_HEADER_LENGTH: usize = 16;
/// No batch may be larger; ten thousand services are a tenth of it.
const MESSAGE_MAX: usize = 256 * 1024 * 1024;
/// Room for the answers to a batch whose every operation is refused.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;

/// Header of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    pub(crate) kind: u16,
    pub(crate) flags: u16,
    pub(crate) sequence: u32,
    pub(crate) family: u8,
    pub(crate) resource: u16,
}

impl Header {
    /// Begins a message; [`Header::close`] puts its length.
    pub(crate) fn open(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&0u32.to_ne_bytes());
        out.extend_from_slice(&self.kind.to_ne_bytes());
        out.extend_from_slice(&self.flags.to_ne_bytes());
        out.extend_from_slice(&self.sequence.to_ne_bytes());
        out.extend_from_slice(&0u32.to_ne_bytes());
        out.extend_from_slice(&[self.family, 0]);
        out.extend_from_slice(&self.resource.to_be_bytes());
    }

    pub(crate) fn close(out: &mut [u8], start: usize) {
        let length = (out.len() - start) as u32;
        out[start..start + 4].copy_from_slice(&length.to_ne_bytes());
    }
}

/// An answer.
pub(crate) enum Answer<'a> {
    /// An object of a dump or a get.
    Object { attributes: Attributes<'a> },
    /// A request was refused, or done if the code is 0.
    Outcome { sequence: u32, code: i32, explanation: String },
    /// The end of a dump.
    Done { code: i32 },
}

/// A netfilter netlink socket.
#[derive(Debug)]
pub(crate) struct Socket {
    fd: OwnedFd,
    send_buffer: usize,
    receive_buffer: Vec<u8>,
}

impl Socket {
    pub(crate) fn open() -> Result<Self> {
        let fd = rustix::net::socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            Some(netlink::NETFILTER),
        )
        .map_err(|e| Error::Open(e.into()))?;
        rustix::net::bind(&fd, &netlink::SocketAddrNetlink::new(0, 0)).map_err(|e| Error::Open(e.into()))?;
        // Without these an error carries the whole request and no explanation; both are comfort.
        let _ = set_netlink_option(&fd, libc::NETLINK_CAP_ACK);
        let _ = set_netlink_option(&fd, libc::NETLINK_EXT_ACK);
        if sockopt::set_socket_recv_buffer_size_force(&fd, RECEIVE_BUFFER).is_err() {
            let _ = sockopt::set_socket_recv_buffer_size(&fd, RECEIVE_BUFFER);
        }
        Ok(Self { fd, send_buffer: 0, receive_buffer: vec![0; 64 * 1024] })
    }

    /// Sends messages as one buffer, which is what makes a batch one transaction.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() > MESSAGE_MAX {
            return Err(Error::Invalid(format!("a batch of {} MiB is too large", bytes.len() >> 20)));
        }
        if self.send_buffer < bytes.len() {
            let size = bytes.len().next_power_of_two().max(1024 * 1024);
            sockopt::set_socket_send_buffer_size_force(&self.fd, size)
                .or_else(|_| sockopt::set_socket_send_buffer_size(&self.fd, size))
                .map_err(|e| Error::Send(e.into()))?;
            self.send_buffer = size;
        }
        loop {
            match rustix::net::send(&self.fd, bytes, SendFlags::empty()) {
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(Error::Send(error.into())),
            }
        }
    }

    /// Reads the answers that wait, until one says `false`: no more is to come.
    pub(crate) fn receive(&mut self, mut each: impl FnMut(Answer<'_>) -> Result<bool>) -> Result<()> {
        loop {
            let length = match rustix::net::recv(&self.fd, &mut self.receive_buffer[..], RecvFlags::DONTWAIT)
            {
                Ok((length, _)) => length,
                Err(rustix::io::Errno::INTR) => continue,
                Err(rustix::io::Errno::AGAIN) => return Err(Error::Answer("it is missing")),
                Err(error) => return Err(Error::Receive(error.into())),
            };
            let mut more = true;
            let mut rest = self.receive_buffer.get(..length).ok_or(Error::Answer("it is cut off"))?;
            while more && !rest.is_empty() {
                let (answer, next) = parse(rest)?;
                rest = next;
                more = each(answer)?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// Throws away what an earlier exchange left.
    pub(crate) fn drain(&mut self) {
        while rustix::net::recv(&self.fd, &mut self.receive_buffer[..], RecvFlags::DONTWAIT).is_ok() {}
    }
}

fn parse(bytes: &[u8]) -> Result<(Answer<'_>, &[u8])> {
    let word = |at: usize| -> Result<u32> {
        let bytes = bytes.get(at..at + 4).ok_or(Error::Answer("it is cut off"))?;
        Ok(u32::from_ne_bytes(bytes.try_into().expect("four bytes were taken")))
    };
    let length = word(0)? as usize;
    let (kind, flags) = {
        let both = word(4)?.to_ne_bytes();
        (u16::from_ne_bytes([both[0], both[1]]), u16::from_ne_bytes([both[2], both[3]]))
    };
    let body = bytes.get(NETLINK_HEADER_LENGTH..length).ok_or(Error::Answer("it is cut off"))?;
    let next = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    let answer = match kind {
        message::ERROR => {
            // error code, then the header of the request, then (unless capped) the request, then the explanation
            let code = word(NETLINK_HEADER_LENGTH)? as i32;
            let request_length = word(NETLINK_HEADER_LENGTH + 4)? as usize;
            let sequence = word(NETLINK_HEADER_LENGTH + 12)?;
            let skipped = if flags & flag::CAPPED == 0 { request_length.next_multiple_of(4) } else { 16 };
            let explained = flags & flag::ACK_TLVS != 0;
            let attributes = Attributes(body.get(4 + skipped..).filter(|_| explained).unwrap_or_default());
            let explanation = attributes.text(explanation::MESSAGE).unwrap_or_default().to_owned();
            Answer::Outcome { sequence, code: -code, explanation }
        }
        message::DONE => {
            let code = if body.len() >= 4 { word(NETLINK_HEADER_LENGTH)? as i32 } else { 0 };
            Answer::Done { code: -code }
        }
        _ => Answer::Object { attributes: Attributes(body.get(4..).unwrap_or_default()) },
    };
    Ok((answer, next))
}

fn set_netlink_option(fd: &OwnedFd, option: libc::c_int) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the pointer and length are those of `on`, which lives for the whole call, and the descriptor is open.
    let result = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_NETLINK,
            option,
            std::ptr::from_ref(&on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
