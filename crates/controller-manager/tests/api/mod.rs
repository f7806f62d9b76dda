//! An API in memory that controllers can write to. Its watches lag, so that a controller that trusts its informers too
//! early shows itself.

use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use skiff_apimachinery::meta::ObjectKey;
use skiff_apimachinery::patch::apply_merge_patch;
use skiff_apimachinery::selector::{FieldSelector, LabelSelector};
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, Status, doc};
use skiff_client::{
    Call, Client, List, Object, PatchKind, Resource, Result, Transport, Verb, WatchEvent, WatchStream,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::broadcast;

/// How long a watch lags behind.
const LAG: Duration = Duration::from_millis(40);

#[derive(Clone)]
pub struct Api {
    state: Arc<Mutex<State>>,
    events: broadcast::Sender<(String, WatchEvent)>,
    served: Arc<Vec<Resource>>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<(String, ObjectKey), Object>,
    version: u64,
    created: BTreeMap<String, usize>,
}

impl Api {
    pub fn new(served: &[&Resource]) -> Self {
        let served = served.iter().map(|&resource| resource.clone()).collect();
        Self { state: Arc::default(), events: broadcast::Sender::new(1 << 14), served: Arc::new(served) }
    }

    pub fn client(&self) -> Client {
        Client::new(Arc::new(self.clone()))
    }

    pub fn list(&self, resource: &Resource) -> Vec<Object> {
        let state = self.lock();
        let of = state.objects.iter().filter(|((plural, _), _)| *plural == *resource.plural);
        of.map(|(_, object)| object.clone()).collect()
    }

    /// How many objects of a resource were ever created.
    pub fn created(&self, resource: &Resource) -> usize {
        self.lock().created.get(&*resource.plural).copied().unwrap_or(0)
    }

    /// Waits for a condition, in the test's time.
    pub async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let mut changes = self.events.subscribe();
        let met = async {
            while !condition(self) {
                let _ = changes.recv().await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(3600), met).await.is_err() {
            panic!("{what} does not come: {:?}", self.lock().objects.keys().collect::<Vec<_>>());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn store(&self, state: &mut State, resource: &Resource, mut object: Document) -> Object {
        state.version += 1;
        object.set(&["metadata", "resourceVersion"], state.version.to_string());
        object.set_gvk(&resource.gvk());
        let key = (resource.plural.to_string(), object.key());
        let ends = object.deletion_timestamp().is_some()
            && object.finalizers().next().is_none()
            && object.array_at(&["spec", "finalizers"]).is_empty();
        let object: Object = Arc::new(object);
        let event = if ends {
            state.objects.remove(&key);
            WatchEvent::Deleted(object.clone())
        } else if state.objects.insert(key, object.clone()).is_some() {
            WatchEvent::Modified(object.clone())
        } else {
            WatchEvent::Added(object.clone())
        };
        let _ = self.events.send((resource.plural.to_string(), event));
        object
    }

    fn create(&self, call: &Call) -> Result<Object> {
        let mut state = self.lock();
        let mut object = call.body.clone().unwrap_or_default();
        let serial = state.version + 1;
        if object.name().is_empty() {
            let name = format!("{}{serial}", object.str_at(&["metadata", "generateName"]));
            object.set(&["metadata", "name"], name);
        }
        if !call.namespace.is_empty() {
            object.set(&["metadata", "namespace"], call.namespace.as_str());
        }
        let key = (call.resource.plural.to_string(), object.key());
        if state.objects.contains_key(&key) {
            return Err(Status::already_exists(&call.resource.group_resource(), object.name()));
        }
        object.set(&["metadata", "uid"], format!("uid-{serial}"));
        object.set(&["metadata", "generation"], 1);
        object.set(
            &["metadata", "creationTimestamp"],
            format_time(jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(serial as i64)),
        );
        *state.created.entry(call.resource.plural.to_string()).or_default() += 1;
        Ok(self.store(&mut state, &call.resource, object))
    }

    fn get(&self, state: &State, call: &Call) -> Result<Object> {
        let key =
            (call.resource.plural.to_string(), ObjectKey::new(call.namespace.as_str(), call.name.as_str()));
        let found = state.objects.get(&key).cloned();
        found.ok_or_else(|| Status::not_found(&call.resource.group_resource(), &call.name))
    }

    fn write(&self, call: &Call) -> Result<Object> {
        let mut state = self.lock();
        let old = self.get(&state, call)?;
        let body = call.body.clone().unwrap_or_default();
        let mut new = match call.verb {
            Verb::Patch(kind) => patched(&old, &body, kind),
            _ => body.clone(),
        };
        let expected = body.resource_version();
        if (!expected.is_empty() && expected != old.resource_version()) || new.uid() != old.uid() {
            return Err(Status::modified(&call.resource.group_resource(), &call.name));
        }
        let from = |part: &str, to: &mut Document| match old.get(part) {
            Some(value) => to.insert(part, value),
            None => drop(to.remove(&[part])),
        };
        match call.subresource.as_str() {
            "status" => from("spec", &mut new),
            _ => from("status", &mut new),
        }
        let generation = old.generation() + i64::from(old.get("spec") != new.get("spec"));
        new.set(&["metadata", "generation"], generation);
        if new == *old {
            return Ok(old);
        }
        Ok(self.store(&mut state, &call.resource, new))
    }

    fn delete(&self, call: &Call) -> Result<Object> {
        let mut state = self.lock();
        let old = self.get(&state, call)?;
        let options = call.body.clone().unwrap_or_default();
        let wants = |field: &str| options.str_at(&["preconditions", field]).to_owned();
        if (!wants("uid").is_empty() && wants("uid") != old.uid())
            || (!wants("resourceVersion").is_empty() && wants("resourceVersion") != old.resource_version())
        {
            return Err(Status::modified(&call.resource.group_resource(), &call.name));
        }
        let mut new = Document::clone(&old);
        let finalizer = match options.str_at(&["propagationPolicy"]) {
            "Foreground" => Some("foregroundDeletion"),
            "Orphan" => Some("orphan"),
            _ => None,
        };
        if let Some(finalizer) = finalizer.filter(|f| !old.finalizers().any(|other| other == *f)) {
            new.ensure(&["metadata", "finalizers"]).push(finalizer);
        }
        new.set(&["metadata", "deletionTimestamp"], "2026-01-01T00:00:00Z");
        Ok(self.store(&mut state, &call.resource, new))
    }

    fn delete_collection(&self, call: &Call) -> Result<Object> {
        let of = self.list(&call.resource);
        for object in of.iter().filter(|object| object.namespace() == call.namespace) {
            self.delete(&Call { name: object.name().to_owned(), ..call.clone() })?;
        }
        Ok(Arc::new(doc!({"kind": "Status", "status": "Success"})))
    }

    fn discovery(&self, path: &str) -> Document {
        if path == "/apis" {
            let group = doc!({"name": "apps", "versions": [{"groupVersion": "apps/v1"}], "preferredVersion": {"groupVersion": "apps/v1"}});
            return doc!({"kind": "APIGroupList", "groups": [group]});
        }
        let of_path = self.served.iter().filter(|r| path.ends_with(&format!("/{}", r.api_version())));
        let resources: Vec<Document> = of_path
            .map(|r| doc!({"name": &*r.plural, "kind": &*r.kind, "namespaced": r.namespaced, "verbs": ["create", "list", "watch", "delete", "deletecollection"]}))
            .collect();
        doc!({"kind": "APIResourceList", "resources": resources})
    }
}

/// Merge patches, and of strategic ones what controllers send: owner references by UID.
fn patched(old: &Document, patch: &Document, kind: PatchKind) -> Document {
    let mut new = old.clone();
    if kind == PatchKind::Strategic
        && let Some(owners) = patch.at(&["metadata", "ownerReferences"])
    {
        for owner in owners.as_array().into_iter().flatten() {
            let list = new.ensure(&["metadata", "ownerReferences"]).make_array();
            list.retain(|o| o.str_at(&["uid"]) != owner.str_at(&["uid"]));
            if owner.get("$patch").is_none() {
                list.push(owner.clone());
            }
        }
        return new;
    }
    apply_merge_patch(&mut new, patch);
    new
}

fn query<'c>(call: &'c Call, name: &str) -> &'c str {
    call.query.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value.as_str())
}

