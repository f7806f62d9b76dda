//! TLS to servers: verified with the API server's certificate for kubelets, unverified for what `https:` proxies lead to.

use super::{BoxedConnection, Destination, Security};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use skiff_pki::AnyCertificate;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::TlsConnector;

/// Longest wait for a handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The two ways of trusting a server.
pub(super) struct Tls {
    node: TlsConnector,
    unverified: TlsConnector,
}

impl Tls {
    pub(super) fn new(node: Arc<ClientConfig>) -> Self {
        Self { node: node.into(), unverified: Arc::new(unverified()).into() }
    }

    /// The connection with TLS on top, if the destination wants any.
    pub(super) async fn secure(
        &self,
        destination: &Destination,
        connection: BoxedConnection,
    ) -> io::Result<BoxedConnection> {
        let connector = match destination.security {
            Security::Plain => return Ok(connection),
            Security::Node => &self.node,
            Security::Unverified => &self.unverified,
        };
        let name = ServerName::try_from(destination.host.clone()).map_err(io::Error::other)?;
        let handshake = tokio::time::timeout(HANDSHAKE, connector.connect(name, connection)).await;
        let stream = handshake.map_err(|_| io::Error::other("net/http: TLS handshake timeout"))?;
        Ok(Box::new(stream.map_err(|error| io::Error::other(format!("tls: {error}")))?))
    }
}

fn unverified() -> ClientConfig {
    // Proxied servers are reached by address and mostly have certificates for other names.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring offers the default protocol versions")
        .dangerous()
        .with_custom_certificate_verifier(AnyCertificate::verifier())
        .with_no_client_auth()
}
