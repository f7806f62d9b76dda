//! Whether a user may do what a request asks: Node authorizer, then RBAC.
//!
//! Input: [`Attributes`] of a request; output: a [`Decision`]. Reads current roles and bindings through
//! [`Objects`](crate::objects::Objects).

mod access_review;
pub mod always;
pub mod escalation;
pub mod node;
pub mod rbac;
pub mod review;
pub mod rule;
mod selectors;

use crate::authentication::UserInfo;
use rule::Rule;
use std::sync::Arc;

/// What a request wants, as authorizers see it.
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    /// Who.
    pub user: &'a UserInfo,
    /// API verb, or the HTTP method in lower case for non-resource paths.
    pub verb: &'a str,
    /// API group.
    pub group: &'a str,
    /// API version.
    pub version: &'a str,
    /// Resource; empty for non-resource paths.
    pub resource: &'a str,
    /// Subresource, if any.
    pub subresource: &'a str,
    /// Namespace, if any.
    pub namespace: &'a str,
    /// Object name, if any.
    pub name: &'a str,
    /// The URL's path.
    pub path: &'a str,
    /// Field selector of a list, watch or deletecollection.
    pub field_selector: &'a str,
}

/// An authorizer's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Yes, for this reason (goes into the audit annotation).
    Allow(String),
    /// No, and no other authorizer is asked.
    Deny(String),
    /// Not this authorizer's matter.
    NoOpinion(String),
}

/// What an authorizer can tell of all that a user may do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// Rules of which each allows something.
    pub rules: Vec<Rule>,
    /// Whether there may be more.
    pub incomplete: bool,
    /// What went wrong while they were gathered.
    pub errors: Vec<String>,
}

/// Decides whether a user may do something.
pub trait Authorizer: Send + Sync + 'static {
    /// The decision.
    fn authorize(&self, attributes: &Attributes<'_>) -> Decision;

    /// What the user may do in a namespace and outside of all, as far as that can be told.
    fn rules(&self, _user: &UserInfo, _namespace: &str) -> Rules {
        Rules::default()
    }
}

/// Authorizers asked in turn; the first that allows or denies decides.
pub struct Chain(Vec<Arc<dyn Authorizer>>);

impl Chain {
    /// From authorizers in the order in which they are asked. Members of `system:masters` may do everything before any of
    /// them is asked, as upstream's superuser authorizer has it.
    pub fn new(authorizers: Vec<Arc<dyn Authorizer>>) -> Self {
        Self(authorizers)
    }
}

impl Authorizer for Chain {
    fn authorize(&self, attributes: &Attributes<'_>) -> Decision {
        if attributes.user.in_group("system:masters") {
            return Decision::Allow(String::new());
        }
        let mut reasons = Vec::new();
        for authorizer in &self.0 {
            match authorizer.authorize(attributes) {
                Decision::NoOpinion(reason) if reason.is_empty() => {}
                Decision::NoOpinion(reason) => reasons.push(reason),
                decision => return decision,
            }
        }
        Decision::NoOpinion(reasons.join(", "))
    }

    fn rules(&self, user: &UserInfo, namespace: &str) -> Rules {
        let mut all = Rules::default();
        for authorizer in &self.0 {
            let Rules { rules, incomplete, errors } = authorizer.rules(user, namespace);
            all.rules.extend(rules);
            all.incomplete |= incomplete;
            all.errors.extend(errors);
        }
        all
    }
}
