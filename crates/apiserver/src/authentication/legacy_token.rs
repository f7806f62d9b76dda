//! Tokens of service accounts that secrets hold: without an end, good while secret and account are there. When one was used
//! last is marked on its secret, so that unused ones can be cleaned up (KEP-2799).

use super::service_account::{account_user, is_gone};
use super::{InvalidCredentials, UserInfo};
use crate::local::LocalCall;
use crate::objects::Objects;
use crate::own_door::OwnDoor;
use crate::request::Verb;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use skiff_apimachinery::{Document, GroupResource, GroupVersionResource, Status, doc};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The issuer that such tokens name.
pub(super) const ISSUER: &str = "kubernetes/serviceaccount";
/// On the secret: the day on which its token was used last.
const LAST_USED: &str = "kubernetes.io/legacy-token-last-used";
/// On the secret: since when its token is not good any more, because nobody used it.
const INVALID_SINCE: &str = "kubernetes.io/legacy-token-invalid-since";
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What such a token says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LegacyClaims {
    sub: String,
    #[serde(rename = "kubernetes.io/serviceaccount/service-account.name")]
    account: String,
    #[serde(rename = "kubernetes.io/serviceaccount/service-account.uid")]
    uid: String,
    #[serde(rename = "kubernetes.io/serviceaccount/secret.name")]
    secret: String,
    #[serde(rename = "kubernetes.io/serviceaccount/namespace")]
    namespace: String,
}

/// Judges tokens in secrets and marks their use.
#[derive(Default)]
pub struct LegacyTokens {
    own_door: Arc<OwnDoor>,
    /// Secrets that are being marked.
    marking: Arc<Mutex<HashSet<String>>>,
}

// === impl LegacyClaims ===

impl LegacyClaims {
    fn check(&self) -> Result<(), &'static str> {
        for (value, missing) in [
            (&self.sub, "sub claim is missing"),
            (&self.namespace, "namespace claim is missing"),
            (&self.secret, "secretName claim is missing"),
            (&self.account, "serviceAccountName claim is missing"),
            (&self.uid, "serviceAccountUID claim is missing"),
        ] {
            if value.is_empty() {
                return Err(missing);
            }
        }
        if self.sub != format!("system:serviceaccount:{}:{}", self.namespace, self.account) {
            return Err("sub claim is invalid");
        }
        Ok(())
    }
}

// === impl LegacyTokens ===

impl LegacyTokens {
    /// Marks secrets through the server's own door.
    pub fn new(own_door: Arc<OwnDoor>) -> Self {
        Self { own_door, marking: Arc::default() }
    }

    /// The user of a token whose signature was good.
    pub(super) fn user_of(
        &self,
        token: &str,
        claims: &LegacyClaims,
        objects: &dyn Objects,
        now: Timestamp,
    ) -> Result<UserInfo, InvalidCredentials> {
        claims.check().map_err(|why| InvalidCredentials(why.to_owned()))?;
        let secret = secret_of(token, claims, objects).map_err(InvalidCredentials)?;
        check_account(claims, objects, now).map_err(InvalidCredentials)?;
        self.mark(&secret, now);
        if secret.label(INVALID_SINCE).is_some_and(|since| !since.is_empty()) {
            return Err(InvalidCredentials(format!(
                "the token in secret {}/{} for service account {}/{} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '{INVALID_SINCE}' label from the secret to temporarily allow use of this token",
                claims.namespace, claims.secret, claims.namespace, claims.account
            )));
        }
        Ok(account_user(&claims.namespace, &claims.account, &claims.uid))
    }

    /// Notes on the secret that its token was used today, in the background and once a day.
    fn mark(&self, secret: &Document, now: Timestamp) {
        let today = day(now);
        // Of several servers one may be ahead.
        let tomorrow = day(now.saturating_add(DAY).unwrap_or(now));
        if secret.label(LAST_USED).is_some_and(|last| last == today || last == tomorrow) {
            return;
        }
        let Some(door) = self.own_door.open() else { return };
        let uid = secret.uid().to_owned();
        if !self.marking.lock().unwrap_or_else(PoisonError::into_inner).insert(uid.clone()) {
            return;
        }
        let call = mark_call(secret, &today);
        let marking = self.marking.clone();
        tokio::spawn(async move {
            if let Err(status) = door.call(call).await {
                tracing::warn!(%status, "the use of a token in a secret is not marked");
            }
            marking.lock().unwrap_or_else(PoisonError::into_inner).remove(&uid);
        });
    }
}

fn mark_call(secret: &Document, today: &str) -> LocalCall {
    LocalCall {
        verb: Verb::Patch,
        resource: GroupVersionResource::new("", "v1", "secrets"),
        namespace: secret.namespace().to_owned(),
        name: secret.name().to_owned(),
        subresource: String::new(),
        query: Vec::new(),
        body: Some(doc!({"metadata": {"uid": secret.uid(), "labels": {LAST_USED: today}}})),
        content_type: "application/merge-patch+json",
    }
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

/// The secret that holds the token.
fn secret_of(token: &str, claims: &LegacyClaims, objects: &dyn Objects) -> Result<Arc<Document>, String> {
    let secret = objects.get(&GroupResource::new("", "secrets"), &claims.namespace, &claims.secret);
    let secret = secret.filter(|secret| secret.deletion_timestamp().is_none());
    let secret = secret.ok_or("Token has been invalidated")?;
    let held = STANDARD.decode(secret.str_at(&["data", "token"])).unwrap_or_default();
    if held == token.as_bytes() { Ok(secret) } else { Err("Token does not match server's copy".to_owned()) }
}

fn check_account(claims: &LegacyClaims, objects: &dyn Objects, now: Timestamp) -> Result<(), String> {
    let resource = GroupResource::new("", "serviceaccounts");
    let account = objects.get(&resource, &claims.namespace, &claims.account);
    let account = account.ok_or_else(|| Status::not_found(&resource, &claims.account).message)?;
    if is_gone(&account, now) {
        let (namespace, name) = (&claims.namespace, &claims.account);
        return Err(format!("ServiceAccount {namespace}/{name} has been deleted"));
    }
    if account.uid() != claims.uid {
        return Err(format!("ServiceAccount UID ({}) does not match claim ({})", account.uid(), claims.uid));
    }
    Ok(())
}
