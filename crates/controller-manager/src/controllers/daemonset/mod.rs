//! `daemonset-controller`: keeps one pod of a template on every node that the template's pods can run on.
//!
//! Reads DaemonSets, Nodes, Pods and ControllerRevisions; creates Pods that are bound to their node by affinity, deletes
//! those that failed, are too many or are of an old template, and writes the DaemonSet's status.
//!
//! A sync first puts the revisions right ([`revision`]), then nodes and pods ([`manage`]); when nothing is left to do
//! about those, old pods are replaced ([`rolling`]).

mod by_node;
mod failed_pods;
mod manage;
mod placement;
mod revision;
mod rolling;
mod status;
mod template;

use crate::controller::{Context, Controller, observed};
use crate::ownership::{self, Claimed, selector_of};
use crate::plan::{Action, Notice, Plan, Report, Write};
use crate::pod_control;
use crate::pods::{self, CachedPod};
use crate::revisions;
use crate::sources::Sources;
use by_node::ByNode;
use failed_pods::{Attempt, FailedPods};
use futures::future::BoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod};
use manage::Changes;
use placement::Placement;
use revision::{History, Revision};
use rolling::Strategy;
use skiff_apimachinery::Status;
use skiff_apimachinery::meta::ObjectKey;
use skiff_apimachinery::time::Clock;
use skiff_client::resources::{CONTROLLER_REVISIONS, DAEMON_SETS, NODES, PODS};
use skiff_client::{Cached, Event, Index, Informer, Selection, Untyped};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Most pods created and most deleted in one sync.
const BURST: usize = 250;

/// The controller.
pub struct DaemonSetController {
    clock: Arc<dyn Clock>,
    sets: Informer<Untyped>,
    nodes: Informer<Node>,
    pods: Informer<Pod>,
    pods_by_controller: Index<Pod>,
    revisions: Informer<Untyped>,
    revisions_by_controller: Index<Untyped>,
    failed_pods: Mutex<FailedPods>,
}

/// One DaemonSet and what matters to it.
pub struct World {
    set: Arc<Cached<Untyped>>,
    nodes: Vec<Arc<Cached<Node>>>,
    pods: Claimed<Pod>,
    revisions: Claimed<Untyped>,
    /// The revision that has the name which a new one would get.
    homonym: Option<Revision>,
    /// By node, whether failed pods may be deleted.
    attempts: HashMap<String, Attempt>,
}

impl Controller for DaemonSetController {
    const NAME: &'static str = "daemonset-controller";
    const IDENTITY: &'static str = "daemon-set-controller";
    const EVENT_SOURCE: &'static str = "daemonset-controller";
    const QUEUE: &'static str = "daemonset";
    const WORKERS: usize = 2;

    type Key = ObjectKey;
    type World = World;

    fn new(context: &Context) -> Self {
        let pods = context.informers.of(&PODS, Selection::default());
        let revisions = context.informers.of(&CONTROLLER_REVISIONS, Selection::default());
        Self {
            clock: context.clock.clone(),
            sets: context.informers.of(&DAEMON_SETS, Selection::default()),
            nodes: context.informers.of(&NODES, Selection::default()),
            pods_by_controller: pods::by_controller(&pods),
            pods,
            revisions_by_controller: ownership::by_controller(&revisions),
            revisions,
            failed_pods: Mutex::default(),
        }
    }

    fn sources(&self, sources: &mut Sources<ObjectKey>) {
        sources.watch(&self.sets, |event| [event.object().key()]);
        let sets = self.sets.clone();
        sources.watch(&self.pods, move |event| ownership::concerned(&sets, selector_of, event));
        let sets = self.sets.clone();
        sources.watch(&self.revisions, move |event| revisions::concerned(&sets, event));
        let sets = self.sets.clone();
        sources.watch(&self.nodes, move |event| at_home(&sets, event));
    }

    fn observe<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<World>, Status>> {
        observed(self.sets.get(&key.namespace, &key.name).map(|set| self.world(set)))
    }

    fn plan(world: &World, now: Timestamp) -> Plan {
        plan(world, now)
    }

    fn conclude(world: &World, report: &Report, now: Timestamp) -> Plan {
        status::conclude(world, report, now)
    }
}

/// The DaemonSets for which a change of a node changes whether they are at home on it.
fn at_home(sets: &Informer<Untyped>, event: &Event<Node>) -> Vec<ObjectKey> {
    // Most changes of nodes are heartbeats.
    if matches!(event, Event::Updated { old, new } if !placement::matters(old, new)) {
        return Vec::new();
    }
    let changes = |set: &Cached<Untyped>| {
        let placement = Placement::of(set);
        match event {
            Event::Added(node) | Event::Deleted(node) => placement.fit(node).may_stay(),
            Event::Updated { old, new } => placement.fit(old) != placement.fit(new),
        }
    };
    sets.list().iter().filter(|set| changes(set)).map(|set| set.key()).collect()
}

