//! `replicaset-controller`: keeps as many pods of a template as `spec.replicas` says.
//!
//! Reads ReplicaSets and Pods; creates and deletes Pods, adopts and releases them by controller reference, writes the
//! ReplicaSet's status. Creations start slowly, so that a template that is refused costs few calls; deletions take the
//! pods that are missed least ([`ranking`]). [`kind`] says what ReplicationControllers have different.

mod kind;
mod ranking;
mod status;

pub use kind::ReplicaKind;

use crate::controller::{Context, Controller, observed};
use crate::ownership::{self, Claimed, by_controller, controller_uid};
use crate::plan::{Action, Plan, Report};
use crate::pod_control;
use crate::pod_template::pod_of;
use crate::pods::{self, CachedPod};
use crate::sources::Sources;
use futures::future::BoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Pod;
use skiff_apimachinery::Status;
use skiff_apimachinery::meta::ObjectKey;
use skiff_client::resources::PODS;
use skiff_client::{Cached, Index, Informer, Selection};
use std::collections::HashMap;
use std::sync::Arc;

/// Most pods created or deleted in one sync.
const BURST: usize = 500;

/// The controller of ReplicaSets.
pub type ReplicaSetController = ReplicaController<ReplicaSet>;

/// The controller of one kind.
pub struct ReplicaController<K> {
    sets: Informer<K>,
    siblings: Index<K>,
    pods: Informer<Pod>,
    pods_by_controller: Index<Pod>,
}

/// One object of the kind and the pods that matter to it.
pub struct World<K> {
    set: Arc<Cached<K>>,
    pods: Claimed<Pod>,
    /// Active pods per node, of all objects of the kind with the same controller.
    related_on_node: HashMap<String, usize>,
}

impl<K: ReplicaKind> Controller for ReplicaController<K> {
    const NAME: &'static str = K::NAME;
    const IDENTITY: &'static str = K::IDENTITY;
    const QUEUE: &'static str = K::QUEUE;

    type Key = ObjectKey;
    type World = World<K>;

    fn new(context: &Context) -> Self {
        let sets = K::informer(&context.informers);
        let pods = context.informers.of(&PODS, Selection::default());
        Self { siblings: by_controller(&sets), pods_by_controller: pods::by_controller(&pods), sets, pods }
    }

    fn sources(&self, sources: &mut Sources<ObjectKey>) {
        sources.watch(&self.sets, |event| [event.object().key()]);
        let sets = self.sets.clone();
        sources.watch(&self.pods, move |event| ownership::concerned(&sets, K::selector, event));
    }

    fn observe<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<World<K>>, Status>> {
        observed(self.sets.get(&key.namespace, &key.name).map(|set| self.world(set)))
    }

    fn plan(world: &World<K>, now: Timestamp) -> Plan {
        plan(world, now)
    }

    fn conclude(world: &World<K>, report: &Report, now: Timestamp) -> Plan {
        status::conclude(world, report, now)
    }
}

impl<K: ReplicaKind> ReplicaController<K> {
    fn world(&self, set: Arc<Cached<K>>) -> World<K> {
        let orphans = self.pods_by_controller.get(&pods::orphans_of(set.namespace()));
        let candidates = self.pods_by_controller.get(set.uid()).into_iter();
        let candidates = candidates.chain(orphans.into_iter().filter(|pod| pods::is_active(pod)));
        let related_on_node = self.related_on_node(&set);
        World::new(set, candidates, related_on_node)
    }

    fn related_on_node(&self, set: &Arc<Cached<K>>) -> HashMap<String, usize> {
        let siblings = match controller_uid(set) {
            Some(owner) => self.siblings.get(owner),
            None => vec![set.clone()],
        };
        let mut counts = HashMap::new();
        for pod in siblings.iter().flat_map(|set| self.pods_by_controller.get(set.uid())) {
            if pods::is_active(&pod) {
                *counts.entry(pods::node_name(&pod).to_owned()).or_insert(0) += 1;
            }
        }
        counts
    }
}

impl<K: ReplicaKind> World<K> {
    /// Sorts the pods that may matter.
    pub(super) fn new(
        set: Arc<Cached<K>>,
        candidates: impl IntoIterator<Item = CachedPod>,
        related_on_node: HashMap<String, usize>,
    ) -> Self {
        let pods = ownership::claim(&set, &K::selector(&set), candidates);
        Self { set, pods, related_on_node }
    }

    fn wanted(&self) -> usize {
        usize::try_from(self.set.i64_at(&["spec", "replicas"]).unwrap_or(1)).unwrap_or(0)
    }

    /// The pods that count: controlled or about to be adopted, not ended, not being deleted.
    fn active(&self) -> Vec<CachedPod> {
        let all = self.pods.owned.iter().chain(&self.pods.adopt);
        all.filter(|pod| pods::is_active(pod)).cloned().collect()
    }
}

fn plan<K: ReplicaKind>(world: &World<K>, now: Timestamp) -> Plan {
    let set = &world.set;
    let mut plan = Plan::default();
    let adopted = world.pods.adopt.iter().map(|pod| ownership::adopt(&PODS, &K::RESOURCE, set, pod));
    let released = world.pods.release.iter().map(|pod| ownership::release(&PODS, set, pod));
    plan.all(adopted.chain(released).collect());
    if set.deletion_timestamp().is_some() {
        return plan;
    }
    let active = world.active();
    let wanted = world.wanted();
    if active.len() < wanted {
        let missing = (wanted - active.len()).min(BURST);
        plan.actions.push(Action::SlowStart(vec![pod_control::create(set, pod_of(set)); missing]));
    } else if active.len() > wanted {
        let surplus = (active.len() - wanted).min(BURST);
        let victims = ranking::least_missed(active, &world.related_on_node, surplus, now);
        plan.all(victims.iter().map(|pod| pod_control::delete(set, pod)).collect());
    }
    plan
}

#[cfg(test)]
mod tests;
