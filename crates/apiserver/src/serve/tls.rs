//! TLS as API clients expect it: the server's certificate from a resolver, client certificates taken but not demanded.
//!
//! A client certificate that does not lead to the client CA does not break the handshake: the request is answered 401, as
//! upstream does, so that clients see why.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, SignatureScheme};
use std::sync::Arc;

/// How the server shows itself, and whom it believes.
#[derive(Clone)]
pub struct TlsConfig {
    /// The server's certificates.
    pub certificates: Arc<dyn rustls::server::ResolvesServerCert>,
    /// CAs of client certificates; empty takes none.
    pub client_authorities: Vec<CertificateDer<'static>>,
}

/// What a connection's client certificate proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientIdentity {
    /// None was sent.
    None,
    /// It leads to the client CA; DER.
    Verified(Vec<u8>),
    /// It does not.
    Refused,
}

/// Makes rustls' configuration, and what judges client certificates afterwards.
pub(super) struct Tls {
    pub(super) server: Arc<ServerConfig>,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
}

impl Tls {
    /// From the configuration.
    ///
    /// # Errors
    /// If the client CAs are no certificates.
    pub(super) fn new(config: &TlsConfig) -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = verifier(&config.client_authorities, &provider)?;
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
        let builder = match &verifier {
            Some(verifier) => builder.with_client_cert_verifier(Arc::new(Lenient(verifier.clone()))),
            None => builder.with_no_client_auth(),
        };
        let mut server = builder.with_cert_resolver(config.certificates.clone());
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { server: Arc::new(server), verifier })
    }

    /// Judges the certificates that a client sent.
    pub(super) fn identify(&self, sent: Option<&[CertificateDer<'_>]>) -> ClientIdentity {
        let Some((end, intermediates)) = sent.and_then(<[_]>::split_first) else {
            return ClientIdentity::None;
        };
        let Some(verifier) = &self.verifier else { return ClientIdentity::None };
        match verifier.verify_client_cert(end, intermediates, UnixTime::now()) {
            Ok(_) => ClientIdentity::Verified(end.to_vec()),
            Err(error) => {
                tracing::debug!(%error, "a client certificate was refused");
                ClientIdentity::Refused
            }
        }
    }
}

fn verifier(
    authorities: &[CertificateDer<'static>],
    provider: &Arc<rustls::crypto::CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, Error> {
    if authorities.is_empty() {
        return Ok(None);
    }
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority.clone())?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .allow_unauthenticated()
        .build()
        .map_err(|error| Error::General(error.to_string()))?;
    Ok(Some(verifier))
}

/// Takes any certificate whose key the client holds; whose it is, is judged after the handshake.
#[derive(Debug)]
struct Lenient(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for Lenient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
