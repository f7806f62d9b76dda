//! `garbage-collector-controller`: deletes objects whose owners are gone.
//!
//! [`monitors`] follows the metadata of every resource that discovery names, custom ones too, into a [`graph`] of owners
//! and dependents; the graph says whom a change concerns. For one object, [`verdict`] decides what its owners mean for
//! it, after they were looked up live: a cache that is behind must not cost an object its life.
//!
//! The three ways of deleting: background (dependents go after their owner is gone), foreground (the owner waits for
//! dependents that block it), orphan (dependents lose the reference and stay).

mod graph;
mod monitors;
mod verdict;

use crate::controller::{Context, Controller};
use crate::plan::Plan;
use crate::sources::Sources;
use futures::future::BoxFuture;
use graph::{Graph, Node, Owner};
use jiff::Timestamp;
use monitors::{Kinds, Monitors};
use skiff_apimachinery::{GroupVersion, Status};
use skiff_client::{Client, Object, Resource, SharedInformers, WorkQueue};
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Owners that are known to be gone; upstream remembers as many.
const ABSENT: usize = 500;

/// The controller; its keys are UIDs.
pub struct GarbageCollector {
    client: Client,
    informers: SharedInformers,
    shared: Arc<Shared>,
}

struct Shared {
    graph: Mutex<Graph>,
    kinds: Mutex<Kinds>,
    absent: Mutex<Absent>,
}

/// UIDs of owners that are gone for good.
#[derive(Default)]
struct Absent {
    uids: HashSet<String>,
    order: VecDeque<String>,
}

/// One object, its owners and its dependents.
pub struct World {
    node: Node,
    owners: Vec<(Owner, OwnerState)>,
    dependents: Vec<Node>,
}

/// What an owner is, looked up live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OwnerState {
    /// It is there.
    Solid,
    /// It is gone, or another object has its name.
    Dangling,
    /// It waits for its dependents to be deleted (foreground deletion).
    Waiting,
}

impl Controller for GarbageCollector {
    const NAME: &'static str = "garbage-collector-controller";
    const IDENTITY: &'static str = "generic-garbage-collector";
    const QUEUE: &'static str = "garbage_collector_attempt_to_delete";
    const WORKERS: usize = 20;

    type Key = String;
    type World = World;

    fn new(context: &Context) -> Self {
        let shared = Shared { graph: Mutex::default(), kinds: Mutex::default(), absent: Mutex::default() };
        Self {
            client: context.client.clone(),
            informers: context.informers.clone(),
            shared: Arc::new(shared),
        }
    }

    fn sources(&self, _sources: &mut Sources<String>) {}

    fn observe<'a>(&'a self, uid: &'a String) -> BoxFuture<'a, Result<Option<World>, Status>> {
        Box::pin(self.world(uid))
    }

    fn plan(world: &World, _now: Timestamp) -> Plan {
        verdict::plan(world)
    }

    fn background(&self, queue: WorkQueue<String>) -> BoxFuture<'_, ()> {
        Box::pin(Monitors::new(self.client.clone(), self.informers.clone(), self.shared.clone(), queue).run())
    }
}

impl GarbageCollector {
    async fn world(&self, uid: &str) -> Result<Option<World>, Status> {
        let Some((node, dependents)) = self.shared.graph().with_dependents(uid) else { return Ok(None) };
        let mut owners = Vec::new();
        // An object that is being deleted is judged by its dependents, not by its owners.
        if node.object.deletion_timestamp().is_none() {
            for owner in node.owners() {
                match self.owner_state(&node, &owner).await? {
                    Some(state) => owners.push((owner, state)),
                    None => return Ok(None),
                }
            }
        }
        Ok(Some(World { node, owners, dependents }))
    }

    /// What an owner is; `None` if that cannot be told: its kind is not served, or is namespaced while the object is not.
    async fn owner_state(&self, node: &Node, owner: &Owner) -> Result<Option<OwnerState>, Status> {
        if self.shared.absent().uids.contains(&owner.uid) {
            return Ok(Some(OwnerState::Dangling));
        }
        let group = GroupVersion::parse(&owner.api_version).unwrap_or_default().group;
        let Some(resource) = self.shared.kinds().resource(&group, &owner.kind) else { return Ok(None) };
        let namespace = if resource.namespaced { node.object.namespace() } else { "" };
        if resource.namespaced && namespace.is_empty() {
            return Ok(None);
        }
        match self.client.get(&resource, namespace, &owner.name).await {
            Ok(found) if found.uid() == owner.uid => Ok(Some(state_of(&found))),
            Ok(_) => {
                self.shared.absent().insert(&owner.uid);
                Ok(Some(OwnerState::Dangling))
            }
            Err(status) if status.is_not_found() => {
                self.shared.absent().insert(&owner.uid);
                Ok(Some(OwnerState::Dangling))
            }
            Err(status) => Err(status),
        }
    }
}

fn state_of(owner: &Object) -> OwnerState {
    if graph::waits_for_dependents(owner) { OwnerState::Waiting } else { OwnerState::Solid }
}

impl Shared {
    fn graph(&self) -> MutexGuard<'_, Graph> {
        self.graph.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kinds(&self) -> MutexGuard<'_, Kinds> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn absent(&self) -> MutexGuard<'_, Absent> {
        self.absent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Absent {
    fn insert(&mut self, uid: &str) {
        if self.uids.insert(uid.to_owned()) {
            self.order.push_back(uid.to_owned());
            if self.order.len() > ABSENT {
                self.order.pop_front().iter().for_each(|oldest| {
                    self.uids.remove(oldest);
                });
            }
        }
    }
}

impl Node {
    fn resource(&self) -> &Resource {
        &self.resource
    }
}

#[cfg(test)]
mod tests;
