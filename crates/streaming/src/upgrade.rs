//! Recognizing and answering the two kinds of upgrade that clients ask for.

use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Which streaming protocols a client can speak, and which was chosen.
pub(crate) const STREAM_PROTOCOL_VERSION: HeaderName = HeaderName::from_static("x-stream-protocol-version");
const ACCEPTED_STREAM_PROTOCOLS: HeaderName = HeaderName::from_static("x-accepted-stream-protocol-versions");
const SPDY: &str = "SPDY/3.1";

/// Why a request cannot be upgraded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpgradeError {
    /// It asks for no upgrade that is known here.
    #[error("unable to upgrade: missing upgrade headers in request")]
    NotAnUpgrade,
    /// It asks for an upgrade incorrectly.
    #[error("unable to upgrade: {0}")]
    Malformed(&'static str),
    /// Client and server have no protocol in common.
    #[error(
        "unable to upgrade: unable to negotiate protocol: client supports {client:?}, server accepts {server:?}"
    )]
    NoCommonProtocol {
        /// The client's.
        client: Vec<String>,
        /// Ours.
        server: Vec<&'static str>,
    },
}

impl UpgradeError {
    /// The answer that says so.
    pub fn response(&self) -> Response<String> {
        let mut response = Response::new(self.to_string());
        *response.status_mut() = match self {
            Self::NotAnUpgrade | Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::NoCommonProtocol { .. } => StatusCode::FORBIDDEN,
        };
        if let Self::NoCommonProtocol { server, .. } = self {
            for protocol in server {
                response.headers_mut().append(ACCEPTED_STREAM_PROTOCOLS, HeaderValue::from_static(protocol));
            }
        }
        response
    }
}

/// What kind of upgrade a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Raw SPDY; the client's protocols in its order of preference.
    Spdy { protocols: Vec<String> },
    /// WebSocket; the client's subprotocols in its order of preference, and what proves that the server understood.
    WebSocket { protocols: Vec<String>, accept: String },
}

impl Asked {
    /// Reads a request's headers.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, UpgradeError> {
        let upgrade = tokens(headers, &UPGRADE);
        if !tokens(headers, &CONNECTION).iter().any(|token| token.eq_ignore_ascii_case("upgrade")) {
            return Err(UpgradeError::NotAnUpgrade);
        }
        if upgrade.iter().any(|token| token.eq_ignore_ascii_case("websocket")) {
            let key =
                headers.get(SEC_WEBSOCKET_KEY).ok_or(UpgradeError::Malformed("missing Sec-WebSocket-Key"))?;
            let accept = derive_accept_key(key.as_bytes());
            return Ok(Self::WebSocket { protocols: tokens(headers, &SEC_WEBSOCKET_PROTOCOL), accept });
        }
        if upgrade.iter().any(|token| token.eq_ignore_ascii_case(SPDY)) {
            return Ok(Self::Spdy { protocols: tokens(headers, &STREAM_PROTOCOL_VERSION) });
        }
        Err(UpgradeError::NotAnUpgrade)
    }
}

/// The first of the client's protocols that the server speaks.
pub(crate) fn choose(client: &[String], server: &[&'static str]) -> Result<&'static str, UpgradeError> {
    let common = client.iter().find_map(|name| server.iter().find(|known| *known == name));
    common
        .copied()
        .ok_or_else(|| UpgradeError::NoCommonProtocol { client: client.to_vec(), server: server.to_vec() })
}

/// 101 to SPDY; `protocol` is empty if the client named none.
pub(crate) fn spdy_response(protocol: &'static str) -> Response<()> {
    let mut response = switching(SPDY);
    if !protocol.is_empty() {
        response.headers_mut().insert(STREAM_PROTOCOL_VERSION, HeaderValue::from_static(protocol));
    }
    response
}

/// 101 to WebSocket; `protocol` is empty if the client named none.
pub(crate) fn websocket_response(protocol: &'static str, accept: &str) -> Response<()> {
    let mut response = switching("websocket");
    if let Ok(accept) = HeaderValue::from_str(accept) {
        response.headers_mut().insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    if !protocol.is_empty() {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    }
    response
}

fn switching(to: &'static str) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static(to));
    response
}

fn tokens(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(|token| token.trim().to_owned())
        .filter(|t| !t.is_empty())
        .collect()
}
