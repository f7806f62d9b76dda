//! The loop over definitions: publishes rows, writes status, starts clean-ups.
//!
//! Level-triggered: every event of the definitions' watch makes one pass over all of them as they are now.

use super::conditions::{self, Condition};
use super::plan::{self, Step};
use super::{cleanup, definition_resource, definitions, rows};
use crate::cache::Caches;
use crate::local::{Local, LocalCall, LocalList, LocalWatch};
use crate::objects::Objects;
use crate::request::Verb;
use skiff_api::Resource;
use skiff_apimachinery::time::Clock;
use skiff_apimachinery::{Document, GroupVersionResource, Status};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long a pass that failed waits for the next one.
const PAUSE: Duration = Duration::from_secs(1);
/// How often an edit is tried again when the object changed meanwhile.
const ATTEMPTS: usize = 8;

/// Makes rows of definitions and keeps their status.
pub struct CustomResources {
    door: Door,
    caches: Arc<Caches>,
    clock: Arc<dyn Clock>,
    published: HashMap<String, Published>,
    cleaning: HashSet<String>,
    cleanups: JoinSet<String>,
}

/// The rows of one definition.
struct Published {
    fingerprint: String,
    storage_prefix: String,
    rows: Vec<Arc<Resource>>,
}

impl CustomResources {
    /// The local door's identity must be allowed everything. The definitions' cache is filled.
    pub fn new(local: Local, caches: Arc<Caches>, clock: Arc<dyn Clock>) -> Self {
        let door = Door { local, clock: clock.clone() };
        Self {
            door,
            caches,
            clock,
            published: HashMap::new(),
            cleaning: HashSet::new(),
            cleanups: JoinSet::new(),
        }
    }

    /// Publishes the rows of all definitions that are established, so that they are served as soon as the server is.
    pub fn publish_established(&mut self) {
        self.publish(&self.caches.list(&definition_resource(), ""));
    }

    /// Follows the definitions until the token is cancelled.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => return,
                ended = self.follow() => {
                    if let Err(status) = ended {
                        tracing::warn!(%status, "custom resource definitions cannot be watched");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        }
    }

    /// Works until the watch ends.
    async fn follow(&mut self) -> Result<(), Status> {
        let mut watch = self.door.watch(Door::request(Verb::Watch, &definitions())).await?;
        let mut settled = self.pass().await;
        loop {
            tokio::select! {
                event = watch.next() => {
                    if event.is_none() {
                        return Ok(());
                    }
                }
                Some(done) = self.cleanups.join_next() => {
                    if let Ok(name) = done {
                        self.cleaning.remove(&name);
                    }
                }
                () = tokio::time::sleep(PAUSE), if !settled => {}
            }
            settled = self.pass().await;
        }
    }

    /// Looks at all definitions; tells whether everything could be written.
    async fn pass(&mut self) -> bool {
        let steps = plan::plan(&self.caches.list(&definition_resource(), ""), self.clock.now());
        // Rows first: whoever sees the condition finds the resource.
        let wanted: Vec<Arc<Document>> = steps.iter().map(|step| step.definition.clone()).collect();
        self.publish(&wanted);
        let mut settled = true;
        for step in steps {
            if step.clean_up {
                self.clean_up(step.definition.name());
            } else if step.status_changed {
                settled &= self.write_status(step).await;
            }
        }
        settled
    }

    async fn write_status(&self, step: Step) -> bool {
        let mut call = Door::request(Verb::Update, &definitions());
        call.name = step.definition.name().to_owned();
        call.subresource = "status".into();
        call.body = Some(Arc::unwrap_or_clone(step.definition));
        let name = call.name.clone();
        match self.door.call(call).await {
            Ok(_) => true,
            // It changed meanwhile, which the watch tells.
            Err(status) if status.is_conflict() || status.is_not_found() => true,
            Err(status) => {
                tracing::warn!(definition = name, %status, "the status of a custom resource definition was not written");
                false
            }
        }
    }

