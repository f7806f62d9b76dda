//! All watch caches, started when they are first asked for, and the process's own read access to them.

use super::Cache;
use super::feed::{self, Pending};
use super::state::State;
use crate::objects::Objects;
use crate::stored::{self, StoredForm};
use crate::table::Table;
use skiff_api::Resource;
use skiff_apimachinery::{Document, GroupResource};
use skiff_storage::Storage;
use skiff_storage::transform::Transformer;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::watch as signal;

/// The watch caches over one store. Needs a tokio runtime.
pub struct Caches {
    storage: Arc<dyn Storage>,
    form: Arc<StoredForm>,
    table: Arc<Table>,
    caches: RwLock<HashMap<String, Arc<Cache>>>,
    runtime: tokio::runtime::Handle,
}

impl Caches {
    /// No cache runs yet. Values of the named resources pass their transformer.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn new(
        storage: Arc<dyn Storage>,
        rows: Vec<Arc<Resource>>,
        transformers: HashMap<GroupResource, Arc<dyn Transformer>>,
    ) -> Arc<Self> {
        let table = Arc::new(Table::new(rows));
        let form = Arc::new(StoredForm::new(table.clone(), transformers));
        let runtime = tokio::runtime::Handle::current();
        Arc::new(Self { storage, form, table, caches: RwLock::default(), runtime })
    }

    /// The rows that are served.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// The store.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// How values are stored.
    pub fn form(&self) -> &Arc<StoredForm> {
        &self.form
    }

    /// The cache of a row's objects, started if need be. The row is of the stored version.
    pub fn of(&self, hub: &Arc<Resource>) -> Arc<Cache> {
        if let Some(cache) = self.running(hub) {
            return cache;
        }
        let mut caches = self.caches.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(cache) = caches.get(&*hub.storage_prefix).filter(|cache| Arc::ptr_eq(&cache.row, hub)) {
            return cache.clone();
        }
        let cache = Arc::new(Cache {
            row: hub.clone(),
            prefix: stored::prefix(hub),
            storage: self.storage.clone(),
            form: self.form.clone(),
            state: RwLock::new(State::default()),
            pending: Pending::default(),
            reached: signal::Sender::new(0),
        });
        self.runtime.spawn(feed::run(Arc::downgrade(&cache)));
        // A cache of an older row (its CustomResourceDefinition changed) ends with its watchers.
        if let Some(old) = caches.insert(hub.storage_prefix.to_string(), cache.clone()) {
            old.retire();
        }
        cache
    }

    /// The cache of a row's objects, if it runs.
    pub fn running(&self, hub: &Arc<Resource>) -> Option<Arc<Cache>> {
        let caches = self.caches.read().unwrap_or_else(PoisonError::into_inner);
        caches.get(&*hub.storage_prefix).filter(|cache| Arc::ptr_eq(&cache.row, hub)).cloned()
    }

    /// Ends the cache of a resource that is no longer served.
    pub fn stop(&self, storage_prefix: &str) {
        let old = self.caches.write().unwrap_or_else(PoisonError::into_inner).remove(storage_prefix);
        if let Some(old) = old {
            old.retire();
        }
    }

    /// Starts the caches of resources and waits until they hold what the store holds.
    pub async fn warm(&self, resources: &[GroupResource]) {
        let rows = self.table.rows();
        let caches: Vec<Arc<Cache>> =
            resources.iter().filter_map(|resource| rows.stored(resource)).map(|row| self.of(&row)).collect();
        futures::future::join_all(caches.iter().map(|cache| cache.ready())).await;
    }

    /// Every cache that runs.
    pub fn all_running(&self) -> Vec<Arc<Cache>> {
        self.caches.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn find(&self, resource: &GroupResource) -> Option<Arc<Cache>> {
        let row = self.table.rows().stored(resource)?;
        Some(self.of(&row))
    }
}

impl Objects for Caches {
    fn get(&self, resource: &GroupResource, namespace: &str, name: &str) -> Option<Arc<Document>> {
        self.find(resource)?.get(namespace, name).map(|entry| entry.document())
    }

    fn list(&self, resource: &GroupResource, namespace: &str) -> Vec<Arc<Document>> {
        let Some(cache) = self.find(resource) else { return Vec::new() };
        cache.all(namespace).iter().map(|entry| entry.document()).collect()
    }

    fn change_count(&self, resource: &GroupResource) -> u64 {
        self.find(resource).map_or(0, |cache| cache.change_count())
    }
}
