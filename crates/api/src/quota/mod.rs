//! Resource quotas: what an object uses of a quota, and whether a write still fits.
//!
//! Input: ResourceQuota objects and the object of a write (admission) or all objects of a namespace (the controller);
//! output: what is used then, or why that is too much. Pure: whoever calls stores what comes out.
//!
//! Invariants: an object counts the same at admission and at recounting, because both ask its [`Evaluator`]; messages are
//! upstream's.

mod charge;
pub mod evaluators;
mod scope;

pub use charge::{Charge, charge};
pub use scope::Requirement;

use crate::resource_list::ResourceList;
use jiff::Timestamp;
use skiff_apimachinery::{Document, Map};

/// A write that may use more of a quota.
#[derive(Debug, Clone, Copy)]
pub struct Write<'a> {
    /// Subresource; empty for the object itself.
    pub subresource: &'a str,
    /// The object as it will be stored.
    pub object: &'a Document,
    /// The object as it is stored; `None` for creations.
    pub old: Option<&'a Document>,
}

/// Measures objects of one resource, as upstream's quota evaluators do.
///
/// To add one: a file in `evaluators/` with a struct that implements this trait, and a line in
/// [`evaluators::of`].
pub trait Evaluator: Send + Sync {
    /// Whether the write can change what is used.
    fn handles(&self, write: &Write<'_>) -> bool;

    /// Whether objects of this resource use the quota's resource, such as `requests.cpu`.
    fn tracks(&self, name: &str) -> bool;

    /// Whether a scope of a quota takes the object in.
    fn is_in_scope(&self, _scope: &Requirement, _object: &Document) -> bool {
        false
    }

    /// Why the object cannot be measured by these resources of a quota.
    fn unmeasurable(&self, _required: &[&str], _object: &Document) -> Option<String> {
        None
    }

    /// What the object uses.
    fn usage(&self, object: &Document, now: Timestamp) -> ResourceList;
}

/// Whether the quota counts the object: it limits a resource that the object uses, and all its scopes take the object in.
pub fn applies(quota: &Document, hard: &ResourceList, evaluator: &dyn Evaluator, object: &Document) -> bool {
    hard.names().any(|name| evaluator.tracks(name))
        && Requirement::of(quota).iter().all(|scope| evaluator.is_in_scope(scope, object))
}

/// What objects of one resource use of a quota whose limits are `hard`: an amount for each limit that the resource can use.
pub fn recount<'a>(
    quota: &Document,
    hard: &ResourceList,
    evaluator: &dyn Evaluator,
    objects: impl Iterator<Item = &'a Document>,
    now: Timestamp,
) -> ResourceList {
    let mut used = hard.filtered(|name, _| evaluator.tracks(name));
    if used.is_empty() {
        return used;
    }
    let zero = used.clone();
    used.saturating_subtract(&zero);
    let scopes = Requirement::of(quota);
    for object in objects {
        if scopes.iter().all(|scope| evaluator.is_in_scope(scope, object)) {
            let usage = evaluator.usage(object, now);
            used.add(&usage.filtered(|name, _| hard.contains(name)));
        }
    }
    used
}

/// Whether any quota limits this resource.
pub fn limits_any(hard: Option<&Map>, evaluator: &dyn Evaluator) -> bool {
    hard.is_some_and(|hard| hard.keys().any(|name| evaluator.tracks(name)))
}
