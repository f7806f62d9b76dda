//! A certificate authority and what it issues.

use crate::{PkiError, file};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType,
};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;
use time::OffsetDateTime;

/// How long an authority lives.
const AUTHORITY_LIFETIME: Duration = Duration::from_secs(3650 * 24 * 3600);
/// How long a leaf certificate lives, as upstream's do.
pub const LEAF_LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);
/// Certificates begin this much in the past, for machines whose clocks lag.
const BACKDATE: Duration = Duration::from_secs(3600);

/// A certificate authority: its certificate and the key that signs with it.
pub struct Authority {
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// A TLS server.
    Server,
    /// A TLS client.
    Client,
}

/// What a certificate should say.
#[derive(Debug, Clone)]
pub struct CertificateRequest {
    /// Subject common name: the user of a client certificate.
    pub common_name: String,
    /// Subject organization: the group of a client certificate.
    pub organization: Option<String>,
    /// DNS names of a server.
    pub dns_names: Vec<String>,
    /// Addresses of a server.
    pub addresses: Vec<IpAddr>,
    /// Server or client.
    pub usage: Usage,
}

/// A certificate with its key, both PEM.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate.
    pub certificate_pem: String,
    /// PKCS#8 of the private key.
    pub key_pem: String,
}

impl CertificateRequest {
    /// A client certificate for a user in a group.
    pub fn client(user: impl Into<String>, group: Option<&str>) -> Self {
        Self {
            common_name: user.into(),
            organization: group.map(str::to_owned),
            dns_names: Vec::new(),
            addresses: Vec::new(),
            usage: Usage::Client,
        }
    }

    /// A serving certificate for names and addresses.
    pub fn server(common_name: impl Into<String>, dns_names: Vec<String>, addresses: Vec<IpAddr>) -> Self {
        Self {
            common_name: common_name.into(),
            organization: None,
            dns_names,
            addresses,
            usage: Usage::Server,
        }
    }
}

impl CertificateRequest {
    /// A certificate that its own key signs, for servers that nobody gave one.
    ///
    /// # Errors
    /// If a DNS name is malformed.
    pub fn self_signed(&self) -> Result<Issued, PkiError> {
        let key = KeyPair::generate()?;
        let certificate = self.params()?.self_signed(&key)?;
        Ok(Issued { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() })
    }

    fn params(&self) -> Result<CertificateParams, PkiError> {
        let mut params = CertificateParams::new(self.dns_names.clone())?;
        params.subject_alt_names.extend(self.addresses.iter().copied().map(SanType::IpAddress));
        params.distinguished_name = DistinguishedName::new();
        if let Some(organization) = &self.organization {
            params.distinguished_name.push(DnType::OrganizationName, organization.as_str());
        }
        params.distinguished_name.push(DnType::CommonName, self.common_name.as_str());
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages = vec![match self.usage {
            Usage::Server => ExtendedKeyUsagePurpose::ServerAuth,
            Usage::Client => ExtendedKeyUsagePurpose::ClientAuth,
        }];
        params.use_authority_key_identifier_extension = true;
        set_lifetime(&mut params, LEAF_LIFETIME);
        Ok(params)
    }
}

impl Authority {
    /// Opens `DIR/NAME.crt` and `DIR/NAME.key`, making both if there is no key.
    ///
    /// # Errors
    /// If files cannot be read, written or understood, or only one of them is there.
    pub fn open(dir: &Path, name: &str, common_name: &str) -> Result<Self, PkiError> {
        let (certificate_path, key_path) = (dir.join(format!("{name}.crt")), dir.join(format!("{name}.key")));
        match (file::read(&certificate_path)?, file::read(&key_path)?) {
            (Some(certificate), Some(key)) => {
                Self::from_pem(certificate, &key).map_err(|e| PkiError::Malformed {
                    path: key_path,
                    message: format!("certificate authority cannot be read: {e}"),
                })
            }
            // The certificate is written last: without it nothing was issued yet.
            (None, _) => {
                let (authority, key) = Self::generate(common_name)?;
                file::write_private(&key_path, key.as_bytes())?;
                file::write_public(&certificate_path, authority.certificate_pem.as_bytes())?;
                Ok(authority)
            }
            (Some(_), None) => Err(PkiError::Malformed {
                path: key_path,
                message: format!("missing, but {} is there", certificate_path.display()),
            }),
        }
    }

    fn generate(common_name: &str) -> Result<(Self, String), PkiError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        set_lifetime(&mut params, AUTHORITY_LIFETIME);
        let certificate_pem = params.self_signed(&key)?.pem();
        let key_pem = key.serialize_pem();
        Ok((Self::from_pem(certificate_pem, &key_pem)?, key_pem))
    }

    fn from_pem(certificate_pem: String, key_pem: &str) -> Result<Self, PkiError> {
        let issuer = Issuer::from_ca_cert_pem(&certificate_pem, KeyPair::from_pem(key_pem)?)?;
        Ok(Self { certificate_pem, issuer })
    }

    /// The authority's certificate, PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Issues a certificate with a new key.
    ///
    /// # Errors
    /// If a DNS name is malformed.
    pub fn issue(&self, request: &CertificateRequest) -> Result<Issued, PkiError> {
        let key = KeyPair::generate()?;
        let params = request.params()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Issued { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() })
    }
}

fn set_lifetime(params: &mut CertificateParams, lifetime: Duration) {
    let now = OffsetDateTime::now_utc();
    params.not_before = now - BACKDATE;
    params.not_after = now + lifetime;
}

#[cfg(test)]
mod tests {
    use super::*;
    use x509_parser::prelude::FromDer;

    fn subject(pem: &str) -> (Vec<String>, Vec<String>) {
        let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
        let (_, certificate) = x509_parser::certificate::X509Certificate::from_der(&pem.contents).unwrap();
        let texts = |iter: Vec<&str>| iter.into_iter().map(str::to_owned).collect();
        (
            texts(certificate.subject().iter_common_name().map(|a| a.as_str().unwrap()).collect()),
            texts(certificate.subject().iter_organization().map(|a| a.as_str().unwrap()).collect()),
        )
    }

    #[test]
    fn an_authority_is_kept_and_issues_after_it_was_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        let first = Authority::open(dir.path(), "ca", "test-ca").unwrap();
        let second = Authority::open(dir.path(), "ca", "test-ca").unwrap();
        assert_eq!(first.certificate_pem(), second.certificate_pem());
        let issued = second.issue(&CertificateRequest::client("alice", Some("dev"))).unwrap();
        assert_eq!(subject(&issued.certificate_pem), (vec!["alice".into()], vec!["dev".into()]));
    }

    #[test]
    fn a_lost_key_is_an_error_and_nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let first = Authority::open(dir.path(), "ca", "test-ca").unwrap();
        std::fs::remove_file(dir.path().join("ca.key")).unwrap();
        assert!(Authority::open(dir.path(), "ca", "test-ca").is_err());
        let kept = std::fs::read_to_string(dir.path().join("ca.crt")).unwrap();
        assert_eq!(kept, first.certificate_pem());
    }
}
