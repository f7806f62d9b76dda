//! What happens to a write between decoding and storing: plugins that change the object, then plugins that judge it.
//!
//! An async chain on Documents that sees the old object. Mutating plugins run in upstream's order and can be run again
//! (they are idempotent) when a later one changed the object; validating plugins run last.

pub mod default_toleration_seconds;
pub mod namespace_lifecycle;
pub mod node_restriction;
pub mod priority;
pub mod rbac_escalation;
pub mod service_account;
pub mod taint_nodes_by_condition;

use crate::authentication::UserInfo;
use crate::authorization::escalation::Escalation;
use crate::objects::Objects;
use futures::future::BoxFuture;
use skiff_api::Resource;
use skiff_apimachinery::{Document, Status};
use std::sync::Arc;

/// Which kind of write is being admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A new object.
    Create,
    /// A changed object.
    Update,
    /// A removal.
    Delete,
    /// exec, attach, port-forward, proxy.
    Connect,
}

/// A write on its way.
pub struct Request<'a> {
    /// The row of the (parent) resource.
    pub resource: &'a Resource,
    /// The subresource; empty for the object itself.
    pub subresource: &'a str,
    /// What is done.
    pub operation: Operation,
    /// Namespace; empty for cluster scope.
    pub namespace: &'a str,
    /// Name; empty while generateName is not resolved.
    pub name: &'a str,
    /// Who does it.
    pub user: &'a UserInfo,
    /// The object as it is now; `None` for creations.
    pub old: Option<&'a Document>,
    /// Whether nothing will be stored.
    pub dry_run: bool,
    /// Texts for `Warning` headers; plugins add to them.
    pub warnings: Vec<String>,
}

/// One admission plugin, named as upstream names it.
///
/// To add one: a file in this folder with a struct that implements this trait, and a line in `default_chain`.
pub trait Plugin: Send + Sync + 'static {
    /// Upstream's plugin name, such as `NamespaceLifecycle`.
    fn name(&self) -> &'static str;

    /// May change the object (defaulting, filling in). Null for deletions.
    fn admit<'a>(
        &'a self,
        _request: &'a mut Request<'_>,
        _object: &'a mut Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// May refuse the object as it will be stored. Null for deletions.
    fn validate<'a>(
        &'a self,
        _request: &'a mut Request<'_>,
        _object: &'a Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Request<'_> {
    /// Whether the write is about this resource of a group itself, not about a subresource.
    pub fn is(&self, group: &str, resource: &str) -> bool {
        self.subresource.is_empty() && self.resource.gvk.group == group && self.resource.plural == resource
    }

    /// 403 in upstream's words: `pods "x" is forbidden: why`.
    pub fn forbidden(&self, why: &str) -> Status {
        Status::forbidden(&self.resource.group_resource(), self.name, why)
    }
}

/// The plugins that are on by default, in upstream's order.
pub fn default_chain(objects: &Arc<dyn Objects>, escalation: Escalation) -> Vec<Arc<dyn Plugin>> {
    vec![
        Arc::new(namespace_lifecycle::NamespaceLifecycle::new(Arc::clone(objects))),
        Arc::new(service_account::ServiceAccount::new(Arc::clone(objects))),
        Arc::new(node_restriction::NodeRestriction::new(Arc::clone(objects))),
        Arc::new(taint_nodes_by_condition::TaintNodesByCondition),
        Arc::new(priority::Priority::new(Arc::clone(objects))),
        Arc::new(default_toleration_seconds::DefaultTolerationSeconds),
        Arc::new(rbac_escalation::RbacEscalation::new(escalation)),
    ]
}
