//! Where a server listens and how to be let in: what its kubeconfig says.

use anyhow::{Context, Result};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use skiff_client::kubeconfig::Kubeconfig;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// A server and a client certificate that it knows. Cheap to clone.
#[derive(Clone)]
pub struct Target {
    /// `HOST:PORT`.
    pub authority: Arc<str>,
    /// The name in the server's certificate.
    pub name: ServerName<'static>,
    /// Speaks TLS with the client certificate, HTTP/1.1 above it.
    pub tls: TlsConnector,
}

impl Target {
    /// Reads a kubeconfig.
    ///
    /// # Errors
    /// If it cannot be read, or has no certificates.
    pub fn load(kubeconfig: &Path) -> Result<Self> {
        let access = Kubeconfig::load(kubeconfig)?.access(None)?;
        let authority =
            access.server.strip_prefix("https://").context("the server is not an https address")?;
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&access.certificate_authority.context("no CA")?) {
            roots.add(certificate?)?;
        }
        let (chain, key) = access.client_certificate.context("no client certificate")?;
        let chain = CertificateDer::pem_slice_iter(&chain).collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(&key)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { authority: authority.into(), name, tls: TlsConnector::from(Arc::new(config)) })
    }
}
