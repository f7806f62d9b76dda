//! Ports, addresses, address blocks and protocols.

mod address;
mod block;

pub(crate) use address::{endpoint_ip, ip_warning, strict_ip};
pub use address::{ip, ip_error};
pub use block::cidr_error;
pub(crate) use block::{block, block_warnings, strict_block};

use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::net::IpAddr;

/// The transport protocols of ports.
pub const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];

/// What is wrong with a port number.
pub fn port(field: &FieldPath, port: i64) -> Option<FieldError> {
    let valid = (1..=65535).contains(&port);
    (!valid).then(|| FieldError::invalid(field, port, "must be between 1 and 65535, inclusive"))
}

/// What is wrong with a port number or port name.
pub fn port_or_name(field: &FieldPath, value: &Document) -> FieldErrors {
    match value.as_str() {
        Some(name) => super::invalid(field, name, super::names::port_name(name)),
        None => value.as_i64().and_then(|number| port(field, number)).into_iter().collect(),
    }
}

/// `IPv4` or `IPv6`, as families are written.
pub fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "IPv4" } else { "IPv6" }
}
