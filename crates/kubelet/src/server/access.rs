//! Who asks the node server, and whether they may.

use futures::future::BoxFuture;
use http::Method;
use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use skiff_apimachinery::time::Clock;
use skiff_apimachinery::{Document, doc};
use skiff_client::Client;
use skiff_client::resources::{SUBJECT_ACCESS_REVIEWS, TOKEN_REVIEWS};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How long an answer of the API server counts, as upstream.
const ALLOWED_FOR: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);
const DENIED_FOR: jiff::SignedDuration = jiff::SignedDuration::from_secs(30);
const CACHED: usize = 1024;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Identity {
    /// User name.
    pub user: String,
    /// Groups.
    pub groups: Vec<String>,
}

/// Why someone may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// Refused, with the text for the client.
    Forbidden(String),
    /// It could not be found out.
    Unknown(String),
}

/// Decides who may do what on this node. The requests are checked as `nodes/<subresource>` of the API.
pub trait Access: Send + Sync + 'static {
    /// Who a bearer token belongs to.
    fn authenticate(&self, token: String) -> BoxFuture<'_, Option<Identity>>;
    /// Whether they may.
    fn authorize<'a>(
        &'a self,
        identity: &'a Identity,
        verb: &'static str,
        subresource: &'static str,
    ) -> BoxFuture<'a, Result<(), Denied>>;
}

/// Asks the API server with TokenReview and SubjectAccessReview, and remembers the answers for a while.
pub struct ReviewAccess {
    client: Client,
    node: String,
    clock: Arc<dyn Clock>,
    decisions: Mutex<HashMap<Question, Decision>>,
}

#[derive(PartialEq, Eq, Hash)]
struct Question {
    identity: Identity,
    verb: &'static str,
    subresource: &'static str,
}

#[derive(Clone, Copy)]
struct Decision {
    allowed: bool,
    until: Timestamp,
}

/// The verb of a request.
pub fn verb(method: &Method) -> &'static str {
    match method.as_str() {
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "get",
    }
}

/// The identity that a client certificate names: common name and organizations.
pub fn identity(der: &CertificateDer<'_>) -> Option<Identity> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    let subject = certificate.subject();
    let user = subject.iter_common_name().next()?.as_str().ok()?.to_owned();
    let groups =
        subject.iter_organization().filter_map(|name| name.as_str().ok().map(str::to_owned)).collect();
    Some(Identity { user, groups })
}

impl ReviewAccess {
    /// Access by the API server's word.
    pub fn new(client: Client, node: &str, clock: Arc<dyn Clock>) -> Self {
        Self { client, node: node.to_owned(), clock, decisions: Mutex::default() }
    }

    async fn review(&self, identity: &Identity, verb: &str, subresource: &str) -> Result<bool, String> {
        let mut groups = identity.groups.clone();
        groups.push("system:authenticated".into());
        let review = doc!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": {
                "user": identity.user.as_str(), "groups": groups,
                "resourceAttributes": {
                    "verb": verb, "version": "v1", "resource": "nodes", "subresource": subresource,
                    "name": self.node.as_str()
                }
            }
        });
        let answer = self.client.create(&SUBJECT_ACCESS_REVIEWS, "", review).await.map_err(|s| s.message)?;
        Ok(answer.bool_at(&["status", "allowed"]) == Some(true))
    }

    async fn decide(
        &self,
        identity: &Identity,
        verb: &'static str,
        subresource: &'static str,
    ) -> Result<bool, String> {
        let question = Question { identity: identity.clone(), verb, subresource };
        let now = self.clock.now();
        let lock = || self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().get(&question).copied().filter(|decision| now < decision.until);
        if let Some(decision) = known {
            return Ok(decision.allowed);
        }
        let allowed = self.review(identity, verb, subresource).await?;
        let mut decisions = lock();
        if decisions.len() >= CACHED {
            decisions.clear();
        }
        let until = now + if allowed { ALLOWED_FOR } else { DENIED_FOR };
        decisions.insert(question, Decision { allowed, until });
        Ok(allowed)
    }
}

impl Access for ReviewAccess {
    fn authenticate(&self, token: String) -> BoxFuture<'_, Option<Identity>> {
        Box::pin(async move {
            let review = doc!({
                "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}
            });
            let answer = self.client.create(&TOKEN_REVIEWS, "", review).await.ok()?;
            if answer.bool_at(&["status", "authenticated"]) != Some(true) {
                return None;
            }
            let groups = answer.array_at(&["status", "user", "groups"]).iter();
            Some(Identity {
                user: answer.str_at(&["status", "user", "username"]).to_owned(),
                groups: groups.filter_map(|group| Document::as_str(group).map(str::to_owned)).collect(),
            })
        })
    }

    fn authorize<'a>(
        &'a self,
        identity: &'a Identity,
        verb: &'static str,
        subresource: &'static str,
    ) -> BoxFuture<'a, Result<(), Denied>> {
        Box::pin(async move {
            // What RBAC grants these, whatever else is set; the API server's own certificate is one.
            if identity.groups.iter().any(|group| group == "system:masters") {
                return Ok(());
            }
            // The finer subresource first, then the one that stands for all (KEP-2862).
            for subresource in [subresource, "proxy"] {
                if self.decide(identity, verb, subresource).await.map_err(Denied::Unknown)? {
                    return Ok(());
                }
            }
            Err(Denied::Forbidden(format!(
                "Forbidden (user={}, verb={verb}, resource=nodes, subresource(s)=[{subresource}])",
                identity.user
            )))
        })
    }
}
