//! Ports, addresses and protocols.

use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::net::{IpAddr, Ipv4Addr};

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

/// The address of a text, in canonical form only where that is unambiguous (no leading zeros, no mapped addresses).
pub fn ip(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

/// What is wrong with an address.
pub fn ip_error(field: &FieldPath, text: &str) -> Option<FieldError> {
    let why = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
    ip(text).is_none().then(|| FieldError::invalid(field, text, why))
}

/// What is wrong with an address block.
pub fn cidr_error(field: &FieldPath, text: &str) -> Option<FieldError> {
    let why = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
    text.parse::<ipnet::IpNet>().is_err().then(|| FieldError::invalid(field, text, why))
}

/// What is wrong with an address that pods and services are to be reached at.
pub fn endpoint_ip(field: &FieldPath, text: &str) -> Option<FieldError> {
    let Some(address) = ip(text) else { return ip_error(field, text) };
    let why = if address.is_unspecified() {
        format!("may not be unspecified ({text})")
    } else if address.is_loopback() {
        "may not be in the loopback range (127.0.0.0/8, ::1/128)".to_owned()
    } else if is_link_local(address) {
        "may not be in the link-local range (169.254.0.0/16, fe80::/10)".to_owned()
    } else if is_link_local_multicast(address) {
        "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".to_owned()
    } else {
        return None;
    };
    Some(FieldError::invalid(field, text, why))
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.segments()[0] & 0xffc0 == 0xfe80,
    }
}

fn is_link_local_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.octets()[..3] == Ipv4Addr::new(224, 0, 0, 0).octets()[..3],
        IpAddr::V6(v6) => v6.segments()[0] & 0xff0f == 0xff02,
    }
}
