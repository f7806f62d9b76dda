//! What carries API calls: one shape for the in-process and the HTTPS way.

use crate::{Resource, Result, Selection};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use skiff_apimachinery::{Document, Status};
use std::sync::Arc;

/// An API object, shared between the API server's watch cache and every informer of the process.
pub type Object = Arc<Document>;

/// Objects and the resourceVersion they were read at.
#[derive(Debug, Clone)]
pub struct List {
    /// The objects, each with apiVersion and kind.
    pub items: Vec<Object>,
    /// Where to watch from.
    pub resource_version: String,
    /// Token of the next page; empty at the end.
    pub continue_token: String,
}

/// One event of a watch.
#[derive(Debug, Clone)]
pub enum WatchEvent {
    /// The object came into view.
    Added(Object),
    /// The object changed.
    Modified(Object),
    /// The object left the view; its last state.
    Deleted(Object),
    /// Everything up to this resourceVersion was sent.
    Bookmark(String),
}

/// A watch. An `Err` ends it; `Status::is_gone` means list again.
pub type WatchStream = BoxStream<'static, std::result::Result<WatchEvent, Status>>;

/// The four kinds of patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchKind {
    /// RFC 6902.
    Json,
    /// RFC 7386.
    Merge,
    /// Strategic merge patch.
    Strategic,
    /// Server-side apply; `force` takes ownership from others.
    Apply {
        /// Takes fields over from other managers.
        force: bool,
    },
}

impl PatchKind {
    /// The media type of the body.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json-patch+json",
            Self::Merge => "application/merge-patch+json",
            Self::Strategic => "application/strategic-merge-patch+json",
            Self::Apply { .. } => "application/apply-patch+yaml",
        }
    }
}

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the API's verbs")]
pub enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch(PatchKind),
    Delete,
    DeleteCollection,
}

/// Which part of the objects comes back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Whole objects.
    #[default]
    Full,
    /// `PartialObjectMetadata`: only metadata is needed. A transport that shares objects may hand out whole ones.
    Metadata,
}

/// One API call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// What to do.
    pub verb: Verb,
    /// To which resource.
    pub resource: Resource,
    /// In which namespace; empty for cluster scope and for all namespaces.
    pub namespace: String,
    /// To which object; empty for collections.
    pub name: String,
    /// Through which subresource; empty for the object itself.
    pub subresource: String,
    /// Query parameters, names as in the URL.
    pub query: Vec<(&'static str, String)>,
    /// The body, if the verb has one.
    pub body: Option<Document>,
    /// Which part of the objects the caller needs; only of get, list and watch.
    pub shape: Shape,
}

impl Call {
    /// A call without subresource, query or body.
    pub fn new(verb: Verb, resource: &Resource, namespace: &str, name: &str) -> Self {
        Self {
            verb,
            resource: resource.clone(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            subresource: String::new(),
            query: Vec::new(),
            body: None,
            shape: Shape::Full,
        }
    }

    /// With a subresource.
    #[must_use]
    pub fn subresource(mut self, subresource: &str) -> Self {
        self.subresource = subresource.to_owned();
        self
    }

    /// With a query parameter; empty values are left out.
    #[must_use]
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.query.push((name, value));
        }
        self
    }

    /// With selectors.
    #[must_use]
    pub fn select(self, selection: &Selection) -> Self {
        self.query("labelSelector", selection.labels.clone()).query("fieldSelector", selection.fields.clone())
    }

    /// Asking for a shape.
    #[must_use]
    pub fn shape(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: Document) -> Self {
        self.body = Some(body);
        self
    }
}

/// Carries calls to an API server under one identity.
pub trait Transport: Send + Sync + 'static {
    /// Get, create, update, patch, delete, deletecollection: one object (or a Status object) comes back.
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Object>>;
    /// Lists one page (the whole list unless the query limits it).
    fn list(&self, call: Call) -> BoxFuture<'_, Result<List>>;
    /// Opens a watch.
    fn watch(&self, call: Call) -> BoxFuture<'_, Result<WatchStream>>;
    /// Reads a path that is no resource: discovery (`/apis`, `/apis/apps/v1`), `/version`, `/openapi/v2`.
    fn get_path<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Object>>;
}
