//! Read access to current objects for authorizers, authenticators and admission plugins, served by the watch caches.

use skiff_apimachinery::{Document, GroupResource};
use std::sync::Arc;

/// Current objects, without a round trip to the store.
pub trait Objects: Send + Sync + 'static {
    /// One object; the namespace is empty for cluster-scoped resources.
    fn get(&self, resource: &GroupResource, namespace: &str, name: &str) -> Option<Arc<Document>>;

    /// All objects of a resource; of one namespace if that is not empty.
    fn list(&self, resource: &GroupResource, namespace: &str) -> Vec<Arc<Document>>;

    /// A number that changes whenever an object of the resource does, so that what is derived can be kept.
    fn change_count(&self, resource: &GroupResource) -> u64;
}
