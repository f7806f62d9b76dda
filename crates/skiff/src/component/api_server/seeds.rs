//! Writing what every cluster starts with, through the API server's own door.

use futures::future::BoxFuture;
use skiff_apimachinery::{Document, GroupVersionResource, Status};
use skiff_apiserver::bootstrap::Door;
use skiff_apiserver::request::Verb;
use skiff_apiserver::{Local, LocalCall};
use std::sync::Arc;

/// The API server's own door.
pub(super) struct LocalDoor(pub(super) Local);

fn call(
    verb: Verb,
    resource: &GroupVersionResource,
    namespace: &str,
    name: &str,
    body: Option<Document>,
) -> LocalCall {
    LocalCall {
        verb,
        resource: resource.clone(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        subresource: String::new(),
        query: Vec::new(),
        body,
        content_type: "",
    }
}

impl Door for LocalDoor {
    fn get<'a>(
        &'a self,
        resource: &'a GroupVersionResource,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<Document>>, Status>> {
        Box::pin(async move {
            match self.0.call(call(Verb::Get, resource, namespace, name, None)).await {
                Ok(object) => Ok(Some(object)),
                Err(status) if status.is_not_found() => Ok(None),
                Err(status) => Err(status),
            }
        })
    }

    fn create<'a>(
        &'a self,
        resource: &'a GroupVersionResource,
        object: Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(async move {
            let namespace = object.namespace().to_owned();
            self.0.call(call(Verb::Create, resource, &namespace, "", Some(object))).await.map(drop)
        })
    }

    fn update<'a>(
        &'a self,
        resource: &'a GroupVersionResource,
        object: Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(async move {
            let key = object.key();
            self.0.call(call(Verb::Update, resource, &key.namespace, &key.name, Some(object))).await.map(drop)
        })
    }

    fn update_status<'a>(
        &'a self,
        resource: &'a GroupVersionResource,
        object: Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(async move {
            let key = object.key();
            let mut call = call(Verb::Update, resource, &key.namespace, &key.name, Some(object));
            call.subresource = "status".to_owned();
            self.0.call(call).await.map(drop)
        })
    }

    fn delete<'a>(
        &'a self,
        resource: &'a GroupVersionResource,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(
            async move { self.0.call(call(Verb::Delete, resource, namespace, name, None)).await.map(drop) },
        )
    }
}
