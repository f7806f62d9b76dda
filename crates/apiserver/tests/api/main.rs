//! The API's behaviour, over the process's own door and over HTTPS.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should say so and end")]

#[path = "../support/mod.rs"]
mod support;

mod access;
mod evictions;
mod https;
mod lists;
mod operations;
mod pods;
mod services;
mod watches;
mod writes;

use skiff_apimachinery::{Document, Status, doc};
use skiff_apiserver::request::Verb;
use std::sync::Arc;
use support::{Server, call};

/// What tests do through the process's own door, with core/v1 resources in `default`.
impl Server {
    async fn make(&self, plural: &str, object: Document) -> Result<Arc<Document>, Status> {
        self.create("", "v1", plural, "default", object).await
    }

    async fn make_config_map(&self, name: &str, label: &str) -> Arc<Document> {
        self.make("configmaps", config_map(name, label)).await.unwrap()
    }

    async fn put(&self, plural: &str, object: Document) -> Result<Arc<Document>, Status> {
        let name = object.name().to_owned();
        let mut call = call(Verb::Update, "", "v1", plural, "default", &name);
        call.body = Some(object);
        self.local().call(call).await
    }

    async fn delete(&self, plural: &str, name: &str, options: Document) -> Result<Arc<Document>, Status> {
        let mut call = call(Verb::Delete, "", "v1", plural, "default", name);
        call.body = Some(options);
        self.local().call(call).await
    }

    async fn patch(
        &self,
        resource: (&str, &str),
        name: &str,
        content_type: &'static str,
        query: &[(&str, &str)],
        body: Document,
    ) -> Result<Arc<Document>, Status> {
        let mut call = call(Verb::Patch, resource.0, "v1", resource.1, "default", name);
        call.content_type = content_type;
        call.query = query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        call.body = Some(body);
        self.local().call(call).await
    }
}

fn config_map(name: &str, label: &str) -> Document {
    doc!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"app": label}},
        "data": {"a": "b"}
    })
}

fn pod(name: &str) -> Document {
    doc!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "image": "example.test/x:1"}]}
    })
}
