//! The one generic registry: what every write and read of a stored object goes through, whatever its kind.
//!
//! Input: decoded requests in the hub version with their [`Context`]; output: objects as they were stored. A kind's
//! [`Strategy`](skiff_api::Strategy) and the admission plugins are asked on the way; there is no code per kind but in
//! `subresources`, `services` and `signing_requests`.

mod admit;
mod create;
mod delete;
mod delete_collection;
mod managed;
mod metadata;
mod patch;
pub mod services;
mod signing_requests;
mod store;
pub mod subresources;
mod unfit;
mod update;

pub use delete::Deleted;
pub use managed::Managers;
pub use patch::{Patch, PatchBody, PatchKind, manager_required};
pub use subresources::TokenIssuer;
pub use update::{Edit, Replace, Updated};

use crate::admission::Plugin;
use crate::authentication::UserInfo;
use crate::cache::{Cache, Caches, Entry};
use crate::chain::AdmissionMetrics;
use bytes::Bytes;
use jiff::Timestamp;
use services::Allocators;
use skiff_api::Resource;
use skiff_apimachinery::{Document, GroupResource};
use std::sync::Arc;
use std::time::Duration;

/// How long events are kept; upstream's `--event-ttl`.
const EVENT_TTL: Duration = Duration::from_secs(3_600);

/// Everything that writes go through.
pub struct Registry {
    pub(crate) caches: Arc<Caches>,
    pub(crate) admission: Vec<Arc<dyn Plugin>>,
    pub(crate) admission_metrics: AdmissionMetrics,
    pub(crate) allocators: Arc<Allocators>,
    pub(crate) tokens: Option<Arc<dyn TokenIssuer>>,
}

/// Who writes, how, and what they are to be told.
#[derive(Debug, Clone)]
pub struct Context {
    /// Who.
    pub user: UserInfo,
    /// Nothing is stored.
    pub dry_run: bool,
    /// Who manages the written fields.
    pub field_manager: String,
    /// When.
    pub now: Timestamp,
    /// Texts for `Warning` headers.
    pub warnings: Vec<String>,
}

/// Which object, through which subresource.
#[derive(Debug, Clone)]
pub struct Target {
    /// The row that was asked for.
    pub row: Arc<Resource>,
    /// The row of the stored version.
    pub hub: Arc<Resource>,
    /// Namespace; empty for cluster scope.
    pub namespace: String,
    /// Name; empty for collections and creations.
    pub name: String,
    /// Subresource; empty for the object itself.
    pub subresource: String,
}

/// An object as the registry hands it out: hub version, with resourceVersion.
#[derive(Clone)]
pub enum Object {
    /// As the cache holds it; decoded only if someone looks inside.
    Cached(Arc<Entry>),
    /// Just made.
    Fresh {
        /// The object.
        document: Arc<Document>,
        /// Its JSON, where it is at hand.
        body: Option<Bytes>,
    },
}

impl Object {
    /// An object that was not encoded yet.
    pub fn new(document: Document) -> Self {
        Self::Fresh { document: Arc::new(document), body: None }
    }

    /// The object.
    pub fn document(&self) -> Arc<Document> {
        match self {
            Self::Cached(entry) => entry.document(),
            Self::Fresh { document, .. } => document.clone(),
        }
    }

    /// Its JSON, where it is at hand.
    pub fn body(&self) -> Option<&Bytes> {
        match self {
            Self::Cached(entry) => Some(entry.body()),
            Self::Fresh { body, .. } => body.as_ref(),
        }
    }
}

impl Target {
    /// The storage key.
    pub fn key(&self) -> String {
        crate::stored::key(&self.hub, &self.namespace, &self.name)
    }

    /// Whether the kind has moved: it is stored as another group's, and asked for under rules of its own.
    pub fn is_of_another_group(&self) -> bool {
        self.row.gvk.group != self.hub.gvk.group
    }

    /// Group and plural, as errors name them.
    pub fn group_resource(&self) -> GroupResource {
        self.row.group_resource()
    }

    /// The same target under another name.
    pub fn named(&self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self.clone() }
    }
}

impl Registry {
    /// The caches that reads go to.
    pub fn caches(&self) -> &Arc<Caches> {
        &self.caches
    }

    fn cache(&self, target: &Target) -> Option<Arc<Cache>> {
        self.caches.running(&target.hub)
    }
}

/// Whether others in the process act on the resource's cache as if it showed every finished write.
fn is_read_back(hub: &Resource) -> bool {
    matches!(
        (&*hub.gvk.group, &*hub.plural),
        ("", "limitranges" | "namespaces" | "resourcequotas" | "serviceaccounts")
            | ("networking.k8s.io", "ingressclasses" | "servicecidrs")
            | ("node.k8s.io", "runtimeclasses")
            | ("rbac.authorization.k8s.io", _)
            | ("scheduling.k8s.io", "priorityclasses")
            | ("storage.k8s.io", "storageclasses")
            | ("apiextensions.k8s.io", "customresourcedefinitions")
    )
}

/// How long objects of the resource live.
fn time_to_live(hub: &Resource) -> Option<Duration> {
    (hub.storage_prefix == "events").then_some(EVENT_TTL)
}
