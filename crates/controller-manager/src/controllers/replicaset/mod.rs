//! `replicaset-controller`: keeps as many pods of a template as `spec.replicas` says.
//!
//! Reads ReplicaSets and Pods; creates and deletes Pods, adopts and releases them by controller reference, writes the
//! ReplicaSet's status. Creations start slowly, so that a template that is refused costs few calls; deletions take the
//! pods that are missed least ([`ranking`]).

mod ranking;
mod status;

use crate::controller::{Context, Controller, observed};
use crate::ownership::{self, Claimed, controller_uid, selector_of};
use crate::plan::{Action, Ending, Notice, Plan, Report, Write};
use crate::pod_template::pod_of;
use crate::pods::{self, CachedPod};
use crate::sources::Sources;
use futures::future::BoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Pod;
use skiff_apimachinery::Status;
use skiff_apimachinery::meta::ObjectKey;
use skiff_client::resources::{PODS, REPLICA_SETS};
use skiff_client::{Cached, Event, Index, Informer, Selection};
use std::collections::HashMap;
use std::sync::Arc;

/// Most pods created or deleted in one sync.
const BURST: usize = 500;

/// The controller.
pub struct ReplicaSetController {
    replica_sets: Informer<ReplicaSet>,
    siblings: Index<ReplicaSet>,
    pods: Informer<Pod>,
    pods_by_controller: Index<Pod>,
}

/// One ReplicaSet and the pods that matter to it.
pub struct World {
    replica_set: Arc<Cached<ReplicaSet>>,
    pods: Claimed<Pod>,
    /// Active pods per node, of all ReplicaSets with the same controller.
    related_on_node: HashMap<String, usize>,
}

/// The ReplicaSets by the UID of their controller; those without one under their own.
pub fn by_controller(replica_sets: &Informer<ReplicaSet>) -> Index<ReplicaSet> {
    replica_sets.index("controller", |set| {
        vec![controller_uid(set).map_or_else(|| pods::orphans_of(set.namespace()), str::to_owned)]
    })
}

impl Controller for ReplicaSetController {
    const NAME: &'static str = "replicaset-controller";
    const IDENTITY: &'static str = "replicaset-controller";
    const QUEUE: &'static str = "replicaset";

    type Key = ObjectKey;
    type World = World;

    fn new(context: &Context) -> Self {
        let replica_sets = context.informers.of(&REPLICA_SETS, Selection::default());
        let pods = context.informers.of(&PODS, Selection::default());
        Self {
            siblings: by_controller(&replica_sets),
            pods_by_controller: pods::by_controller(&pods),
            replica_sets,
            pods,
        }
    }

    fn sources(&self, sources: &mut Sources<ObjectKey>) {
        sources.watch(&self.replica_sets, |event| [event.object().key()]);
        let replica_sets = self.replica_sets.clone();
        sources.watch(&self.pods, move |event| interested(&replica_sets, event));
    }

    fn observe<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<World>, Status>> {
        observed(self.replica_sets.get(&key.namespace, &key.name).map(|set| self.world(set)))
    }

    fn plan(world: &World, now: Timestamp) -> Plan {
        plan(world, now)
    }

    fn conclude(world: &World, report: &Report, now: Timestamp) -> Plan {
        status::conclude(world, report, now)
    }
}

/// Which ReplicaSets a change of a pod concerns: its controllers before and after, or for an orphan those that match.
fn interested(replica_sets: &Informer<ReplicaSet>, event: &Event<Pod>) -> Vec<ObjectKey> {
    let controller = |pod: &Cached<Pod>| {
        let owner = pod.controller_ref()?;
        (owner.str_at(&["kind"]) == "ReplicaSet")
            .then(|| ObjectKey::new(pod.namespace(), owner.str_at(&["name"])))
    };
    let pod = event.object();
    let mut keys: Vec<ObjectKey> = controller(pod).into_iter().collect();
    if let Event::Updated { old, .. } = event {
        keys.extend(controller(old).filter(|key| !keys.contains(key)));
    }
    if pod.controller_ref().is_none() && !matches!(event, Event::Deleted(_)) {
        let sets = replica_sets.list_namespace(pod.namespace());
        keys.extend(sets.iter().filter(|set| selector_of(set).matches(pod.labels())).map(|set| set.key()));
    }
    keys
}

impl ReplicaSetController {
    fn world(&self, set: Arc<Cached<ReplicaSet>>) -> World {
        let orphans = self.pods_by_controller.get(&pods::orphans_of(set.namespace()));
        let candidates = self.pods_by_controller.get(set.uid()).into_iter();
        let candidates = candidates.chain(orphans.into_iter().filter(|pod| pods::is_active(pod)));
        let claimed = ownership::claim(&set, &selector_of(&set), candidates);
        World { related_on_node: self.related_on_node(&set), pods: claimed, replica_set: set }
    }

    fn related_on_node(&self, set: &Arc<Cached<ReplicaSet>>) -> HashMap<String, usize> {
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

impl World {
    fn wanted(&self) -> usize {
        let replicas = self.replica_set.typed.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
        usize::try_from(replicas).unwrap_or(0)
    }

    /// The pods that count: controlled or about to be adopted, not ended, not being deleted.
    fn active(&self) -> Vec<CachedPod> {
        let all = self.pods.owned.iter().chain(&self.pods.adopt);
        all.filter(|pod| pods::is_active(pod)).cloned().collect()
    }
}

fn plan(world: &World, now: Timestamp) -> Plan {
    let set = &world.replica_set;
    let mut plan = Plan::default();
    let adopted = world.pods.adopt.iter().map(|pod| ownership::adopt(&PODS, set, pod));
    let released = world.pods.release.iter().map(|pod| ownership::release(&PODS, set, pod));
    plan.all(adopted.chain(released).collect());
    if set.deletion_timestamp().is_some() {
        return plan;
    }
    let active = world.active();
    let wanted = world.wanted();
    if active.len() < wanted {
        let missing = (wanted - active.len()).min(BURST);
        plan.actions.push(Action::SlowStart(vec![creation(set); missing]));
    } else if active.len() > wanted {
        let surplus = (active.len() - wanted).min(BURST);
        let victims = ranking::least_missed(active, &world.related_on_node, surplus, now);
        plan.all(victims.iter().map(|pod| deletion(set, pod)).collect());
    }
    plan
}

fn creation(set: &Cached<ReplicaSet>) -> Write {
    Write::create(&PODS, set.namespace(), pod_of(set))
        .on_success(Notice::normal(set, "SuccessfulCreate", "Created pod: ").ending(Ending::ObjectName))
        .on_failure(Notice::warning(set, "FailedCreate", "Error creating: ").ending(Ending::Error))
}

fn deletion(set: &Cached<ReplicaSet>, pod: &Cached<Pod>) -> Write {
    Write::delete(&PODS, pod)
        .on_success(Notice::normal(set, "SuccessfulDelete", format!("Deleted pod: {}", pod.name())))
        .on_failure(Notice::warning(set, "FailedDelete", "Error deleting: ").ending(Ending::Error))
}

#[cfg(test)]
mod tests;
