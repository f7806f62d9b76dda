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

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, header};
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
    pub headers: &'a HeaderMap,
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

/// What a WebSocket subprotocol begins with that carries a token, which browsers cannot send otherwise.
pub(crate) const TOKEN_PROTOCOL: &str = "base64url.bearer.authorization.k8s.io.";

/// The bearer token of a request: the Authorization header, or the WebSocket subprotocol that browsers use.
///
/// # Errors
/// If a subprotocol cannot be a token's.
pub fn bearer_token(headers: &HeaderMap) -> Result<Option<String>, InvalidCredentials> {
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some((scheme, rest)) = header.and_then(|value| value.trim().split_once(' ')) {
        // What follows a space behind the token is not looked at.
        let token = rest.split(' ').next().unwrap_or_default();
        if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() {
            return Ok(Some(token.to_owned()));
        }
    }
    let upgrade = headers.get(header::UPGRADE).map(HeaderValue::as_bytes);
    if upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case(b"websocket")) {
        protocol_token(headers)
    } else {
        Ok(None)
    }
}

fn protocol_token(headers: &HeaderMap) -> Result<Option<String>, InvalidCredentials> {
    let invalid = |why: &str| InvalidCredentials(why.to_owned());
    let values = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|v| v.to_str().ok());
    let protocols: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
    let mut tokens = protocols.iter().filter_map(|protocol| protocol.strip_prefix(TOKEN_PROTOCOL));
    let Some(encoded) = tokens.next() else { return Ok(None) };
    if tokens.next().is_some() {
        return Err(invalid("multiple base64.bearer.authorization tokens specified"));
    }
    let bytes = URL_SAFE_NO_PAD
        .decode(encoded)
        .map_err(|_| invalid("invalid base64.bearer.authorization token encoding"))?;
    let token = String::from_utf8(bytes).map_err(|_| invalid("invalid base64.bearer.authorization token"))?;
    // The server must have one to answer with.
    if protocols.len() == 1 {
        return Err(invalid("missing additional subprotocol"));
    }
    Ok((!token.is_empty()).then_some(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&str, &str)]) -> Result<Option<String>, String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        bearer_token(&map).map_err(|error| error.0)
    }

    #[test]
    fn tokens_come_in_a_header_or_in_a_subprotocol() {
        let protocol =
            |protocols: &str| read(&[("upgrade", "websocket"), ("sec-websocket-protocol", protocols)]);
        let cases = [
            ("none", read(&[]), Ok(None)),
            ("a header", read(&[("authorization", "Bearer abc")]), Ok(Some("abc"))),
            ("with more behind it", read(&[("authorization", "bearer abc def")]), Ok(Some("abc"))),
            ("an empty one", read(&[("authorization", "Bearer ")]), Ok(None)),
            ("another scheme", read(&[("authorization", "Basic abc")]), Ok(None)),
            (
                "a subprotocol",
                protocol("v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.YWJj"),
                Ok(Some("abc")),
            ),
            (
                "without an upgrade",
                read(&[("sec-websocket-protocol", "x,base64url.bearer.authorization.k8s.io.YWJj")]),
                Ok(None),
            ),
            (
                "alone",
                protocol("base64url.bearer.authorization.k8s.io.YWJj"),
                Err("missing additional subprotocol"),
            ),
            (
                "two",
                protocol("base64url.bearer.authorization.k8s.io.YQ,base64url.bearer.authorization.k8s.io.YQ"),
                Err("multiple base64.bearer.authorization tokens specified"),
            ),
            (
                "not encoded",
                protocol("x,base64url.bearer.authorization.k8s.io.?"),
                Err("invalid base64.bearer.authorization token encoding"),
            ),
        ];
        for (case, read, expected) in cases {
            let expected = expected.map(|token| token.map(str::to_owned)).map_err(str::to_owned);
            assert_eq!(read, expected, "{case}");
        }
    }
}
