//! Who sends a request: client certificate, bearer token, or nobody.
//!
//! Input: a request's head and its TLS peer certificate; output: a [`UserInfo`]. An in-process identity does not pass here:
//! only the composing binary can construct one.

pub mod certificate;
pub mod legacy_token;
pub mod no_anonymous;
pub mod openid;
pub mod service_account;
pub mod token_request;

use futures::future::BoxFuture;
use std::collections::BTreeMap;

/// An authenticated user, as `authentication.k8s.io UserInfo` tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserInfo {
    /// User name, such as `system:node:NAME`.
    pub name: String,
    /// Unique id, if the authenticator knows one.
    pub uid: String,
    /// Groups, `system:authenticated` included.
    pub groups: Vec<String>,
    /// Whatever else the authenticator says, keys in lower case.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl UserInfo {
    /// A user with `system:authenticated` added to its groups.
    pub fn authenticated(
        name: impl Into<String>,
        groups: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let mut groups: Vec<String> = groups.into_iter().map(Into::into).collect();
        if !groups.iter().any(|group| group == "system:authenticated") {
            groups.push("system:authenticated".to_owned());
        }
        Self { name: name.into(), groups, ..Self::default() }
    }

    /// `system:anonymous` in `system:unauthenticated`.
    pub fn anonymous() -> Self {
        Self {
            name: "system:anonymous".into(),
            groups: vec!["system:unauthenticated".into()],
            ..Self::default()
        }
    }

    /// Whether the user is in the group.
    pub fn in_group(&self, group: &str) -> bool {
        self.groups.iter().any(|g| g == group)
    }
}

/// What an authenticator may look at.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The request's headers.
    pub headers: &'a http::HeaderMap,
    /// DER of the client certificate that TLS verified against the client CA, if one was sent.
    pub certificate: Option<&'a [u8]>,
}

/// The credentials are there but not valid: the answer is 401.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct InvalidCredentials(pub String);

/// Finds out who sends a request.
pub trait Authenticator: Send + Sync + 'static {
    /// The user; `None` if these credentials are not this authenticator's matter.
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Option<UserInfo>, InvalidCredentials>>;
}

/// Authenticators asked in turn; the first that knows the credentials decides.
pub struct Chain(Vec<std::sync::Arc<dyn Authenticator>>);

impl Chain {
    /// From authenticators in the order in which they are asked.
    pub fn new(authenticators: Vec<std::sync::Arc<dyn Authenticator>>) -> Self {
        Self(authenticators)
    }
}

impl Authenticator for Chain {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Option<UserInfo>, InvalidCredentials>> {
        Box::pin(async move {
            for authenticator in &self.0 {
                if let Some(user) = authenticator.authenticate(credentials).await? {
                    return Ok(Some(user));
                }
            }
            Ok(None)
        })
    }
}

/// The bearer token of a request: the Authorization header, or the WebSocket subprotocol that browsers use.
pub fn bearer_token(headers: &http::HeaderMap) -> Option<String> {
    use base64::Engine;
    if let Some(value) = headers.get(http::header::AUTHORIZATION).and_then(|v| v.to_str().ok()) {
        let (scheme, token) = value.trim().split_once(' ')?;
        let token = token.trim();
        return (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| token.to_owned());
    }
    let protocols = headers.get(http::header::SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?;
    let encoded = protocols
        .split(',')
        .find_map(|protocol| protocol.trim().strip_prefix("base64url.bearer.authorization.k8s.io."))?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(encoded).ok()?;
    String::from_utf8(bytes).ok().filter(|token| !token.is_empty())
}
