//! TLS settings of a client: whom it believes, and how it shows itself.

use crate::serving::{parse, roots};
use crate::{AnyCertificate, Issued, PkiError};
use std::sync::Arc;

/// Settings of a client. Without authorities (PEM) any server is believed, as upstream's API server believes kubelets
/// when no `--kubelet-certificate-authority` is given; without an identity none is shown.
///
/// # Errors
/// If certificates or keys cannot be used.
pub fn client_tls(
    authorities: Option<&str>,
    identity: Option<&Issued>,
) -> Result<Arc<rustls::ClientConfig>, PkiError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = match authorities {
        Some(pem) => builder.with_root_certificates(roots(pem)?),
        None => builder.dangerous().with_custom_certificate_verifier(AnyCertificate::verifier()),
    };
    let config = match identity {
        Some(identity) => {
            let (chain, key) = parse(identity)?;
            builder.with_client_auth_cert(chain, key)?
        }
        None => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}
