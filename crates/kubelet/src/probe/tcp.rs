//! A TCP connection: that it opens is enough.

use super::{go_error, host_port};
use crate::worker::probes::ProbeOutcome;
use std::time::Duration;
use tokio::net::TcpStream;

/// Opens a connection.
pub async fn probe(host: &str, port: u16, timeout: Duration) -> ProbeOutcome {
    let address = host_port(host, port);
    match tokio::time::timeout(timeout, TcpStream::connect(&address)).await {
        Ok(Ok(_)) => ProbeOutcome::Success,
        Ok(Err(error)) => ProbeOutcome::Failure(format!("dial tcp {address}: {}", go_error(&error))),
        Err(_) => ProbeOutcome::Failure(format!("dial tcp {address}: i/o timeout")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_listener_decides() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let timeout = Duration::from_secs(5);
        assert_eq!(probe("127.0.0.1", port, timeout).await, ProbeOutcome::Success);
        drop(listener);
        assert_eq!(
            probe("127.0.0.1", port, timeout).await,
            ProbeOutcome::Failure(format!("dial tcp 127.0.0.1:{port}: connect: connection refused"))
        );
    }
}