impl DaemonSetController {
    fn world(&self, set: Arc<Cached<Untyped>>) -> World {
        let selector = selector_of(&set);
        let orphans = pods::orphans_of(set.namespace());
        let candidates = self.pods_by_controller.get(set.uid()).into_iter();
        let pods = candidates.chain(self.pods_by_controller.get(&orphans));
        let candidates = self.revisions_by_controller.get(set.uid()).into_iter();
        let revisions = candidates.chain(self.revisions_by_controller.get(&orphans));
        let mut world = World {
            nodes: self.nodes.list(),
            pods: ownership::claim(&set, &selector, pods),
            revisions: ownership::claim(&set, &selector, revisions),
            homonym: self.revisions.get(set.namespace(), &revision::name(&set)),
            attempts: HashMap::new(),
            set,
        };
        world.attempts = self.attempts(&world);
        world
    }

    /// Asks for each node with failed pods whether they may be deleted now.
    fn attempts(&self, world: &World) -> HashMap<String, Attempt> {
        let failed = |pod: &&CachedPod| pods::phase(pod) == "Failed" && pod.deletion_timestamp().is_none();
        if world.set.deletion_timestamp().is_some() || !world.pods().any(|pod| failed(&pod)) {
            return HashMap::new();
        }
        let (placement, pods) = (Placement::of(&world.set), ByNode::of(world));
        let seen = world.set.i64_at(&["status", "observedGeneration"]).unwrap_or(0);
        let mut history = self.failed_pods.lock().unwrap_or_else(PoisonError::into_inner);
        let mut attempts = HashMap::new();
        for node in world.nodes.iter().filter(|node| placement.fit(node).may_stay()) {
            if pods.on(node.name()).iter().any(failed) {
                let key = format!("{}/{seen}/{}", world.set.uid(), node.name());
                attempts.insert(node.name().to_owned(), history.attempt(key, self.clock.now()));
            }
        }
        attempts
    }
}

impl World {
    /// The pods that are the set's or are about to be.
    fn pods(&self) -> impl Iterator<Item = &CachedPod> {
        self.pods.owned.iter().chain(&self.pods.adopt)
    }
}

/// How far a sync gets.
enum Stage<'w> {
    /// The selector selects everything, which nobody can have meant.
    SelectsAll,
    /// The set is being deleted: the garbage collector does the rest.
    Ending,
    /// Revisions are put right first; the next sync sees that.
    Revisions(Vec<Write>),
    /// A new revision needs another name.
    NameTaken,
    /// Pods are put right.
    Pods(History<'w>),
}

impl<'w> Stage<'w> {
    fn of(world: &'w World) -> Self {
        if selector_of(&world.set).is_everything() {
            return Self::SelectsAll;
        }
        if world.set.deletion_timestamp().is_some() {
            return Self::Ending;
        }
        let history = History::of(world);
        let preparations = history.preparations();
        if !preparations.is_empty() {
            Self::Revisions(preparations)
        } else if history.is_name_taken() {
            Self::NameTaken
        } else {
            Self::Pods(history)
        }
    }
}

fn plan(world: &World, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    match Stage::of(world) {
        Stage::SelectsAll => {
            let message = "This daemon set is selecting all pods. A non-empty selector is required.";
            plan.actions.push(Action::Tell(Notice::warning(&world.set, "SelectingAll", message)));
        }
        Stage::Ending | Stage::NameTaken => {}
        Stage::Revisions(writes) => plan.all(writes),
        Stage::Pods(history) => {
            if let Some(write) = history.advance() {
                plan.write(write);
            }
            put_right(world, &history.hash(), now, &mut plan);
            plan.all(history.surplus());
        }
    }
    plan
}

/// Brings pods towards one new pod per node.
fn put_right(world: &World, hash: &str, now: Timestamp, plan: &mut Plan) {
    let set = &world.set;
    let adopted = world.pods.adopt.iter().map(|pod| ownership::adopt(&PODS, &DAEMON_SETS, set, pod));
    let released = world.pods.release.iter().map(|pod| ownership::release(&PODS, set, pod));
    plan.all(adopted.chain(released).collect());
    let (placement, mut pods) = (Placement::of(set), ByNode::of(world));
    let changes = manage::changes(world, &pods, &placement, hash, now);
    let settled = changes.is_empty();
    carry_out(world, changes, hash, plan);
    if settled && Strategy::of(set).is_rolling() {
        carry_out(world, rolling::changes(world, &mut pods, &placement, hash, now), hash, plan);
    }
}

/// Deletions come first: a creation that is refused must not keep failed pods in place.
fn carry_out(world: &World, changes: Changes<'_>, hash: &str, plan: &mut Plan) {
    let set = &world.set;
    plan.actions.extend(changes.told);
    let deleted = changes.delete.into_iter().take(BURST);
    plan.all(deleted.map(|pod| pod_control::delete(set, pod)).collect());
    let created = changes.create.into_iter().take(BURST);
    let created = created.map(|node| pod_control::create(set, template::pod_on(set, node, hash)));
    let created: Vec<Write> = created.collect();
    if !created.is_empty() {
        plan.actions.push(Action::SlowStart(created));
    }
    if let Some(after) = changes.again_after {
        plan.requeue(after);
    }
}

#[cfg(test)]
mod tests;
