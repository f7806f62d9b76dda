//! The in-process transport: a component's calls go to the API server's own door under the component's identity.

use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use skiff_apimachinery::Status;
use skiff_apiserver::request::Verb as ServerVerb;
use skiff_apiserver::{Local, LocalCall, LocalEvent};
use skiff_client::{Call, List, Object, PatchKind, Transport, Verb, WatchEvent, WatchStream};

/// Carries a component's calls to the API server of this process.
pub(super) struct InProcess(pub(super) Local);

fn local_call(call: Call) -> LocalCall {
    let (verb, content_type, force) = match call.verb {
        Verb::Get => (ServerVerb::Get, "", false),
        Verb::List => (ServerVerb::List, "", false),
        Verb::Watch => (ServerVerb::Watch, "", false),
        Verb::Create => (ServerVerb::Create, "", false),
        Verb::Update => (ServerVerb::Update, "", false),
        Verb::Delete => (ServerVerb::Delete, "", false),
        Verb::DeleteCollection => (ServerVerb::DeleteCollection, "", false),
        Verb::Patch(kind) => {
            (ServerVerb::Patch, kind.media_type(), matches!(kind, PatchKind::Apply { force: true }))
        }
    };
    let mut query: Vec<(String, String)> =
        call.query.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    if force {
        query.push(("force".to_owned(), "true".to_owned()));
    }
    LocalCall {
        verb,
        resource: call.resource.gvr(),
        namespace: call.namespace,
        name: call.name,
        subresource: call.subresource,
        query,
        body: call.body,
        content_type,
    }
}

fn event(event: LocalEvent) -> WatchEvent {
    match event {
        LocalEvent::Added(object) => WatchEvent::Added(object),
        LocalEvent::Modified(object) => WatchEvent::Modified(object),
        LocalEvent::Deleted(object) => WatchEvent::Deleted(object),
        LocalEvent::Bookmark { resource_version, .. } => WatchEvent::Bookmark(resource_version),
    }
}

impl Transport for InProcess {
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Object, Status>> {
        Box::pin(self.0.call(local_call(call)))
    }

    fn list(&self, call: Call) -> BoxFuture<'_, Result<List, Status>> {
        Box::pin(async move {
            let list = self.0.list(local_call(call)).await?;
            Ok(List {
                items: list.items,
                resource_version: list.resource_version,
                continue_token: list.continue_token,
            })
        })
    }

    fn watch(&self, call: Call) -> BoxFuture<'_, Result<WatchStream, Status>> {
        Box::pin(async move {
            let watch = self.0.watch(local_call(call)).await?;
            let events = stream::unfold(watch, |mut watch| async move {
                let next = watch.next().await?;
                Some((Ok(event(next)), watch))
            });
            Ok(events.boxed())
        })
    }

    fn get_path<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Object, Status>> {
        Box::pin(self.0.get_path(path))
    }
}
