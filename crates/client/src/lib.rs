//! The API client that components hold.
//!
//! Place in the data's way: every component but the API server speaks the API through this crate. [`Client`] is the
//! typed door, [`Transport`] what is behind it: in process (shared objects, no sockets) or HTTPS.
//!
//! Invariants:
//! - both transports take the same way through authentication, authorization and admission;
//! - objects are shared and immutable ([`Object`]); writing means sending a new document or a patch;
//! - informers list once, watch from there, and never poll.

pub mod delegated;
pub mod discovery;
pub mod events;
pub mod https;
pub mod informer;
pub mod kubeconfig;
pub mod leader;
pub mod resources;
pub mod transport;
pub mod workqueue;

pub use delegated::DelegatedAccess;
pub use discovery::{Discovered, Served};
pub use events::{EventRecorder, EventType, ObjectReference};
pub use https::{HttpsTransport, TokenSource};
pub use informer::{Cached, Event, Index, Informer, SharedInformers, Subscription, Untyped};
pub use resources::Resource;
pub use transport::{Call, List, Object, PatchKind, Shape, Transport, Verb, WatchEvent, WatchStream};
pub use workqueue::{QueueObserver, Work, WorkQueue};

use skiff_apimachinery::{Document, Status};
use std::sync::Arc;

/// A component's access to the API, under the component's own identity. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    transport: Arc<dyn Transport>,
}

/// Result of an API call.
pub type Result<T, E = Status> = std::result::Result<T, E>;

/// Which objects, for list, watch and deletecollection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Selection {
    /// Label selector text; empty selects all.
    pub labels: String,
    /// Field selector text; empty selects all.
    pub fields: String,
}

/// How to delete.
#[derive(Debug, Clone, Default)]
pub struct DeleteOptions {
    /// Seconds before the object is removed for good; `None` takes the kind's default.
    pub grace_period_seconds: Option<i64>,
    /// `Background`, `Foreground` or `Orphan`.
    pub propagation_policy: Option<&'static str>,
    /// Only if the object still has this UID.
    pub uid: Option<String>,
    /// Only if the object still has this resourceVersion.
    pub resource_version: Option<String>,
}

impl Client {
    /// A client over a transport.
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport }
    }

    /// The transport, for calls that have no method here.
    pub fn transport(&self) -> &Arc<dyn Transport> {
        &self.transport
    }

    /// Reads one object. `namespace` is empty for cluster-scoped resources.
    pub async fn get(&self, resource: &Resource, namespace: &str, name: &str) -> Result<Object> {
        self.transport.call(Call::new(Verb::Get, resource, namespace, name)).await
    }

    /// Lists objects; an empty namespace lists all namespaces.
    pub async fn list(&self, resource: &Resource, namespace: &str, selection: &Selection) -> Result<List> {
        self.transport.list(Call::new(Verb::List, resource, namespace, "").select(selection)).await
    }

    /// Watches objects after a resourceVersion; with bookmarks.
    pub async fn watch(
        &self,
        resource: &Resource,
        namespace: &str,
        selection: &Selection,
        resource_version: &str,
    ) -> Result<WatchStream> {
        let call = Call::new(Verb::Watch, resource, namespace, "")
            .select(selection)
            .query("resourceVersion", resource_version)
            .query("allowWatchBookmarks", "true");
        self.transport.watch(call).await
    }

    /// Creates an object.
    pub async fn create(&self, resource: &Resource, namespace: &str, object: Document) -> Result<Object> {
        self.transport.call(Call::new(Verb::Create, resource, namespace, "").body(object)).await
    }

    /// Creates through a subresource, such as pods/binding or serviceaccounts/token.
    pub async fn create_subresource(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        subresource: &str,
        object: Document,
    ) -> Result<Object> {
        let call = Call::new(Verb::Create, resource, namespace, name).subresource(subresource).body(object);
        self.transport.call(call).await
    }

    /// Replaces an object; its metadata names it.
    pub async fn update(&self, resource: &Resource, object: Document) -> Result<Object> {
        self.update_subresource(resource, "", object).await
    }

    /// Replaces an object's status; its metadata names it.
    pub async fn update_status(&self, resource: &Resource, object: Document) -> Result<Object> {
        self.update_subresource(resource, "status", object).await
    }

    /// Replaces through a subresource; the object's metadata names it.
    pub async fn update_subresource(
        &self,
        resource: &Resource,
        subresource: &str,
        object: Document,
    ) -> Result<Object> {
        let call = Call::new(Verb::Update, resource, object.namespace(), object.name())
            .subresource(subresource)
            .body(object);
        self.transport.call(call).await
    }

    /// Patches an object, or through a subresource if that is not empty.
    pub async fn patch(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        subresource: &str,
        kind: PatchKind,
        patch: Document,
    ) -> Result<Object> {
        let call =
            Call::new(Verb::Patch(kind), resource, namespace, name).subresource(subresource).body(patch);
        self.transport.call(call).await
    }

    /// Deletes an object; returns the object as it was, or a Status.
    pub async fn delete(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Object> {
        let call = Call::new(Verb::Delete, resource, namespace, name).body(options.to_document());
        self.transport.call(call).await
    }

    /// Deletes all objects of a namespace that match.
    pub async fn delete_collection(
        &self,
        resource: &Resource,
        namespace: &str,
        selection: &Selection,
        options: &DeleteOptions,
    ) -> Result<Object> {
        let call = Call::new(Verb::DeleteCollection, resource, namespace, "")
            .select(selection)
            .body(options.to_document());
        self.transport.call(call).await
    }
}

impl DeleteOptions {
    /// The `v1 DeleteOptions` object.
    pub fn to_document(&self) -> Document {
        let mut doc = skiff_apimachinery::doc!({"apiVersion": "v1", "kind": "DeleteOptions"});
        if let Some(seconds) = self.grace_period_seconds {
            doc.insert("gracePeriodSeconds", seconds);
        }
        if let Some(policy) = self.propagation_policy {
            doc.insert("propagationPolicy", policy);
        }
        if let Some(uid) = &self.uid {
            doc.set(&["preconditions", "uid"], uid);
        }
        if let Some(version) = &self.resource_version {
            doc.set(&["preconditions", "resourceVersion"], version);
        }
        doc
    }
}
