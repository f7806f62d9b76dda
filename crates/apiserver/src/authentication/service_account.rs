//! Service-account tokens: signed by the cluster's key, bound to objects that must still exist.

use super::legacy_token::LegacyTokens;
use super::{Authenticator, Credentials, InvalidCredentials, UserInfo, bearer_token};
use crate::objects::Objects;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use skiff_apimachinery::time::{Clock, parse_time};
use skiff_apimachinery::{Document, GroupResource, Status};
use skiff_pki::{TokenError, TokenKeys};
use std::sync::Arc;

/// How far clocks may differ: a token is good for as long again, and so is what is being deleted.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);

/// A name and the UID that the name must still have.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Reference {
    /// Name.
    pub name: String,
    /// UID; empty in references that upstream leaves open.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub uid: String,
}

/// The `kubernetes.io` claim.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Private {
    /// Namespace of the service account.
    pub namespace: String,
    /// The node of the pod, or the node that the token is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Reference>,
    /// The pod that the token is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<Reference>,
    /// The secret that the token is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Reference>,
    /// The service account.
    pub serviceaccount: Reference,
    /// When the client should have asked for a new token (extended tokens), Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warnafter: Option<i64>,
}

/// What a token says; times are Unix seconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are JWT's")]
pub struct Claims {
    #[serde(default, deserialize_with = "one_or_many")]
    pub aud: Vec<String>,
    pub exp: i64,
    #[serde(default)]
    pub iat: i64,
    pub iss: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub jti: String,
    #[serde(rename = "kubernetes.io")]
    pub kubernetes: Private,
    #[serde(default)]
    pub nbf: i64,
    pub sub: String,
}

/// Checks service-account tokens.
pub struct ServiceAccountTokens {
    /// The cluster's keys.
    pub keys: Arc<TokenKeys>,
    /// The issuers that tokens may name; tokens are issued in the name of the first.
    pub issuers: Vec<String>,
    /// The audiences that the API server answers to.
    pub audiences: Vec<String>,
    /// Whether tokens for volumes live longer than asked for, for clients that never read them again.
    pub extend_expiration: bool,
    /// Longest time that a token may be asked for, in seconds; `None` for upstream's bounds alone.
    pub max_expiration: Option<i64>,
    /// Tokens in secrets, which older clusters have.
    pub legacy: LegacyTokens,
    /// Where accounts and bound objects are looked up.
    pub objects: Arc<dyn Objects>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The one claim that is read before the signature is checked: whose token this is.
#[derive(Deserialize)]
struct Unverified {
    #[serde(default)]
    iss: String,
}

impl ServiceAccountTokens {
    /// From keys, issuers and audiences, with upstream's defaults around.
    pub fn new(
        keys: Arc<TokenKeys>,
        issuers: Vec<String>,
        audiences: Vec<String>,
        objects: Arc<dyn Objects>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            keys,
            issuers,
            audiences,
            extend_expiration: true,
            max_expiration: None,
            legacy: LegacyTokens::default(),
            objects,
            clock,
        }
    }

    /// The user of a token for one of the audiences; `None` if the token is not ours. With the user come the audiences
    /// that matched.
    ///
    /// # Errors
    /// If the token is ours but does not hold any more.
    pub fn check(
        &self,
        token: &str,
        audiences: &[String],
    ) -> Result<Option<(UserInfo, Vec<String>)>, InvalidCredentials> {
        let Some(issuer) = issuer_of(token) else { return Ok(None) };
        if issuer == super::legacy_token::ISSUER {
            let claims = self.verified(token)?;
            // Such tokens name no audience: they are for the API server.
            let matched = matched(&self.audiences, &self.audiences, audiences)?;
            let user = self.legacy.user_of(token, &claims, &*self.objects, self.clock.now())?;
            return Ok(Some((user, matched)));
        }
        if !self.issuers.contains(&issuer) {
            return Ok(None);
        }
        let claims: Claims = self.verified(token)?;
        let audiences_of_token = if claims.aud.is_empty() { &self.audiences } else { &claims.aud };
        let matched = matched(audiences_of_token, &self.audiences, audiences)?;
        let now = self.clock.now();
        check_times(&claims, now)?;
        self.check_bindings(&claims, now)?;
        Ok(Some((user_of(&claims), matched)))
    }

    /// The claims of a token whose signature is one of our keys'.
    fn verified<T: DeserializeOwned>(&self, token: &str) -> Result<T, InvalidCredentials> {
        self.keys.verify(token).map_err(|error| {
            InvalidCredentials(match error {
                TokenError::Foreign => "invalid signature, no keys found".to_owned(),
                TokenError::Signature => "go-jose/go-jose: error in cryptographic primitive".to_owned(),
                malformed @ TokenError::Malformed(_) => malformed.to_string(),
            })
        })
    }

