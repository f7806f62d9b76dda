//! A server's certificate in files that somebody else renews, as `--tls-cert-file` and `--tls-private-key-file` name them.

use crate::serving::certified_key;
use crate::{CertificateRequest, Issued, PkiError, file};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often the files are looked at, at most; upstream does it every minute.
const LOOK: Duration = Duration::from_secs(60);

/// Read at the start, and again at a handshake when a minute has passed. Files that cannot be used then leave the
/// certificate as it was.
pub struct FileCertificate {
    certificate: PathBuf,
    key: PathBuf,
    current: Mutex<(Arc<CertifiedKey>, Instant)>,
}

impl FileCertificate {
    /// Reads the files.
    ///
    /// # Errors
    /// If they cannot be read or do not belong together.
    pub fn open(certificate: &Path, key: &Path) -> Result<Arc<Self>, PkiError> {
        let current = Mutex::new((read(certificate, key)?, Instant::now()));
        Ok(Arc::new(Self { certificate: certificate.to_owned(), key: key.to_owned(), current }))
    }

    /// `DIR/NAME.crt` and `DIR/NAME.key`, made and self-signed if they are not there, as upstream's components do when no
    /// certificate is given.
    ///
    /// # Errors
    /// If the files cannot be read, written or used.
    pub fn open_or_make(dir: &Path, name: &str, request: &CertificateRequest) -> Result<Arc<Self>, PkiError> {
        let (certificate, key) = (dir.join(format!("{name}.crt")), dir.join(format!("{name}.key")));
        if !certificate.exists() || !key.exists() {
            file::make_private_dir(dir)?;
            let issued = request.self_signed()?;
            file::write_private(&key, issued.key_pem.as_bytes())?;
            file::write_public(&certificate, issued.certificate_pem.as_bytes())?;
        }
        Self::open(&certificate, &key)
    }

    fn current(&self) -> Arc<CertifiedKey> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.1.elapsed() > LOOK {
            current.1 = Instant::now();
            match read(&self.certificate, &self.key) {
                Ok(key) => current.0 = key,
                Err(error) => tracing::warn!(%error, "cannot read the serving certificate again"),
            }
        }
        Arc::clone(&current.0)
    }
}

impl ResolvesServerCert for FileCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl std::fmt::Debug for FileCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileCertificate").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>, PkiError> {
    let text = |path: &Path| {
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        file::read(path)?.ok_or(PkiError::File { path: path.to_owned(), source: missing })
    };
    let named =
        |error: PkiError| PkiError::Malformed { path: certificate.to_owned(), message: error.to_string() };
    certified_key(&Issued { certificate_pem: text(certificate)?, key_pem: text(key)? }).map_err(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_certificate_is_made_once_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let request = CertificateRequest::server("host", vec!["localhost".into()], vec![]);
        let first = FileCertificate::open_or_make(dir.path(), "apiserver", &request).unwrap();
        let second = FileCertificate::open_or_make(dir.path(), "apiserver", &request).unwrap();
        assert_eq!(first.current().cert, second.current().cert);
    }

    #[test]
    fn files_that_are_missing_or_do_not_belong_together_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let request = CertificateRequest::server("host", vec![], vec![]);
        for name in ["a", "b"] {
            FileCertificate::open_or_make(dir.path(), name, &request).unwrap();
        }
        let path = |name: &str| dir.path().join(name);
        let told = FileCertificate::open(&path("a.crt"), &path("b.key")).unwrap_err().to_string();
        assert!(told.contains("a.crt"), "{told}");
        let told = FileCertificate::open(&path("a.crt"), &path("c.key")).unwrap_err().to_string();
        assert!(told.contains("c.key"), "{told}");
    }
}
