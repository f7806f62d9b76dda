//! Which informers a controller reads, and how their changes become keys in its queue.

use futures::future::BoxFuture;
use skiff_apimachinery::Document;
use skiff_client::{Event, Informer, Resource, WorkQueue};
use std::hash::Hash;
use std::sync::Arc;

/// The informers of one controller.
pub struct Sources<K> {
    queue: WorkQueue<K>,
    followed: Vec<Arc<dyn Followed>>,
    triggers: Vec<BoxFuture<'static, ()>>,
}

/// An informer, seen by those who wait for it.
pub(crate) trait Followed: Send + Sync {
    fn resource(&self) -> &Resource;
    fn synced(&self) -> BoxFuture<'_, ()>;
    /// Waits until the informer shows what was written at this resourceVersion.
    fn caught_up(&self, resource_version: u64) -> BoxFuture<'_, ()>;
    /// Waits until the informer shows that the object is deleted or being deleted.
    fn deleted<'a>(&'a self, object: &'a Document) -> BoxFuture<'a, ()>;
}

impl<K: Clone + Eq + Hash + Send + Sync + 'static> Sources<K> {
    pub(crate) fn new(queue: WorkQueue<K>) -> Self {
        Self { queue, followed: Vec::new(), triggers: Vec::new() }
    }

    /// Reads an informer without being woken by it.
    pub fn read<T: Send + Sync + 'static>(&mut self, informer: &Informer<T>) {
        self.followed.push(Arc::new(informer.clone()));
    }

    /// Reads an informer; each change queues the keys that the function names.
    pub fn watch<T, I>(&mut self, informer: &Informer<T>, keys: impl Fn(&Event<T>) -> I + Send + 'static)
    where
        T: Send + Sync + 'static,
        I: IntoIterator<Item = K>,
    {
        self.read(informer);
        let mut changes = informer.subscribe();
        let queue = self.queue.clone();
        self.triggers.push(Box::pin(async move {
            loop {
                let change = changes.next().await;
                keys(&change).into_iter().for_each(|key| queue.add(key));
            }
        }));
    }

    pub(crate) fn into_parts(self) -> (Vec<Arc<dyn Followed>>, Vec<BoxFuture<'static, ()>>) {
        (self.followed, self.triggers)
    }
}

impl<T: Send + Sync + 'static> Followed for Informer<T> {
    fn resource(&self) -> &Resource {
        Informer::resource(self)
    }

    fn synced(&self) -> BoxFuture<'_, ()> {
        Box::pin(Informer::synced(self))
    }

    fn caught_up(&self, resource_version: u64) -> BoxFuture<'_, ()> {
        Box::pin(Informer::caught_up(self, resource_version))
    }

    fn deleted<'a>(&'a self, object: &'a Document) -> BoxFuture<'a, ()> {
        Box::pin(self.until(|informer| {
            informer
                .get(object.namespace(), object.name())
                .is_none_or(|seen| seen.uid() != object.uid() || seen.deletion_timestamp().is_some())
        }))
    }
}
