//! What an informer knows: objects by namespace and name, indexes over them, and who wants to hear of changes.
//!
//! The reflector writes, everyone reads. Every change is made and handed to the subscribers' queues under one lock, so
//! that all of them see changes in the same order and none before the store shows it.

use super::Cached;
use super::subscription::Queue;
use skiff_apimachinery::meta::ObjectKey;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use tokio::sync::watch;

pub(super) type IndexFunction<T> = Box<dyn Fn(&Cached<T>) -> Vec<String> + Send + Sync>;

pub(super) struct Store<T> {
    content: RwLock<Content<T>>,
    progress: watch::Sender<Progress>,
}

#[derive(Clone, Copy, Default)]
struct Progress {
    synced: bool,
    resource_version: u64,
}

struct Content<T> {
    namespaces: BTreeMap<String, BTreeMap<String, Arc<Cached<T>>>>,
    indexes: Vec<IndexTable<T>>,
    subscribers: Vec<Weak<Queue<T>>>,
}

struct IndexTable<T> {
    name: &'static str,
    keys: IndexFunction<T>,
    entries: HashMap<String, BTreeSet<ObjectKey>>,
}

impl<T> Store<T> {
    pub(super) fn new() -> Self {
        let content = Content { namespaces: BTreeMap::new(), indexes: Vec::new(), subscribers: Vec::new() };
        Self { content: RwLock::new(content), progress: watch::Sender::new(Progress::default()) }
    }

    fn read(&self) -> RwLockReadGuard<'_, Content<T>> {
        self.content.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Content<T>> {
        self.content.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<Arc<Cached<T>>> {
        self.read().get(namespace, name).cloned()
    }

    pub(super) fn list(&self) -> Vec<Arc<Cached<T>>> {
        self.read().namespaces.values().flat_map(BTreeMap::values).cloned().collect()
    }

    pub(super) fn list_namespace(&self, namespace: &str) -> Vec<Arc<Cached<T>>> {
        self.read().namespaces.get(namespace).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.read().namespaces.values().map(BTreeMap::len).sum()
    }

    pub(super) fn keys(&self) -> Vec<ObjectKey> {
        let content = self.read();
        let keys = |(namespace, names): (&String, &BTreeMap<String, Arc<Cached<T>>>)| {
            names.keys().map(|name| ObjectKey::new(namespace.as_str(), name.as_str())).collect::<Vec<_>>()
        };
        content.namespaces.iter().flat_map(keys).collect()
    }

    pub(super) fn indexed(&self, slot: usize, key: &str) -> Vec<Arc<Cached<T>>> {
        let content = self.read();
        let found = content.indexes.get(slot).and_then(|index| index.entries.get(key));
        found
            .into_iter()
            .flatten()
            .filter_map(|key| content.get(&key.namespace, &key.name).cloned())
            .collect()
    }

    pub(super) fn index(&self, name: &'static str, keys: IndexFunction<T>) -> usize {
        let mut content = self.write();
        if let Some(slot) = content.indexes.iter().position(|index| index.name == name) {
            return slot;
        }
        let mut table = IndexTable { name, keys, entries: HashMap::new() };
        for object in content.namespaces.values().flat_map(BTreeMap::values) {
            table.insert(object);
        }
        content.indexes.push(table);
        content.indexes.len() - 1
    }

    pub(super) fn subscribe(&self) -> Arc<Queue<T>> {
        let queue = Arc::new(Queue::new());
        let mut content = self.write();
        for object in content.namespaces.values().flat_map(BTreeMap::values) {
            queue.set(object.key(), None, object.clone());
        }
        content.subscribers.retain(|subscriber| subscriber.strong_count() > 0);
        content.subscribers.push(Arc::downgrade(&queue));
        queue
    }

    /// Puts an object in, unless the store already has this version of it.
    pub(super) fn set(&self, object: Arc<Cached<T>>) {
        let mut content = self.write();
        let key = object.key();
        let old = content.get(&key.namespace, &key.name).cloned();
        if let Some(old) = &old {
            if old.resource_version() == object.resource_version() && old.uid() == object.uid() {
                return;
            }
            content.indexes.iter_mut().for_each(|index| index.remove(old));
        }
        content.indexes.iter_mut().for_each(|index| index.insert(&object));
        let names = content.namespaces.entry(key.namespace.clone()).or_default();
        names.insert(key.name.clone(), object.clone());
        content.each_subscriber(|queue| queue.set(key.clone(), old.clone(), object.clone()));
    }

    /// Takes an object out; `last` is its state at deletion, if known.
    pub(super) fn remove(&self, key: &ObjectKey, last: Option<Arc<Cached<T>>>) {
        let mut content = self.write();
        let Some(names) = content.namespaces.get_mut(&key.namespace) else { return };
        let Some(old) = names.remove(&key.name) else { return };
        if names.is_empty() {
            content.namespaces.remove(&key.namespace);
        }
        content.indexes.iter_mut().for_each(|index| index.remove(&old));
        let last = last.unwrap_or_else(|| old.clone());
        content.each_subscriber(|queue| queue.remove(key.clone(), old.clone(), last.clone()));
    }

    pub(super) fn advance(&self, resource_version: &str) {
        let Ok(version) = resource_version.parse::<u64>() else { return };
        self.progress.send_if_modified(|progress| {
            let later = version > progress.resource_version;
            if later {
                progress.resource_version = version;
            }
            later
        });
    }

    pub(super) fn mark_synced(&self) {
        self.progress.send_if_modified(|progress| !std::mem::replace(&mut progress.synced, true));
    }

    pub(super) fn has_synced(&self) -> bool {
        self.progress.borrow().synced
    }

    pub(super) fn resource_version(&self) -> u64 {
        self.progress.borrow().resource_version
    }

    pub(super) async fn synced(&self) {
        // The sender lives in self, so waiting cannot fail.
        let _ = self.progress.subscribe().wait_for(|progress| progress.synced).await;
    }

    pub(super) async fn until(&self, condition: impl Fn() -> bool) {
        // Every change of the content is followed by an advance of the progress.
        let _ = self.progress.subscribe().wait_for(|_| condition()).await;
    }

    pub(super) async fn caught_up(&self, resource_version: u64) {
        let _ = self
            .progress
            .subscribe()
            .wait_for(|progress| progress.resource_version >= resource_version)
            .await;
    }
}

impl<T> Content<T> {
    fn get(&self, namespace: &str, name: &str) -> Option<&Arc<Cached<T>>> {
        self.namespaces.get(namespace)?.get(name)
    }

    fn each_subscriber(&self, tell: impl Fn(&Queue<T>)) {
        self.subscribers.iter().filter_map(Weak::upgrade).for_each(|queue| tell(&queue));
    }
}

impl<T> IndexTable<T> {
    fn insert(&mut self, object: &Cached<T>) {
        for key in (self.keys)(object) {
            self.entries.entry(key).or_default().insert(object.key());
        }
    }

    fn remove(&mut self, object: &Cached<T>) {
        for key in (self.keys)(object) {
            if let Some(objects) = self.entries.get_mut(&key) {
                objects.remove(&object.key());
                if objects.is_empty() {
                    self.entries.remove(&key);
                }
            }
        }
    }
}
