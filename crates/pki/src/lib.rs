//! Certificate authorities, certificates, service-account keys and kubeconfigs.
//!
//! Place in the data's way: the composing binary makes or opens the authorities when a server starts; the API server,
//! the kubelet and the clients get their certificates from here.
//!
//! Invariants:
//! - private keys are files of mode 0600, written by rename, or live in memory only;
//! - leaf certificates are issued at start and renewed before they end; only authorities and the service-account key
//!   are kept;
//! - all cryptography is ring's.

pub mod any_certificate;
pub mod authority;
pub mod client;
pub mod file;
pub mod file_certificate;
pub mod kubeconfig;
pub mod serving;
pub mod token;

pub use any_certificate::AnyCertificate;
pub use authority::{Authority, CertificateRequest, Issued, Usage};
pub use client::client_tls;
pub use file_certificate::FileCertificate;
pub use serving::ServingCertificate;
pub use token::{TokenError, TokenKeys};

use std::path::PathBuf;
use std::sync::Arc;

/// What can go wrong with keys and certificates.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A file cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A certificate or key cannot be made or read.
    #[error("certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A file does not hold what it should.
    #[error("{path}: {message}", path = path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A key does not fit its certificate.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// The authorities and keys of a cluster, kept in `DIR`: `server-ca`, `client-ca`, `service-account.key`.
pub struct Pki {
    /// Signs serving certificates of the API server and the kubelets.
    pub server_ca: Arc<Authority>,
    /// Signs client certificates.
    pub client_ca: Arc<Authority>,
    /// Signs service-account tokens.
    pub service_account: Arc<TokenKeys>,
}

impl Pki {
    /// Opens the authorities in a directory, making those that are not there.
    ///
    /// # Errors
    /// If files cannot be read, written or understood.
    pub fn open(dir: &std::path::Path) -> Result<Self, PkiError> {
        file::make_private_dir(dir)?;
        Ok(Self {
            server_ca: Arc::new(Authority::open(dir, "server-ca", "skiff-server-ca")?),
            client_ca: Arc::new(Authority::open(dir, "client-ca", "skiff-client-ca")?),
            service_account: Arc::new(TokenKeys::open(&dir.join("service-account.key"))?),
        })
    }
}