    fn check_bindings(&self, claims: &Claims, now: Timestamp) -> Result<(), InvalidCredentials> {
        let private = &claims.kubernetes;
        let (namespace, account) = (&private.namespace, &private.serviceaccount);
        let resource = GroupResource::new("", "serviceaccounts");
        let found = self.objects.get(&resource, namespace, &account.name);
        let found =
            found.ok_or_else(|| InvalidCredentials(Status::not_found(&resource, &account.name).message))?;
        let name = &account.name;
        if is_gone(&found, now) {
            return Err(InvalidCredentials(format!("service account {namespace}/{name} has been deleted")));
        }
        if found.uid() != account.uid {
            let why = format!("service account UID ({}) does not match claim ({})", found.uid(), account.uid);
            return Err(InvalidCredentials(why));
        }
        if let Some(secret) = &private.secret {
            self.check_bound("secret", namespace, secret, now)?;
        }
        if let Some(pod) = &private.pod {
            self.check_bound("pod", namespace, pod, now)?;
        }
        match &private.node {
            // The node of a pod is told, but a pod may outlive its node's object.
            Some(node) if private.pod.is_none() => self.check_bound("node", "", node, now),
            _ => Ok(()),
        }
    }

    /// Checks that an object that a token is bound to is still there, and still the same.
    fn check_bound(
        &self,
        kind: &str,
        namespace: &str,
        to: &Reference,
        now: Timestamp,
    ) -> Result<(), InvalidCredentials> {
        let resource = GroupResource::new("", format!("{kind}s"));
        let found = self.objects.get(&resource, namespace, &to.name);
        let Some(found) = found.filter(|object| !is_gone(object, now)) else {
            return Err(InvalidCredentials("service account token has been invalidated".into()));
        };
        if found.uid() == to.uid {
            return Ok(());
        }
        let (uid, claim) = (found.uid(), &to.uid);
        Err(InvalidCredentials(format!(
            "{kind} UID ({uid}) does not match service account {kind} ref claim ({claim})"
        )))
    }
}

/// The issuer that a token names, if it is a JWT at all. Nothing is proven by it.
fn issuer_of(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    serde_json::from_slice::<Unverified>(&claims).ok().map(|claims| claims.iss)
}

/// The audiences of a token that are wanted.
fn matched(
    of_token: &[String],
    of_server: &[String],
    wanted: &[String],
) -> Result<Vec<String>, InvalidCredentials> {
    let matched: Vec<String> =
        of_token.iter().filter(|audience| wanted.contains(audience)).cloned().collect();
    if matched.is_empty() && !of_server.is_empty() {
        let (of_token, wanted) = (quoted(of_token), quoted(wanted));
        return Err(InvalidCredentials(format!(
            "token audiences {of_token} is invalid for the target audiences {wanted}"
        )));
    }
    Ok(matched)
}

/// A list as Go prints it quoted: `["a" "b"]`.
fn quoted(list: &[String]) -> String {
    let items: Vec<String> = list.iter().map(|item| format!("{item:?}")).collect();
    format!("[{}]", items.join(" "))
}

fn check_times(claims: &Claims, now: Timestamp) -> Result<(), InvalidCredentials> {
    let (now, leeway) = (now.as_second(), LEEWAY.as_secs());
    let why = if now + leeway < claims.nbf {
        "service account token is not valid yet"
    } else if now - leeway > claims.exp {
        "service account token has expired"
    } else if now + leeway < claims.iat {
        "service account token claims could not be validated due to unexpected validation error"
    } else {
        return Ok(());
    };
    Err(InvalidCredentials(why.into()))
}

/// Whether an object has been on its way out for longer than clocks may differ.
pub(super) fn is_gone(object: &Document, now: Timestamp) -> bool {
    let deleted = object.deletion_timestamp().and_then(parse_time);
    deleted.is_some_and(|deleted| now.duration_since(deleted) > LEEWAY)
}

/// The user that a service account is.
pub(super) fn account_user(namespace: &str, name: &str, uid: &str) -> UserInfo {
    let mut user = UserInfo::authenticated(
        format!("system:serviceaccount:{namespace}:{name}"),
        ["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")],
    );
    uid.clone_into(&mut user.uid);
    user
}

/// The user that claims stand for.
fn user_of(claims: &Claims) -> UserInfo {
    let private = &claims.kubernetes;
    let account = &private.serviceaccount;
    let mut user = account_user(&private.namespace, &account.name, &account.uid);
    let mut extra = |key: &str, value: String| {
        user.extra.insert(format!("authentication.kubernetes.io/{key}"), vec![value]);
    };
    if !claims.jti.is_empty() {
        extra("credential-id", format!("JTI={}", claims.jti));
    }
    for (kind, reference) in [("pod", &private.pod), ("node", &private.node)] {
        if let Some(reference) = reference {
            extra(&format!("{kind}-name"), reference.name.clone());
            if !reference.uid.is_empty() {
                extra(&format!("{kind}-uid"), reference.uid.clone());
            }
        }
    }
    user
}

/// Audiences may be one string.
fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    })
}

impl Authenticator for ServiceAccountTokens {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Option<UserInfo>, InvalidCredentials>> {
        let answer = bearer_token(credentials.headers).and_then(|token| {
            let Some(token) = token else { return Ok(None) };
            match self.check(&token, &self.audiences)? {
                Some((user, _)) => Ok(Some(user)),
                // A token that no authenticator knows is no anonymous request.
                None => Err(InvalidCredentials("invalid bearer token".into())),
            }
        });
        Box::pin(std::future::ready(answer))
    }
}

#[cfg(test)]
mod tests;
