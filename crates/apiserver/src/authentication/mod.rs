//! Who sends a request: client certificate, bearer token, or nobody.
//!
//! Input: a request's head and its TLS peer certificate; output: a [`UserInfo`]. An in-process identity does not pass here:
//! only the composing binary can construct one.

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
