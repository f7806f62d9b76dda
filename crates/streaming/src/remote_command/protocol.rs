//! The protocols of exec and attach: which versions exist and how each reports the end.

use crate::upgrade::{self, Asked, UpgradeError};
use crate::websocket::Encoding;
use http::{HeaderMap, Response};

/// A version of the remote command protocol, in order of age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    /// Errors as text.
    V1,
    /// As v1, with streams that are closed properly.
    V2,
    /// Adds terminal sizes.
    V3,
    /// Adds the exit code in a Status.
    V4,
    /// Adds the end of single channels; WebSocket only.
    V5,
}

/// What carries the streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Carrier {
    /// SPDY streams.
    Spdy,
    /// WebSocket channels.
    WebSocket { encoding: Encoding, accept: String },
}

/// A negotiated protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Protocol {
    pub(super) name: &'static str,
    pub(super) version: Version,
    pub(super) carrier: Carrier,
}

const SPDY: [(&str, Version); 4] = [
    ("v4.channel.k8s.io", Version::V4),
    ("v3.channel.k8s.io", Version::V3),
    ("v2.channel.k8s.io", Version::V2),
    ("channel.k8s.io", Version::V1),
];

const WEBSOCKET: [(&str, Version, Encoding); 5] = [
    ("v5.channel.k8s.io", Version::V5, Encoding::Binary),
    ("v4.channel.k8s.io", Version::V4, Encoding::Binary),
    ("v4.base64.channel.k8s.io", Version::V4, Encoding::Base64),
    ("channel.k8s.io", Version::V1, Encoding::Binary),
    ("base64.channel.k8s.io", Version::V1, Encoding::Base64),
];

impl Protocol {
    /// Chooses the protocol for a request; a client that names none speaks the first version.
    pub(super) fn negotiate(headers: &HeaderMap) -> Result<Self, UpgradeError> {
        match Asked::read(headers)? {
            Asked::Spdy { protocols } => {
                let (name, version) = match protocols.is_empty() {
                    true => ("", Version::V1),
                    false => {
                        let name = upgrade::choose(&protocols, &SPDY.map(|(name, _)| name))?;
                        *SPDY.iter().find(|(known, _)| *known == name).unwrap_or(&SPDY[3])
                    }
                };
                Ok(Self { name, version, carrier: Carrier::Spdy })
            }
            Asked::WebSocket { protocols, accept } => {
                let (name, version, encoding) = match protocols.is_empty() {
                    true => ("", Version::V1, Encoding::Binary),
                    false => {
                        let name = upgrade::choose(&protocols, &WEBSOCKET.map(|(name, ..)| name))?;
                        *WEBSOCKET.iter().find(|(known, ..)| *known == name).unwrap_or(&WEBSOCKET[3])
                    }
                };
                Ok(Self { name, version, carrier: Carrier::WebSocket { encoding, accept } })
            }
        }
    }

    /// The answer that switches to it.
    pub(super) fn response(&self) -> Response<()> {
        match &self.carrier {
            Carrier::Spdy => upgrade::spdy_response(self.name),
            Carrier::WebSocket { accept, .. } => upgrade::websocket_response(self.name, accept),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue, StatusCode};

    fn headers<const N: usize>(pairs: [(&'static str, &'static str); N]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_client_s_first_known_spdy_protocol_is_chosen() {
        let asked = headers([
            ("connection", "Upgrade"),
            ("upgrade", "SPDY/3.1"),
            ("x-stream-protocol-version", "v9.channel.k8s.io"),
            ("x-stream-protocol-version", "v4.channel.k8s.io"),
            ("x-stream-protocol-version", "v3.channel.k8s.io"),
        ]);
        let protocol = Protocol::negotiate(&asked).unwrap();
        assert_eq!((protocol.version, &protocol.carrier), (Version::V4, &Carrier::Spdy));
        let response = protocol.response();
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(response.headers()["upgrade"], "SPDY/3.1");
        assert_eq!(response.headers()["x-stream-protocol-version"], "v4.channel.k8s.io");
    }

    #[test]
    fn a_websocket_is_answered_with_its_proof_and_protocol() {
        let asked = headers([
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-version", "13"),
            ("sec-websocket-protocol", "v5.channel.k8s.io, v4.channel.k8s.io"),
        ]);
        let response = Protocol::negotiate(&asked).unwrap().response();
        assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(response.headers()["sec-websocket-protocol"], "v5.channel.k8s.io");
    }

    #[test]
    fn a_client_that_names_no_protocol_speaks_the_first() {
        let asked = headers([("connection", "Upgrade"), ("upgrade", "SPDY/3.1")]);
        let protocol = Protocol::negotiate(&asked).unwrap();
        assert_eq!(protocol.version, Version::V1);
        assert!(!protocol.response().headers().contains_key("x-stream-protocol-version"));
    }

    #[test]
    fn strangers_are_told_what_is_spoken_here() {
        let asked = headers([
            ("connection", "Upgrade"),
            ("upgrade", "SPDY/3.1"),
            ("x-stream-protocol-version", "v9"),
        ]);
        let response = Protocol::negotiate(&asked).unwrap_err().response();
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert_eq!(response.headers().get_all("x-accepted-stream-protocol-versions").iter().count(), 4);
    }

    #[test]
    fn a_plain_request_is_refused() {
        assert_eq!(Protocol::negotiate(&headers([])), Err(UpgradeError::NotAnUpgrade));
        assert_eq!(UpgradeError::NotAnUpgrade.response().status(), StatusCode::BAD_REQUEST);
    }
}
