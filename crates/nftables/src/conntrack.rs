//! Connection tracking: forgetting flows whose translation is no longer right.
//!
//! A UDP flow has no end, so its entry would lead packets to an endpoint that is gone for as long as they keep coming.
//! Flows are read from the kernel, chosen by the caller, and deleted one by one.

use crate::attribute::{Attributes, Writer};
use crate::kernel::{ATTRIBUTE_NESTED, conntrack, flag, message};
use crate::socket::{Answer, Header, Socket};
use crate::{Error, Family, Result};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Protocol number of UDP.
pub const UDP: u8 = 17;

/// Most flows that one call deletes.
const FLOWS_MAX: usize = 1 << 18;

/// One direction of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuple {
    /// Where its packets come from.
    pub source: SocketAddr,
    /// Where they go.
    pub destination: SocketAddr,
}

/// A tracked flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// Its IP protocol.
    pub protocol: u8,
    /// As the first packet came in.
    pub original: Tuple,
    /// As answers come in: the source is where the first packet was really sent.
    pub reply: Tuple,
}

/// Deletes the flows of a protocol that `choose` wants deleted, in the network namespace of this thread; returns how many.
///
/// # Errors
/// If the connection tracker cannot be read. Flows that end meanwhile are no error.
pub fn delete_flows(family: Family, protocol: u8, mut choose: impl FnMut(&Flow) -> bool) -> Result<usize> {
    let mut socket = Socket::open()?;
    let mut chosen: Vec<Vec<u8>> = Vec::new();
    socket.send(&request(message::CONNTRACK_GET, flag::DUMP, family, |_| {}))?;
    socket.receive(|answer| match answer {
        Answer::Object { attributes } => {
            if let Some((flow, original)) = read(attributes)
                && flow.protocol == protocol
                && chosen.len() < FLOWS_MAX
                && choose(&flow)
            {
                chosen.push(original.to_vec());
            }
            Ok(true)
        }
        Answer::Done { code: 0 } | Answer::Outcome { code: 0, .. } => Ok(false),
        Answer::Done { code } | Answer::Outcome { code, .. } => {
            Err(refused("read the connection table", code))
        }
    })?;
    let mut deleted = 0;
    for original in chosen {
        let tuple = |w: &mut Writer<'_>| w.bytes(conntrack::TUPLE_ORIGINAL | ATTRIBUTE_NESTED, &original);
        socket.send(&request(message::CONNTRACK_DELETE, flag::ACK, family, tuple))?;
        socket.receive(|answer| match answer {
            Answer::Outcome { code: 0, .. } => {
                deleted += 1;
                Ok(false)
            }
            Answer::Outcome { code: libc::ENOENT, .. } => Ok(false),
            Answer::Outcome { code, .. } => Err(refused("delete a flow", code)),
            Answer::Object { .. } | Answer::Done { .. } => Ok(true),
        })?;
    }
    Ok(deleted)
}

fn request(kind: u16, flags: u16, family: Family, fill: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    let kind = message::SUBSYSTEM_CONNTRACK << 8 | kind;
    Header { kind, flags: flag::REQUEST | flags, sequence: 0, family: family as u8, resource: 0 }
        .open(&mut bytes);
    fill(&mut Writer::new(&mut bytes));
    Header::close(&mut bytes, 0);
    bytes
}

fn refused(operation: &str, code: i32) -> Error {
    Error::Refused {
        operation: operation.into(),
        source: io::Error::from_raw_os_error(code),
        explanation: String::new(),
        others: 0,
    }
}

/// The flow and the bytes of its original tuple, by which it is deleted.
fn read(attributes: Attributes<'_>) -> Option<(Flow, &[u8])> {
    let original = attributes.get(conntrack::TUPLE_ORIGINAL)?;
    let (protocol, forward) = read_tuple(Attributes(original))?;
    let (_, reply) = read_tuple(attributes.nested(conntrack::TUPLE_REPLY)?)?;
    Some((Flow { protocol, original: forward, reply }, original))
}

fn read_tuple(tuple: Attributes<'_>) -> Option<(u8, Tuple)> {
    let addresses = tuple.nested(conntrack::TUPLE_ADDRESSES)?;
    let protocol = tuple.nested(conntrack::TUPLE_PROTOCOL)?;
    let address = |v4, v6| -> Option<IpAddr> {
        if let Some(bytes) = addresses.get(v4) {
            return Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into());
        }
        Some(Ipv6Addr::from(<[u8; 16]>::try_from(addresses.get(v6)?).ok()?).into())
    };
    // Protocols without ports (ICMP) read as port 0.
    let port = |kind| protocol.get(kind).and_then(|b| b.try_into().ok()).map_or(0, u16::from_be_bytes);
    let number = *protocol.get(conntrack::PROTOCOL_NUMBER)?.first()?;
    let source =
        SocketAddr::new(address(conntrack::SOURCE_V4, conntrack::SOURCE_V6)?, port(conntrack::SOURCE_PORT));
    let destination = SocketAddr::new(
        address(conntrack::DESTINATION_V4, conntrack::DESTINATION_V6)?,
        port(conntrack::DESTINATION_PORT),
    );
    Some((number, Tuple { source, destination }))
}
