//! Where charges are written down: the status of the quotas themselves, each write on condition that nobody else wrote.

use crate::local::LocalCall;
use crate::own_door::OwnDoor;
use crate::request::Verb;
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, GroupVersionResource, Status};
use std::sync::Arc;

/// Reads and writes quotas past what is cached.
pub trait Ledger: Send + Sync + 'static {
    /// The quota as it is stored now.
    fn read<'a>(&'a self, namespace: &'a str, name: &'a str) -> BoxFuture<'a, Result<Arc<Document>, Status>>;

    /// Stores the status of a quota, unless the quota changed since the version that it carries (409).
    fn write(&self, quota: Document) -> BoxFuture<'_, Result<Arc<Document>, Status>>;
}

impl Ledger for OwnDoor {
    fn read<'a>(&'a self, namespace: &'a str, name: &'a str) -> BoxFuture<'a, Result<Arc<Document>, Status>> {
        Box::pin(call(self, Verb::Get, namespace, name, None))
    }

    fn write(&self, quota: Document) -> BoxFuture<'_, Result<Arc<Document>, Status>> {
        Box::pin(async move {
            let (namespace, name) = (quota.namespace().to_owned(), quota.name().to_owned());
            call(self, Verb::Update, &namespace, &name, Some(quota)).await
        })
    }
}

async fn call(
    door: &OwnDoor,
    verb: Verb,
    namespace: &str,
    name: &str,
    body: Option<Document>,
) -> Result<Arc<Document>, Status> {
    let door = door.open().ok_or_else(|| Status::service_unavailable("the server is not running"))?;
    let subresource = if body.is_some() { "status".to_owned() } else { String::new() };
    door.call(LocalCall {
        verb,
        resource: GroupVersionResource::new("", "v1", "resourcequotas"),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        subresource,
        query: Vec::new(),
        body,
        content_type: "",
    })
    .await
}
