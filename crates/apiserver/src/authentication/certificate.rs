//! Client certificates: the common name is the user, the organizations are the groups.

use super::{Authenticator, Credentials, InvalidCredentials, UserInfo};
use futures::future::BoxFuture;
use x509_parser::prelude::FromDer;

/// Reads the user from a certificate that TLS has verified against the client CA.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClientCertificate;

impl Authenticator for ClientCertificate {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Option<UserInfo>, InvalidCredentials>> {
        Box::pin(std::future::ready(credentials.certificate.map_or(Ok(None), user_of)))
    }
}

fn user_of(der: &[u8]) -> Result<Option<UserInfo>, InvalidCredentials> {
    let (_, certificate) = x509_parser::certificate::X509Certificate::from_der(der)
        .map_err(|e| InvalidCredentials(format!("client certificate: {e}")))?;
    let subject = certificate.subject();
    let name = subject.iter_common_name().filter_map(|a| a.as_str().ok()).last().unwrap_or_default();
    if name.is_empty() {
        return Ok(None);
    }
    let groups: Vec<String> =
        subject.iter_organization().filter_map(|a| a.as_str().ok()).map(str::to_owned).collect();
    let mut user = UserInfo::authenticated(name, groups);
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    let fingerprint: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    user.extra.insert(
        "authentication.kubernetes.io/credential-id".to_owned(),
        vec![format!("X509SHA256={fingerprint}")],
    );
    Ok(Some(user))
}