fn selects(call: &Call) -> impl Fn(&Document) -> bool + Send + 'static {
    let labels = LabelSelector::parse(query(call, "labelSelector")).unwrap();
    let fields = FieldSelector::parse(query(call, "fieldSelector")).unwrap();
    let namespace = call.namespace.clone();
    move |object| {
        let field = |path: &str| object.str_at(&path.split('.').collect::<Vec<_>>()).to_owned();
        (namespace.is_empty() || namespace == object.namespace())
            && labels.matches(object.labels())
            && fields.matches(field)
    }
}

impl Transport for Api {
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Object>> {
        Box::pin(async move {
            // A call takes its time, so that others come in between.
            tokio::time::sleep(Duration::from_millis(1)).await;
            match call.verb {
                Verb::Get => self.get(&self.lock(), &call),
                Verb::Create => self.create(&call),
                Verb::Delete => self.delete(&call),
                Verb::DeleteCollection => self.delete_collection(&call),
                _ => self.write(&call),
            }
        })
    }

    fn list(&self, call: Call) -> BoxFuture<'_, Result<List>> {
        Box::pin(async move {
            let selects = selects(&call);
            let resource_version = self.lock().version.to_string();
            let items =
                Api::list(self, &call.resource).into_iter().filter(|object| selects(object)).collect();
            Ok(List { items, resource_version, continue_token: String::new() })
        })
    }

    fn watch(&self, call: Call) -> BoxFuture<'_, Result<WatchStream>> {
        Box::pin(async move {
            let selects = selects(&call);
            let receiver = {
                let state = self.lock();
                if state.version.to_string() != query(&call, "resourceVersion") {
                    return Err(Status::expired("list again"));
                }
                self.events.subscribe()
            };
            let events = stream::unfold(receiver, |mut receiver| async {
                let event = receiver.recv().await.ok()?;
                tokio::time::sleep(LAG).await;
                Some((event, receiver))
            });
            let events = events.filter_map(move |(plural, event)| {
                let wanted = match &event {
                    WatchEvent::Added(o) | WatchEvent::Modified(o) | WatchEvent::Deleted(o) => {
                        plural == *call.resource.plural && selects(o)
                    }
                    WatchEvent::Bookmark(_) => false,
                };
                std::future::ready(wanted.then_some(Ok(event)))
            });
            Ok(events.boxed())
        })
    }

    fn get_path<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Object>> {
        Box::pin(async move { Ok(Arc::new(self.discovery(path))) })
    }
}
