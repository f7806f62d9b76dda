//! A server's certificate that renews itself while the server runs.

use crate::authority::LEAF_LIFETIME;
use crate::{Authority, CertificateRequest, Issued, PkiError};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Issued by an authority of this process, and issued anew after four fifths of its life, at the next handshake.
pub struct ServingCertificate {
    authority: Arc<Authority>,
    request: CertificateRequest,
    current: Mutex<(Arc<CertifiedKey>, Instant)>,
}

impl ServingCertificate {
    /// Issues the first certificate.
    ///
    /// # Errors
    /// If a name is malformed.
    pub fn new(authority: Arc<Authority>, request: CertificateRequest) -> Result<Arc<Self>, PkiError> {
        let current = Mutex::new((certified_key(&authority.issue(&request)?)?, Instant::now()));
        Ok(Arc::new(Self { authority, request, current }))
    }

    fn current(&self) -> Arc<CertifiedKey> {
        let mut current = self.current.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if current.1.elapsed() > LEAF_LIFETIME / 5 * 4 {
            match self.authority.issue(&self.request).and_then(|issued| certified_key(&issued)) {
                Ok(key) => *current = (key, Instant::now()),
                Err(error) => tracing::error!(%error, "cannot renew the serving certificate"),
            }
        }
        Arc::clone(&current.0)
    }
}

impl ResolvesServerCert for ServingCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl std::fmt::Debug for ServingCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServingCertificate").field("request", &self.request).finish_non_exhaustive()
    }
}

/// A certificate and key as rustls takes them.
///
/// # Errors
/// If they are malformed or do not belong together.
pub fn certified_key(issued: &Issued) -> Result<Arc<CertifiedKey>, PkiError> {
    let (chain, key) = parse(issued)?;
    Ok(Arc::new(CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider())?))
}

/// The DER of a certificate chain and its key.
///
/// # Errors
/// If the PEM is malformed.
pub fn parse(issued: &Issued) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), PkiError> {
    let malformed = |e: rustls_pki_types::pem::Error| PkiError::Malformed {
        path: "certificate".into(),
        message: format!("not PEM: {e}"),
    };
    let chain = CertificateDer::pem_slice_iter(issued.certificate_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(malformed)?;
    let key = PrivateKeyDer::from_pem_slice(issued.key_pem.as_bytes()).map_err(malformed)?;
    Ok((chain, key))
}

/// A root store with the certificates of a PEM bundle.
///
/// # Errors
/// If the PEM is malformed.
pub fn roots(bundle_pem: &str) -> Result<rustls::RootCertStore, PkiError> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle_pem.as_bytes()) {
        let certificate = certificate.map_err(|e| PkiError::Malformed {
            path: "CA bundle".into(),
            message: format!("not PEM: {e}"),
        })?;
        roots.add(certificate)?;
    }
    Ok(roots)
}

/// A self-signed certificate that lives as long as the process, for servers that nobody gave one.
///
/// # Errors
/// If a name is malformed.
pub fn in_memory(request: &CertificateRequest) -> Result<Arc<dyn ResolvesServerCert>, PkiError> {
    let key = certified_key(&request.self_signed()?)?;
    Ok(Arc::new(rustls::sign::SingleCertAndKey::from(key)))
}
