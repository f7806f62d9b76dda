//! TLS settings from certificates: rustls with ring, HTTP/2 before HTTP/1.1.

use super::HttpsError;
use crate::kubeconfig::Access;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use skiff_pki::AnyCertificate;
use std::sync::Arc;

/// Where systems keep the certificates that they trust.
const SYSTEM_ROOTS: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// The settings for one server and identity.
pub(super) fn config(access: &Access) -> Result<Arc<ClientConfig>, HttpsError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| certificates("TLS versions", error))?;
    let builder = if access.insecure_skip_tls_verify {
        builder.dangerous().with_custom_certificate_verifier(AnyCertificate::verifier())
    } else {
        builder.with_root_certificates(roots(access)?)
    };
    let mut config = match &access.client_certificate {
        Some((certificate, key)) => {
            let key =
                PrivateKeyDer::from_pem_slice(key).map_err(|error| certificates("client key", error))?;
            let chain = chain("client certificate", certificate)?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| certificates("client certificate", error))?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(what: &'static str, why: impl std::fmt::Display) -> HttpsError {
    HttpsError::Certificates { what, why: why.to_string() }
}

fn chain(what: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, HttpsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|error| certificates(what, error))?;
    if chain.is_empty() { Err(certificates(what, "holds no certificate")) } else { Ok(chain) }
}

fn roots(access: &Access) -> Result<RootCertStore, HttpsError> {
    let mut roots = RootCertStore::empty();
    match &access.certificate_authority {
        Some(pem) => {
            for certificate in chain("certificate authority", pem)? {
                roots.add(certificate).map_err(|error| certificates("certificate authority", error))?;
            }
        }
        None => {
            let system = SYSTEM_ROOTS.iter().find_map(|path| std::fs::read(path).ok()).unwrap_or_default();
            roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&system).flatten());
        }
    }
    Ok(roots)
}
