//! ConfigMaps and Secrets that pods refer to, each followed by a watch of its own.
//!
//! The Node authorizer lets a kubelet read exactly the objects that its pods name, one by one; so does this. A pod holds
//! its references while it lives; an object that several pods name is watched once.

use skiff_apimachinery::Document;
use skiff_client::informer::{Informer, SharedInformers, Untyped};
use skiff_client::resources::{CONFIG_MAPS, SECRETS};
use skiff_client::{Object, Resource, Selection};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// How long a first look at an object may take.
const SYNC_TIMEOUT: Duration = Duration::from_secs(10);

/// Which kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are the kinds")]
pub enum ObjectKind {
    ConfigMap,
    Secret,
}

/// An object of the pod's namespace that a pod refers to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
}

/// The objects that one pod refers to.
pub struct PodObjects {
    informers: SharedInformers,
    namespace: String,
    held: Mutex<BTreeMap<Reference, Informer<Untyped>>>,
    followed: Mutex<Followed>,
    /// Told when an object that is followed changed.
    pub changed: Arc<Notify>,
}

#[derive(Default)]
struct Followed {
    references: Vec<Reference>,
    tasks: JoinSet<()>,
}

impl ObjectKind {
    fn resource(self) -> Resource {
        match self {
            Self::ConfigMap => CONFIG_MAPS,
            Self::Secret => SECRETS,
        }
    }

    /// As error messages name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConfigMap => "configmap",
            Self::Secret => "secret",
        }
    }
}

impl Reference {
    /// A ConfigMap.
    pub fn config_map(name: impl Into<String>) -> Self {
        Self { kind: ObjectKind::ConfigMap, name: name.into() }
    }

    /// A Secret.
    pub fn secret(name: impl Into<String>) -> Self {
        Self { kind: ObjectKind::Secret, name: name.into() }
    }
}

impl PodObjects {
    /// The objects of a pod in this namespace; none is watched yet.
    pub fn new(informers: SharedInformers, namespace: &str) -> Self {
        Self {
            informers,
            namespace: namespace.to_owned(),
            held: Mutex::default(),
            followed: Mutex::default(),
            changed: Arc::new(Notify::new()),
        }
    }

    fn informer(&self, reference: &Reference) -> Informer<Untyped> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.entry(reference.clone())
            .or_insert_with(|| {
                let selection =
                    Selection { fields: format!("metadata.name={}", reference.name), ..Selection::default() };
                self.informers.namespaced(&reference.kind.resource(), &self.namespace, selection)
            })
            .clone()
    }

    /// An object as it is now; `None` if there is none of this name.
    ///
    /// # Errors
    /// If the API server did not show it in time.
    pub async fn get(&self, reference: &Reference) -> Result<Option<Object>, String> {
        let informer = self.informer(reference);
        let synced = tokio::time::timeout(SYNC_TIMEOUT, informer.synced()).await;
        synced.map_err(|_| {
            format!("failed to sync {} cache: timed out waiting for the condition", reference.kind.as_str())
        })?;
        Ok(informer.get(&self.namespace, &reference.name).map(|cached| cached.object.clone()))
    }

    /// Several objects, those that are there.
    ///
    /// # Errors
    /// If the API server did not show one in time.
    pub async fn get_all(
        &self,
        references: Vec<Reference>,
    ) -> Result<BTreeMap<Reference, Arc<Document>>, String> {
        let mut out = BTreeMap::new();
        for reference in references {
            if let Some(object) = self.get(&reference).await? {
                out.insert(reference, object);
            }
        }
        Ok(out)
    }

    /// Tells [`Self::changed`] of every later change of these objects.
    pub fn follow(&self, references: Vec<Reference>) {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if followed.references == references {
            return;
        }
        followed.tasks = JoinSet::new();
        for reference in &references {
            let mut subscription = self.informer(reference).subscribe();
            let changed = self.changed.clone();
            // What is there now is known to the caller.
            while subscription.try_next().is_some() {}
            followed.tasks.spawn(async move {
                loop {
                    subscription.next().await;
                    changed.notify_one();
                }
            });
        }
        followed.references = references;
    }
}
