//! What happens to a write between decoding and storing: plugins that change the object, then plugins that judge it.
//!
//! An async chain on Documents that sees the old object. Mutating plugins run in upstream's order and can be run again
//! (they are idempotent) when a later one changed the object; validating plugins run last.

use crate::authentication::UserInfo;
use futures::future::BoxFuture;
use skiff_api::Resource;
use skiff_apimachinery::{Document, Status};

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
