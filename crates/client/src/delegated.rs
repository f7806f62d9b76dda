//! Access by the API server's word: a component with a server of its own asks who a token belongs to (TokenReview) and
//! what someone may do (SubjectAccessReview), and remembers the answers for a while.

use crate::Client;
use crate::resources::{SUBJECT_ACCESS_REVIEWS, TOKEN_REVIEWS};
use jiff::{SignedDuration, Timestamp};
use skiff_apimachinery::time::Clock;
use skiff_apimachinery::{Document, Status, doc};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Decisions that are remembered.
const CACHED: usize = 1024;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Identity {
    /// User name.
    pub user: String,
    /// Groups.
    pub groups: Vec<String>,
}

/// What they want.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// Something of a node: `nodes/<subresource>`.
    Node {
        /// Verb.
        verb: &'static str,
        /// Name of the node.
        name: String,
        /// Subresource.
        subresource: &'static str,
    },
    /// A path that is no resource's.
    Path {
        /// The HTTP method in lower case.
        verb: String,
        /// The path.
        path: String,
    },
}

/// How long an answer counts.
#[derive(Debug, Clone, Copy)]
pub struct Remembered {
    /// A yes.
    pub allowed: SignedDuration,
    /// A no.
    pub denied: SignedDuration,
}

/// Asks the API server.
pub struct DelegatedAccess {
    client: Client,
    clock: Arc<dyn Clock>,
    remembered: Remembered,
    decisions: Mutex<HashMap<(Identity, Wanted), Decision>>,
}

#[derive(Clone, Copy)]
struct Decision {
    allowed: bool,
    until: Timestamp,
}

impl Remembered {
    /// Upstream's times of a kubelet.
    pub const BY_KUBELETS: Self =
        Self { allowed: SignedDuration::from_mins(5), denied: SignedDuration::from_secs(30) };
    /// Upstream's times of the other components.
    pub const BY_COMPONENTS: Self =
        Self { allowed: SignedDuration::from_secs(10), denied: SignedDuration::from_secs(10) };
}

impl DelegatedAccess {
    /// Asks through this client, which needs upstream's role `system:auth-delegator`.
    pub fn new(client: Client, clock: Arc<dyn Clock>, remembered: Remembered) -> Self {
        Self { client, clock, remembered, decisions: Mutex::default() }
    }

    /// Who a bearer token belongs to; nobody if the API server does not know it or cannot be asked.
    pub async fn authenticate(&self, token: String) -> Option<Identity> {
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
    }

    /// Whether someone may.
    ///
    /// # Errors
    /// If the API server cannot be asked.
    pub async fn allows(&self, identity: &Identity, wanted: Wanted) -> Result<bool, Status> {
        // What the API server grants these, whatever else is set; its own certificate is one.
        if identity.groups.iter().any(|group| group == "system:masters") {
            return Ok(true);
        }
        let question = (identity.clone(), wanted);
        let now = self.clock.now();
        let lock = || self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().get(&question).copied().filter(|decision| now < decision.until);
        if let Some(decision) = known {
            return Ok(decision.allowed);
        }
        let allowed = self.review(&question.0, &question.1).await?;
        let mut decisions = lock();
        if decisions.len() >= CACHED {
            decisions.clear();
        }
        let until = now + if allowed { self.remembered.allowed } else { self.remembered.denied };
        decisions.insert(question, Decision { allowed, until });
        Ok(allowed)
    }

    async fn review(&self, identity: &Identity, wanted: &Wanted) -> Result<bool, Status> {
        let mut groups = identity.groups.clone();
        if !groups.iter().any(|group| group == "system:unauthenticated") {
            groups.push("system:authenticated".into());
        }
        let mut review = doc!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": {"user": identity.user.as_str(), "groups": groups}
        });
        match wanted {
            Wanted::Node { verb, name, subresource } => review.set(
                &["spec", "resourceAttributes"],
                doc!({
                    "verb": *verb, "version": "v1", "resource": "nodes", "subresource": *subresource,
                    "name": name.as_str()
                }),
            ),
            Wanted::Path { verb, path } => review.set(
                &["spec", "nonResourceAttributes"],
                doc!({"verb": verb.as_str(), "path": path.as_str()}),
            ),
        };
        let answer = self.client.create(&SUBJECT_ACCESS_REVIEWS, "", review).await?;
        Ok(answer.bool_at(&["status", "allowed"]) == Some(true))
    }
}
