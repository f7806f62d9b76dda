//! Follows the resources that quotas name, and wakes the quotas that a change concerns.
//!
//! A resource is followed from when the first quota names it until no quota does. Which of them are served is asked when
//! that set changes, when the definition of a custom one changes, and, while one is not served, again after growing
//! pauses. Resources that are only counted are followed by their metadata, which the garbage collector follows too.

use super::countable::{self, is_countable};
use super::hard;
use super::replenishment::replenishes;
use crate::controller::Context;
use k8s_openapi::api::core::v1::{Pod, Service};
use skiff_api::quota::evaluators;
use skiff_apimachinery::meta::ObjectKey;
use skiff_apimachinery::time::Clock;
use skiff_apimachinery::{Document, GroupResource};
use skiff_client::resources::{CUSTOM_RESOURCE_DEFINITIONS, RESOURCE_QUOTAS};
use skiff_client::{
    Client, Event, Informer, Object, Resource, Selection, SharedInformers, Subscription, Untyped, WorkQueue,
};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::warn;

/// How long a recount waits for what is not loaded; after that it goes without, and comes again when it is.
const PATIENCE: Duration = Duration::from_secs(2);
/// Changes of definitions come in bursts; the server needs a moment to serve a new one.
const SETTLING: Duration = Duration::from_millis(200);
/// When to ask first whether a resource is served that was not.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause between such questions.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What recounts read of the monitors.
pub(super) struct Shared {
    quotas: Informer<Untyped>,
    clock: Arc<dyn Clock>,
    followed: Mutex<HashMap<GroupResource, Monitored>>,
    /// Told when a resource has loaded, and when the set of them changes.
    progress: watch::Sender<()>,
}

/// A resource that a quota names.
enum Monitored {
    /// Its objects.
    Followed(Arc<dyn Objects>),
    /// It is not served: there is nothing to wait for.
    Absent,
}

/// An informer of any type.
trait Objects: Send + Sync {
    fn has_loaded(&self) -> bool;
    fn in_namespace(&self, namespace: &str) -> Vec<Object>;
}

/// The informers over what quotas count; dropping this ends them.
pub(super) struct Monitors {
    client: Client,
    informers: SharedInformers,
    shared: Arc<Shared>,
    queue: WorkQueue<ObjectKey>,
    tasks: JoinSet<()>,
    running: HashMap<GroupResource, AbortHandle>,
}

// === impl Shared ===

impl Shared {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            quotas: context.informers.of(&RESOURCE_QUOTAS, Selection::default()),
            clock: context.clock.clone(),
            followed: Mutex::default(),
            progress: watch::Sender::new(()),
        }
    }

    /// The quotas.
    pub(super) fn quotas(&self) -> &Informer<Untyped> {
        &self.quotas
    }

    /// Waits until the resources are loaded, but not for ever.
    pub(super) async fn loaded(&self, resources: &BTreeSet<GroupResource>) {
        let mut progress = self.progress.subscribe();
        let loaded = async {
            // The sender lives in self, so waiting cannot fail.
            let _ = progress.wait_for(|_| resources.iter().all(|resource| self.has_loaded(resource))).await;
        };
        let _ = timeout(PATIENCE, loaded).await;
    }

    /// The objects of a resource in a namespace, if they are known.
    pub(super) fn objects(&self, resource: &GroupResource, namespace: &str) -> Option<Vec<Object>> {
        match self.followed().get(resource)? {
            Monitored::Followed(objects) if objects.has_loaded() => Some(objects.in_namespace(namespace)),
            Monitored::Followed(_) | Monitored::Absent => None,
        }
    }

    fn has_loaded(&self, resource: &GroupResource) -> bool {
        match self.followed().get(resource) {
            Some(Monitored::Followed(objects)) => objects.has_loaded(),
            Some(Monitored::Absent) => true,
            None => false,
        }
    }

    fn followed(&self) -> MutexGuard<'_, HashMap<GroupResource, Monitored>> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send + Sync + 'static> Objects for Informer<T> {
    fn has_loaded(&self) -> bool {
        self.has_synced()
    }

    fn in_namespace(&self, namespace: &str) -> Vec<Object> {
        self.list_namespace(namespace).iter().map(|cached| cached.object.clone()).collect()
    }
}

// === impl Monitors ===

impl Monitors {
    pub(super) fn new(
        client: Client,
        informers: SharedInformers,
        shared: Arc<Shared>,
        queue: WorkQueue<ObjectKey>,
    ) -> Self {
        Self { client, informers, shared, queue, tasks: JoinSet::new(), running: HashMap::new() }
    }

    pub(super) async fn run(mut self) {
        let definitions: Informer<Untyped> =
            self.informers.of(&CUSTOM_RESOURCE_DEFINITIONS, Selection::default());
        let mut definition_changes = definitions.subscribe();
        definitions.synced().await;
        while definition_changes.try_next().is_some() {}
        let mut quota_changes = self.shared.quotas.subscribe();
        let mut pause = FIRST_PAUSE;
        loop {
            let complete = self.follow().await;
            let again =
                async move { if complete { std::future::pending().await } else { sleep(pause).await } };
            tokio::select! {
                () = self.change(&mut quota_changes, &mut definition_changes) => pause = FIRST_PAUSE,
                () = again => pause = (pause * 2).min(LONGEST_PAUSE),
            }
        }
    }

