//! Port-forward: connections of the client, each to a port of the pod.
//!
//! Modern clients speak SPDY, raw or tunnelled in WebSocket, and open a pair of streams per connection ([`spdy`]); older
//! WebSocket clients name the ports in the request and get two channels for each ([`channels`]).

mod channels;
mod forward;
mod spdy;

pub use forward::Dial;

use crate::streams::Connection;
use crate::upgrade::{self, Asked};
use crate::websocket::{Encoding, Tunnel};
use crate::{SessionError, UpgradeError};
use http::{Request, Response};

const SPDY: &str = "portforward.k8s.io";
const TUNNEL: &str = "SPDY/3.1+portforward.k8s.io";
const CHANNELS: [(&str, Encoding); 2] =
    [("v4.channel.k8s.io", Encoding::Binary), ("v4.base64.channel.k8s.io", Encoding::Base64)];

/// An upgrade that was agreed on and not yet carried out.
#[derive(Debug)]
pub struct PortForwardUpgrade {
    protocol: Protocol,
}

#[derive(Debug)]
enum Protocol {
    Spdy,
    Tunnel { accept: String },
    Channels { name: &'static str, encoding: Encoding, accept: String, ports: Vec<u16> },
}

/// Chooses the protocol for a port-forward request.
pub fn negotiate<B>(request: &Request<B>) -> Result<PortForwardUpgrade, UpgradeError> {
    let protocol = match Asked::read(request.headers())? {
        Asked::Spdy { protocols } => {
            if !protocols.is_empty() {
                upgrade::choose(&protocols, &[SPDY])?;
            }
            Protocol::Spdy
        }
        Asked::WebSocket { protocols, accept } => {
            match upgrade::choose(&protocols, &[TUNNEL, CHANNELS[0].0, CHANNELS[1].0])? {
                TUNNEL => Protocol::Tunnel { accept },
                name => {
                    let encoding = if name == CHANNELS[0].0 { CHANNELS[0].1 } else { CHANNELS[1].1 };
                    let ports = channels::ports(request.uri().query().unwrap_or_default())?;
                    Protocol::Channels { name, encoding, accept, ports }
                }
            }
        }
    };
    Ok(PortForwardUpgrade { protocol })
}

impl PortForwardUpgrade {
    /// The 101 response.
    pub fn response(&self) -> Response<()> {
        match &self.protocol {
            Protocol::Spdy => upgrade::spdy_response(SPDY),
            Protocol::Tunnel { accept } => upgrade::websocket_response(TUNNEL, accept),
            Protocol::Channels { name, accept, .. } => upgrade::websocket_response(name, accept),
        }
    }

    /// Serves the client on the upgraded connection until it goes away. Every connection of the client is made by `dial`,
    /// whose error the client shows to its user.
    pub async fn serve(self, io: impl Connection, dial: Dial) -> Result<(), SessionError> {
        match self.protocol {
            Protocol::Spdy => spdy::serve(io, dial).await,
            Protocol::Tunnel { .. } => spdy::serve(Tunnel::new(io).await, dial).await,
            Protocol::Channels { encoding, ports, .. } => {
                channels::serve(io, encoding, ports, dial).await;
                Ok(())
            }
        }
    }
}
