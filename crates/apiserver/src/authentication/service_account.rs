//! Service-account tokens: signed by the cluster's key, bound to objects that must still exist.

use super::{Authenticator, Credentials, InvalidCredentials, UserInfo, bearer_token};
use crate::objects::Objects;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use skiff_apimachinery::GroupResource;
use skiff_apimachinery::time::Clock;
use skiff_pki::{TokenError, TokenKeys};
use std::sync::Arc;

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
    pub aud: Vec<String>,
    pub exp: i64,
    pub iat: i64,
    pub iss: String,
    pub jti: String,
    #[serde(rename = "kubernetes.io")]
    pub kubernetes: Private,
    pub nbf: i64,
    pub sub: String,
}

/// Checks service-account tokens.
pub struct ServiceAccountTokens {
    /// The cluster's keys.
    pub keys: Arc<TokenKeys>,
    /// The issuer that tokens must name.
    pub issuer: String,
    /// The audiences that the API server answers to.
    pub audiences: Vec<String>,
    /// Where accounts and bound objects are looked up.
    pub objects: Arc<dyn Objects>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl ServiceAccountTokens {
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
        let claims: Claims = match self.keys.verify(token) {
            Ok(claims) => claims,
            Err(TokenError::Foreign) => return Ok(None),
            Err(error) => return Err(InvalidCredentials(error.to_string())),
        };
        if claims.iss != self.issuer {
            return Ok(None);
        }
        self.check_times(&claims, self.clock.now())?;
        let matched: Vec<String> = audiences.iter().filter(|a| claims.aud.contains(a)).cloned().collect();
        if matched.is_empty() {
            return Err(InvalidCredentials(format!(
                "token audiences {:?} is invalid for the target audiences {audiences:?}",
                claims.aud
            )));
        }
        self.check_bindings(&claims)?;
        Ok(Some((user_of(&claims), matched)))
    }

    fn check_times(&self, claims: &Claims, now: Timestamp) -> Result<(), InvalidCredentials> {
        let now = now.as_second();
        if now >= claims.exp {
            return Err(InvalidCredentials("service account token has expired".into()));
        }
        if now < claims.nbf {
            return Err(InvalidCredentials("service account token is not valid yet".into()));
        }
        Ok(())
    }

    fn check_bindings(&self, claims: &Claims) -> Result<(), InvalidCredentials> {
        let private = &claims.kubernetes;
        let account = &private.serviceaccount;
        self.check_reference("serviceaccounts", &private.namespace, account)?;
        if let Some(pod) = &private.pod {
            self.check_reference("pods", &private.namespace, pod)?;
        }
        if let Some(secret) = &private.secret {
            self.check_reference("secrets", &private.namespace, secret)?;
        }
        match &private.node {
            // The node of a pod is told, but a pod may outlive its node's object.
            Some(node) if private.pod.is_none() => self.check_reference("nodes", "", node),
            _ => Ok(()),
        }
    }

    fn check_reference(
        &self,
        resource: &'static str,
        namespace: &str,
        to: &Reference,
    ) -> Result<(), InvalidCredentials> {
        let object = self.objects.get(&GroupResource::new("", resource), namespace, &to.name);
        match object {
            Some(object) if object.uid() == to.uid => Ok(()),
            Some(_) => Err(InvalidCredentials(format!(
                "{resource} {:?} UID does not match the claim in the token",
                to.name
            ))),
            None => Err(InvalidCredentials(format!("{resource} {:?} not found", to.name))),
        }
    }
}

/// The user that claims stand for.
fn user_of(claims: &Claims) -> UserInfo {
    let private = &claims.kubernetes;
    let mut user = UserInfo::authenticated(
        format!("system:serviceaccount:{}:{}", private.namespace, private.serviceaccount.name),
        ["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{}", private.namespace)],
    );
    user.uid.clone_from(&private.serviceaccount.uid);
    let mut extra = |key: &str, value: String| {
        user.extra.insert(format!("authentication.kubernetes.io/{key}"), vec![value]);
    };
    extra("credential-id", format!("JTI={}", claims.jti));
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

impl Authenticator for ServiceAccountTokens {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Option<UserInfo>, InvalidCredentials>> {
        let answer = match bearer_token(credentials.headers) {
            None => Ok(None),
            Some(token) => match self.check(&token, &self.audiences) {
                Ok(Some((user, _))) => Ok(Some(user)),
                // A token that no authenticator knows is no anonymous request.
                Ok(None) => Err(InvalidCredentials("invalid bearer token".into())),
                Err(error) => Err(error),
            },
        };
        Box::pin(std::future::ready(answer))
    }
}
