//! Reading and writing single objects in the store, with the cache's help.

use super::{Context, Object, Registry, Target, is_read_back, time_to_live};
use crate::cache::{Encoded, Metadata};
use crate::stored::storage_failure;
use skiff_apimachinery::{Document, Status};
use skiff_storage::{Expect, KeyValue, Op, Range, Revision, Txn, TxnResult};
use std::sync::Arc;

/// An object as it is stored now.
#[derive(Clone)]
pub(super) struct Current {
    pub(super) object: Object,
    pub(super) revision: Revision,
}

/// How a conditional write turned out.
pub(super) enum Outcome {
    /// It is durable.
    Done(Object),
    /// The condition did not hold.
    Stale,
}

impl Registry {
    /// The object as it is stored, linearizable.
    ///
    /// # Errors
    /// 404, or what the store answers.
    pub async fn get(&self, target: &Target) -> Result<Object, Status> {
        let current = self.current(target).await?;
        current
            .map(|current| current.object)
            .ok_or_else(|| Status::not_found(&target.group_resource(), &target.name))
    }

    pub(super) async fn current(&self, target: &Target) -> Result<Option<Current>, Status> {
        let range = Range { prefix: target.key(), single: true, ..Range::default() };
        let found = self.caches.storage().range(range).await.map_err(storage_failure)?;
        found.items.into_iter().next().map(|stored| self.load(target, &stored)).transpose()
    }

    fn load(&self, target: &Target, stored: &KeyValue) -> Result<Current, Status> {
        let revision = stored.mod_revision;
        let cached = self.cache(target).and_then(|cache| cache.by_key(&stored.key));
        if let Some(entry) = cached.filter(|entry| entry.revision() == revision) {
            return Ok(Current { object: Object::Cached(entry), revision });
        }
        let form = self.caches.form();
        let mut document = form.load(&target.hub, &stored.key, &stored.value).map_err(|error| {
            tracing::error!(key = %stored.key, %error, "a stored object cannot be read");
            Status::internal(error)
        })?;
        document.set(&["metadata", "resourceVersion"], revision.to_string());
        Ok(Current { object: Object::new(document), revision })
    }

    pub(super) async fn insert(
        &self,
        context: &Context,
        target: &Target,
        object: Document,
    ) -> Result<Outcome, Status> {
        if context.dry_run {
            return match self.current(target).await? {
                Some(_) => Ok(Outcome::Stale),
                None => Ok(Outcome::Done(Object::new(object))),
            };
        }
        self.put(target, object, Expect::Absent).await
    }

    pub(super) async fn replace(
        &self,
        context: &Context,
        target: &Target,
        object: Document,
        revision: Revision,
    ) -> Result<Outcome, Status> {
        if context.dry_run {
            return Ok(Outcome::Done(Object::new(object)));
        }
        self.put(target, object, Expect::ModRevision(revision)).await
    }

    /// Removes an object; the outcome shows its last state.
    pub(super) async fn remove(
        &self,
        context: &Context,
        target: &Target,
        current: &Current,
    ) -> Result<Outcome, Status> {
        if context.dry_run {
            return Ok(Outcome::Done(current.object.clone()));
        }
        let key = target.key();
        let txn = Txn { key, expect: Expect::ModRevision(current.revision), op: Op::Delete };
        match self.caches.storage().txn(txn).await.map_err(storage_failure)? {
            TxnResult::Committed { revision } => {
                self.read_back(target, revision).await;
                Ok(Outcome::Done(current.object.clone()))
            }
            TxnResult::Failed { .. } => Ok(Outcome::Stale),
        }
    }

    async fn put(&self, target: &Target, mut object: Document, expect: Expect) -> Result<Outcome, Status> {
        let key = target.key();
        object.remove(&["metadata", "resourceVersion"]);
        let encoded = Encoded::of(&object);
        let value = self.caches.form().to_storage(&target.hub, &key, &encoded)?;
        let cache = self.cache(target);
        if let Some(cache) = &cache {
            let metadata = Arc::new(Metadata::of(&object, &target.hub));
            cache.pending().note(&key, value.clone(), encoded.clone(), metadata);
        }
        let op = Op::Put { value, ttl: time_to_live(&target.hub) };
        let result = self.caches.storage().txn(Txn { key: key.clone(), expect, op }).await;
        let committed = match result {
            Ok(TxnResult::Committed { revision }) => Some(revision),
            _ => None,
        };
        match committed {
            Some(revision) => {
                object.set(&["metadata", "resourceVersion"], revision.to_string());
                self.read_back(target, revision).await;
                let body = Some(encoded.served(revision));
                Ok(Outcome::Done(Object::Fresh { document: Arc::new(object), body }))
            }
            None => {
                if let Some(cache) = &cache {
                    cache.pending().forget(&key);
                }
                result.map(|_| Outcome::Stale).map_err(storage_failure)
            }
        }
    }

    /// Waits for the cache where the next request may depend on it; a slow one does not fail the write.
    async fn read_back(&self, target: &Target, revision: Revision) {
        if !is_read_back(&target.hub) {
            return;
        }
        if let Some(cache) = self.cache(target) {
            let _ = cache.at_least(revision).await;
        }
    }
}
