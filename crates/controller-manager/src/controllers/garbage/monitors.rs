//! Follows the metadata of every resource into the graph.
//!
//! Which resources there are is asked at the start and again whenever a CustomResourceDefinition or an APIService
//! changes, not periodically.

use super::Shared;
use futures::future::join_all;
use skiff_apimachinery::gvk::Str;
use skiff_client::resources::CUSTOM_RESOURCE_DEFINITIONS;
use skiff_client::{
    Client, Discovered, Event, Resource, Selection, Served, SharedInformers, Subscription, Untyped, WorkQueue,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

/// How long the first load waits for a resource that does not answer.
const LOAD_LIMIT: Duration = Duration::from_secs(30);
/// Changes of definitions come in bursts; the server needs a moment to serve a new one.
const SETTLING: Duration = Duration::from_millis(200);
/// How often discovery is asked again, with growing pauses, while definitions are established but not served.
const ATTEMPTS: u32 = 8;

const API_SERVICES: Resource = Resource {
    group: Str::Borrowed("apiregistration.k8s.io"),
    version: Str::Borrowed("v1"),
    plural: Str::Borrowed("apiservices"),
    kind: Str::Borrowed("APIService"),
    namespaced: false,
};

/// Where the kinds in owner references are served.
#[derive(Default)]
pub(super) struct Kinds(HashMap<(String, String), Resource>);

/// The informers over all resources.
pub(super) struct Monitors {
    client: Client,
    informers: SharedInformers,
    shared: Arc<Shared>,
    queue: WorkQueue<String>,
    running: HashMap<Resource, Monitor>,
}

/// Ends its task when dropped.
struct Monitor(AbortHandle);

impl Drop for Monitor {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Kinds {
    pub(super) fn resource(&self, group: &str, kind: &str) -> Option<Resource> {
        self.0.get(&(group.to_owned(), kind.to_owned())).cloned()
    }

    fn of(discovered: &Discovered) -> Self {
        let key = |resource: &Resource| (resource.group.to_string(), resource.kind.to_string());
        let served = discovered.preferred.iter().map(|served| &served.resource);
        Self(served.map(|resource| (key(resource), resource.clone())).collect())
    }
}

/// Whether objects of a resource are collected. Events are not: they have no owners and come in masses.
fn is_followed(served: &Served) -> bool {
    let is_events =
        served.resource.plural == "events" && matches!(&*served.resource.group, "" | "events.k8s.io");
    !is_events && ["list", "watch", "delete"].iter().all(|verb| served.can(verb))
}

impl Monitors {
    pub(super) fn new(
        client: Client,
        informers: SharedInformers,
        shared: Arc<Shared>,
        queue: WorkQueue<String>,
    ) -> Self {
        Self { client, informers, shared, queue, running: HashMap::new() }
    }

    pub(super) async fn run(mut self) {
        let definitions = self.informers.of::<Untyped>(&CUSTOM_RESOURCE_DEFINITIONS, Selection::default());
        let mut definition_changes = definitions.subscribe();
        definitions.synced().await;
        while definition_changes.try_next().is_some() {}
        self.refresh_until_served(&mut definition_changes).await;

        let concerned = self.shared.graph().loaded();
        concerned.into_iter().for_each(|uid| self.queue.add(uid));
        debug!(resources = self.running.len(), "following all resources");

        let services = self.shared.kinds().resource(&API_SERVICES.group, &API_SERVICES.kind);
        let mut service_changes = services
            .map(|resource| self.informers.of::<Untyped>(&resource, Selection::default()).subscribe());
        if let Some(changes) = &mut service_changes {
            changes.informer().synced().await;
            while changes.try_next().is_some() {}
        }
        loop {
            let service_change = async {
                match &mut service_changes {
                    Some(changes) => drop(changes.next().await),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = definition_changes.next() => {}
                () = service_change => {}
            }
            sleep(SETTLING).await;
            while definition_changes.try_next().is_some() {}
            self.refresh_until_served(&mut definition_changes).await;
        }
    }

    /// Discovers until every established definition is served, or so often that it will not be.
    async fn refresh_until_served(&mut self, definitions: &mut Subscription<Untyped>) {
        let mut pause = SETTLING;
        for _ in 0..ATTEMPTS {
            match self.client.discover().await {
                Ok(discovered) => {
                    self.follow(&discovered).await;
                    let complete = discovered.failures.is_empty();
                    if complete
                        && established(definitions).all(|definition| is_served(&discovered, &definition))
                    {
                        return;
                    }
                }
                Err(status) => warn!(%status, "cannot discover resources"),
            }
            sleep(pause).await;
            pause *= 2;
        }
    }

    /// Starts and ends monitors so that they match what is served.
    async fn follow(&mut self, discovered: &Discovered) {
        *self.shared.kinds() = Kinds::of(discovered);
        let wanted: Vec<Resource> = discovered
            .preferred
            .iter()
            .filter(|served| is_followed(served))
            .map(|s| s.resource.clone())
            .collect();
        // What a group that does not answer serves is not known to be gone.
        let silent = |resource: &Resource| {
            discovered.failures.iter().any(|(version, _)| version.group == resource.group)
        };
        let ended = self.running.keys().filter(|resource| !wanted.contains(resource) && !silent(resource));
        let ended: Vec<Resource> = ended.cloned().collect();
        for resource in ended {
            self.running.remove(&resource);
            let concerned = self.shared.graph().remove_resource(&resource);
            concerned.into_iter().for_each(|uid| self.queue.add(uid));
        }
        let new = wanted.into_iter().filter(|resource| !self.running.contains_key(resource));
        let new: Vec<Resource> = new.collect();
        let mut subscriptions: Vec<_> =
            new.iter().map(|resource| self.informers.metadata(resource).subscribe()).collect();
        let synced = subscriptions.iter().map(|subscription| subscription.informer().synced());
        if timeout(LOAD_LIMIT, join_all(synced)).await.is_err() {
            warn!("some resources do not answer, going on without them");
        }
        for (resource, mut subscription) in new.into_iter().zip(subscriptions.drain(..)) {
            while let Some(event) = subscription.try_next() {
                apply(&self.shared, &self.queue, &resource, event);
            }
            let task = tokio::spawn(monitor(
                self.shared.clone(),
                self.queue.clone(),
                resource.clone(),
                subscription,
            ));
            self.running.insert(resource, Monitor(task.abort_handle()));
        }
    }
}

async fn monitor(
    shared: Arc<Shared>,
    queue: WorkQueue<String>,
    resource: Resource,
    mut subscription: Subscription<Untyped>,
) {
    loop {
        let event = subscription.next().await;
        apply(&shared, &queue, &resource, event);
    }
}

fn apply(shared: &Shared, queue: &WorkQueue<String>, resource: &Resource, event: Event<Untyped>) {
    let concerned = match event {
        Event::Added(object) | Event::Updated { new: object, .. } => {
            shared.graph().set(resource, object.object.clone())
        }
        Event::Deleted(object) => {
            shared.absent().insert(object.uid());
            shared.graph().remove(object.uid())
        }
    };
    concerned.into_iter().for_each(|uid| queue.add(uid));
}

/// Group and plural of each definition that is established.
fn established(definitions: &Subscription<Untyped>) -> impl Iterator<Item = (String, String)> {
    definitions.informer().list().into_iter().filter_map(|definition| {
        let conditions = definition.array_at(&["status", "conditions"]);
        let established = conditions
            .iter()
            .any(|c| c.str_at(&["type"]) == "Established" && c.str_at(&["status"]) == "True");
        let text = |path: &[&str]| definition.str_at(path).to_owned();
        (established && definition.deletion_timestamp().is_none())
            .then(|| (text(&["spec", "group"]), text(&["spec", "names", "plural"])))
    })
}

fn is_served(discovered: &Discovered, (group, plural): &(String, String)) -> bool {
    discovered.preferred.iter().any(|s| s.resource.group == *group && s.resource.plural == *plural)
}