    /// Waits until quotas name other resources, or other resources are served.
    async fn change(&mut self, quotas: &mut Subscription<Untyped>, definitions: &mut Subscription<Untyped>) {
        loop {
            tokio::select! {
                event = quotas.next() => {
                    if names_others(&event) {
                        break;
                    }
                }
                event = definitions.next() => {
                    if self.forget(&event) {
                        sleep(SETTLING).await;
                        break;
                    }
                }
            }
        }
        while quotas.try_next().is_some() {}
        while let Some(event) = definitions.try_next() {
            self.forget(&event);
        }
    }

    /// Follows what quotas name and nothing else; tells whether all of it is served.
    async fn follow(&mut self) -> bool {
        let quotas = self.shared.quotas.list();
        let wanted: BTreeSet<GroupResource> =
            quotas.iter().flat_map(|quota| countable::resources(&hard(quota))).collect();
        let known: Vec<GroupResource> = self.shared.followed().keys().cloned().collect();
        for resource in known.iter().filter(|resource| !wanted.contains(*resource)) {
            self.end(resource);
        }
        while self.tasks.try_join_next().is_some() {}
        let missing: Vec<GroupResource> =
            wanted.into_iter().filter(|resource| !self.running.contains_key(resource)).collect();
        if missing.is_empty() {
            return true;
        }
        let discovered = match self.client.discover().await {
            Ok(discovered) => discovered,
            Err(status) => {
                warn!(%status, "cannot discover resources");
                return false;
            }
        };
        let mut complete = true;
        for resource in missing {
            let served = discovered
                .preferred
                .iter()
                .find(|served| served.resource.group_resource() == resource && is_countable(served));
            let monitored = match served {
                Some(served) => self.start(&served.resource),
                None => {
                    complete = false;
                    Monitored::Absent
                }
            };
            self.shared.followed().insert(resource, monitored);
        }
        self.shared.progress.send_replace(());
        complete
    }

    fn start(&mut self, resource: &Resource) -> Monitored {
        let all = Selection::default();
        match (&*resource.group, &*resource.plural) {
            // The types under which other controllers follow them, so that each is watched once.
            ("", "pods") => self.spawn(resource, self.informers.of::<Pod>(resource, all)),
            ("", "services") => self.spawn(resource, self.informers.of::<Service>(resource, all)),
            // The one that wakes recounts, or a new quota could be counted without itself.
            ("", "resourcequotas") => self.spawn(resource, self.shared.quotas.clone()),
            ("", "persistentvolumeclaims") | ("resource.k8s.io", "resourceclaims") => {
                self.spawn(resource, self.informers.of::<Untyped>(resource, all))
            }
            _ => self.spawn(resource, self.informers.metadata(resource)),
        }
    }

    fn spawn<T: Send + Sync + 'static>(&mut self, resource: &Resource, informer: Informer<T>) -> Monitored {
        let name = resource.group_resource();
        let work = monitor(self.shared.clone(), name.clone(), informer.clone(), self.queue.clone());
        self.running.insert(name, self.tasks.spawn(work));
        Monitored::Followed(Arc::new(informer))
    }

    /// Ends the monitor of a custom resource that is defined otherwise now, for it to be looked up anew; tells whether
    /// a quota names that resource.
    fn forget(&mut self, event: &Event<Untyped>) -> bool {
        if let Event::Updated { old, new } = event
            && what_is_served(old) == what_is_served(new)
        {
            return false;
        }
        let text = |path: &[&str]| event.object().str_at(path).to_owned();
        self.end(&GroupResource::new(text(&["spec", "group"]), text(&["spec", "names", "plural"])))
    }

    /// Ends a monitor; tells whether there was one.
    fn end(&mut self, resource: &GroupResource) -> bool {
        if let Some(task) = self.running.remove(resource) {
            task.abort();
        }
        self.shared.followed().remove(resource).is_some()
    }
}

/// Whether a quota may name other resources than before.
fn names_others(event: &Event<Untyped>) -> bool {
    match event {
        Event::Updated { old, new } => old.at(&["spec", "hard"]) != new.at(&["spec", "hard"]),
        Event::Added(_) | Event::Deleted(_) => true,
    }
}

/// What decides whether and in which versions a custom resource is served.
fn what_is_served(definition: &Document) -> [Option<&Document>; 2] {
    [definition.at(&["spec", "versions"]), definition.at(&["status", "conditions"])]
}

async fn monitor<T: Send + Sync + 'static>(
    shared: Arc<Shared>,
    resource: GroupResource,
    informer: Informer<T>,
    queue: WorkQueue<ObjectKey>,
) {
    let evaluator = evaluators::of(&resource);
    let mut changes = informer.subscribe();
    informer.synced().await;
    shared.progress.send_replace(());
    // Those that were counted without this resource.
    for quota in shared.quotas.list() {
        if hard(&quota).names().any(|name| evaluator.tracks(name)) {
            queue.add(quota.key());
        }
    }
    loop {
        let event = changes.next().await;
        let now = shared.clock.now();
        for quota in shared.quotas.list_namespace(event.object().namespace()) {
            if replenishes(&quota, &*evaluator, &event, now) {
                queue.add(quota.key());
            }
        }
    }
}
