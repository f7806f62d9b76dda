//! Port-forward over WebSocket channels: the request names the ports, and each has a channel for data and one for errors.
//!
//! The server opens every channel with the port's number in two bytes, low byte first. Each port is one connection.

use super::forward::{Dial, Forward};
use crate::UpgradeError;
use crate::streams::{Connection, Writer};
use crate::websocket::{Encoding, WebSocketChannels};
use futures::future::join_all;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// Ports in a request: the most that channel numbers, and digits in base64 messages, can hold.
const MAX_PORTS: usize = 5;
const FAREWELL: Duration = Duration::from_secs(10);

/// The ports that a request's query names.
pub(super) fn ports(query: &str) -> Result<Vec<u16>, UpgradeError> {
    let named =
        query.split('&').filter_map(|pair| pair.strip_prefix("ports=").or(pair.strip_prefix("port=")));
    let numbers = named.flat_map(|value| value.split(',').flat_map(|value| value.split("%2C")));
    let ports: Result<Vec<u16>, _> = numbers.map(str::parse).collect();
    match ports {
        Ok(ports) if ports.is_empty() => Err(UpgradeError::Malformed("query parameter \"port\" is required")),
        Ok(ports) if ports.len() > MAX_PORTS => Err(UpgradeError::Malformed("too many ports")),
        Ok(ports) if !ports.contains(&0) => Ok(ports),
        _ => Err(UpgradeError::Malformed("port must be between 1 and 65535")),
    }
}

/// Serves the ports until their connections have ended or the client goes away.
pub(super) async fn serve(io: impl Connection, encoding: Encoding, ports: Vec<u16>, dial: Dial) {
    let data_channels: [u8; MAX_PORTS] = std::array::from_fn(|index| 2 * index as u8);
    let (link, inboxes) = WebSocketChannels::serve(io, encoding, data_channels).await;
    let mut forwards = Vec::new();
    for ((port, channel), inbox) in ports.into_iter().zip(data_channels).zip(inboxes) {
        let mut to_client: Writer = Box::new(link.writer(channel));
        let mut error: Writer = Box::new(link.writer(channel + 1));
        // A client that is gone shows below.
        let _ = to_client.write_all(&port.to_le_bytes()).await;
        let _ = error.write_all(&port.to_le_bytes()).await;
        let forward = Forward { port, from_client: Box::new(inbox), to_client, error };
        forwards.push(forward.run(dial.clone()));
    }
    let closed = link.closed();
    tokio::select! {
        _ = join_all(forwards) => link.finish(FAREWELL).await,
        () = closed.cancelled() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_from_the_query() {
        assert_eq!(ports("ports=80&ports=443"), Ok(vec![80, 443]));
        assert_eq!(ports("a=b&ports=80,443"), Ok(vec![80, 443]));
        for bad in ["", "ports=", "ports=0", "ports=70000", "ports=1,2,3,4,5,6"] {
            assert!(ports(bad).is_err(), "{bad}");
        }
    }
}