    fn clean_up(&mut self, name: &str) {
        if !self.cleaning.insert(name.to_owned()) {
            return;
        }
        let (door, caches, name) = (self.door.clone(), self.caches.clone(), name.to_owned());
        self.cleanups.spawn(async move {
            cleanup::run(door, caches, name.clone()).await;
            name
        });
    }

    /// Replaces the rows of custom resources if any of them changed. Unchanged definitions keep their rows, and with them
    /// their caches and watchers.
    fn publish(&mut self, definitions: &[Arc<Document>]) {
        let mut before = std::mem::take(&mut self.published);
        let mut changed = false;
        for definition in
            definitions.iter().filter(|definition| plan::is_served(definition) && !shadowed(definition))
        {
            let fingerprint = rows::fingerprint(definition);
            let known = before.remove(definition.name()).filter(|known| known.fingerprint == fingerprint);
            let published = known.unwrap_or_else(|| {
                changed = true;
                let storage_prefix = rows::storage_prefix(definition);
                self.caches.stop(&storage_prefix);
                Published { fingerprint, storage_prefix, rows: rows::rows(definition) }
            });
            self.published.insert(definition.name().to_owned(), published);
        }
        changed |= !before.is_empty();
        if changed {
            let rows = self.published.values().flat_map(|published| published.rows.iter().cloned());
            self.caches.table().set_custom(rows.collect());
        }
        for gone in before.into_values() {
            self.caches.stop(&gone.storage_prefix);
        }
    }
}

/// Whether a built-in resource has the definition's group and name.
fn shadowed(definition: &Document) -> bool {
    let (group, plural) =
        (definition.str_at(&["spec", "group"]), definition.str_at(&["spec", "names", "plural"]));
    skiff_api::builtin().iter().any(|row| row.gvk.group == group && row.plural == plural)
}

/// The API server's own way to its objects.
#[derive(Clone)]
pub(super) struct Door {
    local: Local,
    clock: Arc<dyn Clock>,
}

impl Door {
    /// A request without anything but its verb and resource.
    pub(super) fn request(verb: Verb, resource: &GroupVersionResource) -> LocalCall {
        LocalCall {
            verb,
            resource: resource.clone(),
            namespace: String::new(),
            name: String::new(),
            subresource: String::new(),
            query: Vec::new(),
            body: None,
            content_type: "",
        }
    }

    pub(super) async fn call(&self, call: LocalCall) -> Result<Arc<Document>, Status> {
        self.local.call(call).await
    }

    pub(super) async fn watch(&self, call: LocalCall) -> Result<LocalWatch, Status> {
        self.local.watch(call).await
    }

    pub(super) async fn list(&self, resource: &GroupVersionResource) -> Result<LocalList, Status> {
        self.local.list(Self::request(Verb::List, resource)).await
    }

    pub(super) async fn get(
        &self,
        resource: &GroupVersionResource,
        namespace: &str,
        name: &str,
    ) -> Result<Arc<Document>, Status> {
        let call = LocalCall {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            ..Self::request(Verb::Get, resource)
        };
        self.call(call).await
    }

    /// Reads, edits and writes a cluster-scoped object, again if it changed meanwhile.
    pub(super) async fn edit(
        &self,
        resource: &GroupVersionResource,
        name: &str,
        subresource: &str,
        edit: impl Fn(&mut Document),
    ) -> Result<(), Status> {
        let mut attempt = 1;
        loop {
            let mut object = Arc::unwrap_or_clone(self.get(resource, "", name).await?);
            edit(&mut object);
            let call = LocalCall {
                name: name.to_owned(),
                subresource: subresource.to_owned(),
                body: Some(object),
                ..Self::request(Verb::Update, resource)
            };
            match self.call(call).await {
                Err(status) if status.is_conflict() && attempt < ATTEMPTS => attempt += 1,
                result => return result.map(drop),
            }
        }
    }

    /// Sets a condition of a definition.
    pub(super) async fn set_condition(&self, name: &str, condition: Condition) -> Result<(), Status> {
        let now = self.clock.now();
        self.edit(&definitions(), name, "status", |definition| conditions::set(definition, &condition, now))
            .await
    }
}
