//! An API in memory for tests of components that list and watch: objects are put in and taken out by the test.
//!
//! It keeps resourceVersions and selectors honest and nothing else: no defaults, no validation, no writes by clients.

use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use skiff_apimachinery::meta::ObjectKey;
use skiff_apimachinery::selector::{FieldSelector, LabelSelector};
use skiff_apimachinery::{Document, Status};
use skiff_client::{Call, Client, List, Object, Resource, Result, Transport, WatchEvent, WatchStream};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast;

/// Events that a slow watch may fall behind by.
const BACKLOG: usize = 1 << 16;

/// The API. Cheap to clone.
#[derive(Clone)]
pub struct MemoryApi {
    state: Arc<Mutex<State>>,
    events: broadcast::Sender<(Resource, WatchEvent)>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<(String, ObjectKey), Object>,
    version: u64,
}

impl Default for MemoryApi {
    fn default() -> Self {
        Self { state: Arc::default(), events: broadcast::Sender::new(BACKLOG) }
    }
}

impl MemoryApi {
    /// A client of it.
    pub fn client(&self) -> Client {
        Client::new(Arc::new(self.clone()))
    }

    /// Creates or replaces an object; its metadata names it.
    pub fn put(&self, resource: &Resource, mut object: Document) {
        let mut state = self.lock();
        state.version += 1;
        object.set(&["metadata", "resourceVersion"], state.version.to_string());
        let key = (resource.plural.to_string(), object.key());
        if object.uid().is_empty() {
            object.set(&["metadata", "uid"], object.key().to_string());
        }
        let object: Object = Arc::new(object);
        let event = match state.objects.insert(key, object.clone()) {
            None => WatchEvent::Added(object),
            Some(_) => WatchEvent::Modified(object),
        };
        let _ = self.events.send((resource.clone(), event));
    }

    /// Deletes an object, if it is there.
    pub fn remove(&self, resource: &Resource, namespace: &str, name: &str) {
        let mut state = self.lock();
        let key = (resource.plural.to_string(), ObjectKey::new(namespace, name));
        if let Some(object) = state.objects.remove(&key) {
            state.version += 1;
            let mut last = (*object).clone();
            last.set(&["metadata", "resourceVersion"], state.version.to_string());
            let _ = self.events.send((resource.clone(), WatchEvent::Deleted(Arc::new(last))));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a call selects.
struct Filter {
    resource: Resource,
    namespace: String,
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Filter {
    fn read(call: &Call) -> Result<Self> {
        let text = |name: &str| {
            call.query
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.as_str())
                .unwrap_or_default()
        };
        let bad = |error: skiff_apimachinery::selector::SelectorError| Status::bad_request(error.to_string());
        Ok(Self {
            resource: call.resource.clone(),
            namespace: call.namespace.clone(),
            labels: LabelSelector::parse(text("labelSelector")).map_err(bad)?,
            fields: FieldSelector::parse(text("fieldSelector")).map_err(bad)?,
        })
    }

    fn takes(&self, object: &Document) -> bool {
        let field = |path: &str| object.str_at(&path.split('.').collect::<Vec<_>>()).to_owned();
        (self.namespace.is_empty() || self.namespace == object.namespace())
            && self.labels.matches(object.labels())
            && self.fields.matches(field)
    }
}

impl Transport for MemoryApi {
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Object>> {
        Box::pin(async move { Err(Status::bad_request(format!("{:?} is not for tests", call.verb))) })
    }

    fn list(&self, call: Call) -> BoxFuture<'_, Result<List>> {
        Box::pin(async move {
            let filter = Filter::read(&call)?;
            let state = self.lock();
            let of_resource =
                state.objects.iter().filter(|((plural, _), _)| *plural == *filter.resource.plural);
            let items = of_resource
                .map(|(_, object)| object)
                .filter(|object| filter.takes(object))
                .cloned()
                .collect();
            Ok(List { items, resource_version: state.version.to_string(), continue_token: String::new() })
        })
    }

    fn watch(&self, call: Call) -> BoxFuture<'_, Result<WatchStream>> {
        Box::pin(async move {
            let filter = Filter::read(&call)?;
            let since = call.query.iter().find(|(key, _)| *key == "resourceVersion");
            let since: u64 = since.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
            let receiver = {
                let state = self.lock();
                if state.version != since {
                    // What happened since then is not kept: list again.
                    return Err(Status::expired("too old resource version"));
                }
                self.events.subscribe()
            };
            let events = stream::unfold(receiver, |mut receiver| async {
                receiver.recv().await.ok().map(|event| (event, receiver))
            });
            let of_resource = events.filter_map(move |(resource, event)| {
                let wanted = resource == filter.resource
                    && match &event {
                        WatchEvent::Added(object)
                        | WatchEvent::Modified(object)
                        | WatchEvent::Deleted(object) => filter.takes(object),
                        WatchEvent::Bookmark(_) => false,
                    };
                std::future::ready(wanted.then_some(Ok(event)))
            });
            Ok(of_resource.boxed())
        })
    }

    fn get_path<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Object>> {
        Box::pin(async move { Err(Status::bad_request(format!("{path} is not for tests"))) })
    }
}
