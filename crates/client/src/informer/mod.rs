//! Shared informers: a local, always current copy of a resource, decoded once per process.
//!
//! Input: one list, then one watch per (resource, namespace, selection, type), opened through [`Client`]. Output: reads
//! without a call ([`Informer::get`], [`Informer::list`], [`Informer::index`]) and changes ([`Informer::subscribe`]).
//!
//! What always holds:
//! - a subscriber's queue holds at most one entry per object: a slow one skips states in between, never the last one;
//! - what a subscriber hears of, the store already shows;
//! - an object that does not decode is logged and skipped; the others go on;
//! - the watch ends when the last [`Informer`], [`Index`] or [`Subscription`] is dropped.

mod reflector;
mod store;
mod subscription;

pub use subscription::{Event, Subscription};

use crate::{Client, Object, Resource, Selection, Shape};
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny};
use skiff_apimachinery::Document;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use store::Store;

/// An object as an informer holds it: as it was served, and as a struct to read it by.
#[derive(Debug)]
pub struct Cached<T> {
    /// The object as served, shared with the API server's watch cache when in process.
    pub object: Object,
    /// The decoded form.
    pub typed: T,
}

/// The type of informers that read objects as documents only, such as the garbage collector's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Untyped;

/// The informers of one identity; each (resource, namespace, selection, type) is watched once. Cheap to clone.
#[derive(Clone)]
pub struct SharedInformers {
    client: Client,
    running: Arc<Mutex<HashMap<Key, Weak<dyn Any + Send + Sync>>>>,
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    resource: Resource,
    namespace: String,
    selection: Selection,
    shape: Shape,
    typed: TypeId,
}

/// A view on one resource that follows the API server. Cheap to clone.
pub struct Informer<T> {
    shared: Arc<Shared<T>>,
}

/// Objects grouped by keys that a function gives them. Made by [`Informer::index`].
pub struct Index<T> {
    shared: Arc<Shared<T>>,
    slot: usize,
}

struct Shared<T> {
    resource: Resource,
    store: Arc<Store<T>>,
    reflector: tokio::task::AbortHandle,
}

// === impl Cached, Untyped ===

impl<T: DeserializeOwned> Cached<T> {
    /// Decodes an object.
    ///
    /// # Errors
    /// If a field has a type that `T` does not take.
    pub fn decode(object: Object) -> Result<Self, skiff_apimachinery::document::ReadError> {
        let typed = object.read()?;
        Ok(Self { object, typed })
    }
}

impl<T> std::ops::Deref for Cached<T> {
    type Target = Document;
    /// The object as served, for its metadata.
    fn deref(&self) -> &Document {
        &self.object
    }
}

impl<'de> serde::Deserialize<'de> for Untyped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_ignored_any(IgnoredAny).map(|_| Self)
    }
}

// === impl SharedInformers ===

impl SharedInformers {
    /// Informers that list and watch through this client.
    pub fn new(client: Client) -> Self {
        Self { client, running: Arc::default() }
    }

    /// The client whose identity the informers have.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The informer over all namespaces. Starts it if it does not run; must be called inside a tokio runtime.
    pub fn of<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        resource: &Resource,
        selection: Selection,
    ) -> Informer<T> {
        self.open(resource, "", selection, Shape::Full)
    }

    /// The informer over one namespace.
    pub fn namespaced<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        resource: &Resource,
        namespace: &str,
        selection: Selection,
    ) -> Informer<T> {
        self.open(resource, namespace, selection, Shape::Full)
    }

    /// The informer over all namespaces that is sure of the objects' metadata only.
    pub fn metadata(&self, resource: &Resource) -> Informer<Untyped> {
        self.open(resource, "", Selection::default(), Shape::Metadata)
    }

    fn open<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        resource: &Resource,
        namespace: &str,
        selection: Selection,
        shape: Shape,
    ) -> Informer<T> {
        let key = Key {
            resource: resource.clone(),
            namespace: namespace.to_owned(),
            selection,
            shape,
            typed: TypeId::of::<T>(),
        };
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let alive = running.get(&key).and_then(Weak::upgrade);
        if let Some(shared) = alive.and_then(|shared| shared.downcast::<Shared<T>>().ok()) {
            return Informer { shared };
        }
        running.retain(|_, shared| shared.strong_count() > 0);
        let store = Arc::new(Store::new());
        let source = reflector::Source {
            client: self.client.clone(),
            resource: resource.clone(),
            namespace: namespace.to_owned(),
            selection: key.selection.clone(),
            shape,
        };
        let reflector = tokio::spawn(reflector::run(source, store.clone())).abort_handle();
        let shared = Arc::new(Shared { resource: resource.clone(), store, reflector });
        let erased: Arc<dyn Any + Send + Sync> = shared.clone();
        running.insert(key, Arc::downgrade(&erased));
        Informer { shared }
    }
}

// === impl Informer ===

impl<T> Clone for Informer<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        self.reflector.abort();
    }
}

impl<T> Informer<T> {
    /// The resource that it follows.
    pub fn resource(&self) -> &Resource {
        &self.shared.resource
    }

    /// One object; the namespace is empty for cluster-scoped resources.
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<Cached<T>>> {
        self.shared.store.get(namespace, name)
    }

    /// All objects, by namespace and name.
    pub fn list(&self) -> Vec<Arc<Cached<T>>> {
        self.shared.store.list()
    }

    /// The objects of a namespace, by name.
    pub fn list_namespace(&self, namespace: &str) -> Vec<Arc<Cached<T>>> {
        self.shared.store.list_namespace(namespace)
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.shared.store.len()
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the first list has arrived.
    pub fn has_synced(&self) -> bool {
        self.shared.store.has_synced()
    }

    /// Waits for the first list.
    pub async fn synced(&self) {
        self.shared.store.synced().await;
    }

    /// Up to which resourceVersion the store is known to be current; 0 before the first list.
    pub fn resource_version(&self) -> u64 {
        self.shared.store.resource_version()
    }

    /// Waits until the store shows everything up to a resourceVersion, such as that of one's own write.
    pub async fn caught_up(&self, resource_version: u64) {
        self.shared.store.caught_up(resource_version).await;
    }

    /// Waits for a condition on the store; it is looked at now and after each change.
    pub async fn until(&self, condition: impl Fn(&Self) -> bool) {
        self.shared.store.until(|| condition(self)).await;
    }

    /// An index by a function from object to keys. The name identifies it: who asks for the same name of the same
    /// informer shares the index, so one name must always come with one function.
    pub fn index(
        &self,
        name: &'static str,
        keys: impl Fn(&Cached<T>) -> Vec<String> + Send + Sync + 'static,
    ) -> Index<T> {
        Index { shared: self.shared.clone(), slot: self.shared.store.index(name, Box::new(keys)) }
    }

    /// Changes from now on, after an `Added` for each object that is there now.
    pub fn subscribe(&self) -> Subscription<T> {
        let queue = self.shared.store.subscribe();
        Subscription::new(queue, self.clone())
    }
}

// === impl Index ===

impl<T> Clone for Index<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), slot: self.slot }
    }
}

impl<T> Index<T> {
    /// The objects with a key, by namespace and name.
    pub fn get(&self, key: &str) -> Vec<Arc<Cached<T>>> {
        self.shared.store.indexed(self.slot, key)
    }
}

#[cfg(test)]
mod tests;
