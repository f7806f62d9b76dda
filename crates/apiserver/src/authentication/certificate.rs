//! Client certificates: the common name is the user, the organizations are the groups.

use super::{Authenticator, Credentials, InvalidCredentials, UserInfo};
use futures::future::BoxFuture;
use x509_parser::prelude::{FromDer, X509Name};

/// The attribute of a subject that holds a user's UID: upstream's own.
const UID: &str = "1.3.6.1.4.1.57683.2";

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
    user.uid = uid_of(subject)?;
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    let fingerprint: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    user.extra.insert(
        "authentication.kubernetes.io/credential-id".to_owned(),
        vec![format!("X509SHA256={fingerprint}")],
    );
    Ok(Some(user))
}

/// The UID that the subject carries, if it does.
fn uid_of(subject: &X509Name<'_>) -> Result<String, InvalidCredentials> {
    let invalid = |why: &str| InvalidCredentials(format!("client certificate: {why}"));
    let mut uids = subject.iter_attributes().filter(|attribute| attribute.attr_type().to_id_string() == UID);
    let Some(uid) = uids.next() else { return Ok(String::new()) };
    if uids.next().is_some() {
        return Err(invalid("expected 1 UID, but found multiple"));
    }
    let text = uid.as_str().map_err(|_| invalid("unable to parse UID into a string"))?;
    if text.is_empty() { Err(invalid("UID cannot be an empty string")) } else { Ok(text.to_owned()) }
}
