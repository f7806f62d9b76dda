//! The ways to ask a container how it is: a command in it, HTTP, a TCP connection, gRPC's health protocol.
//!
//! To add one: a file with an `async fn probe(.., timeout) -> ProbeOutcome`, and its case in `agent::tasks::probe`.
//! Failure texts are upstream's (Go's), because people search for them.

pub mod exec;
pub mod grpc;
pub mod http;
pub mod tcp;

use std::io;

/// An I/O error in Go's words.
fn go_error(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connect: connection refused".into(),
        io::ErrorKind::ConnectionReset => "read: connection reset by peer".into(),
        io::ErrorKind::HostUnreachable => "connect: no route to host".into(),
        io::ErrorKind::NetworkUnreachable => "connect: network is unreachable".into(),
        io::ErrorKind::TimedOut => "i/o timeout".into(),
        _ => error.to_string(),
    }
}

/// `host:port`, IPv6 addresses in brackets.
fn host_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
