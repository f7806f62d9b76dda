//! `statefulset-controller`: keeps numbered pods of a template, each with a name and claims of its own that stay the same
//! when the pod is replaced.
//!
//! Reads StatefulSets, Pods, PersistentVolumeClaims and ControllerRevisions; creates pods in the order of their numbers
//! and removes them in the opposite order, creates claims ([`claims`]) and decides when these go ([`retention`]), replaces
//! old pods ([`rolling`]) and writes the set's status.
//!
//! A sync first puts right whose the revisions and pods are; the next one stores the template ([`history`]), then looks at
//! pods ([`manage`]).

mod claims;
mod history;
mod identity;
mod manage;
mod notice;
mod ordinal;
mod replicas;
mod retention;
mod rolling;
mod status;

use crate::controller::{Context, Controller, observed};
use crate::ownership::{self, Claimed, selector_of};
use crate::plan::{Plan, Report, Write};
use crate::pods::{self, CachedPod};
use crate::revisions::{self, Revision};
use crate::sources::Sources;
use claims::Claims;
use futures::future::BoxFuture;
use history::History;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use skiff_apimachinery::Status;
use skiff_apimachinery::meta::ObjectKey;
use skiff_client::resources::{CONTROLLER_REVISIONS, PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS};
use skiff_client::{Cached, Index, Informer, Selection, Untyped};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The controller.
pub struct StatefulSetController {
    sets: Informer<StatefulSet>,
    pods: Informer<Pod>,
    pods_by_controller: Index<Pod>,
    claims: Informer<Untyped>,
    revisions: Informer<Untyped>,
    revisions_by_controller: Index<Untyped>,
}

/// One StatefulSet and what matters to it.
pub struct World {
    set: Arc<Cached<StatefulSet>>,
    pods: Claimed<Pod>,
    claims: Claims,
    revisions: Claimed<Untyped>,
    /// The revision that has the name which a new one would get.
    homonym: Option<Revision>,
}

impl Controller for StatefulSetController {
    const NAME: &'static str = "statefulset-controller";
    const IDENTITY: &'static str = "statefulset-controller";
    const QUEUE: &'static str = "statefulset";

    type Key = ObjectKey;
    type World = World;

    fn new(context: &Context) -> Self {
        let pods = context.informers.of(&PODS, Selection::default());
        let revisions = context.informers.of(&CONTROLLER_REVISIONS, Selection::default());
        Self {
            sets: context.informers.of(&STATEFUL_SETS, Selection::default()),
            pods_by_controller: pods::by_controller(&pods),
            pods,
            claims: context.informers.of(&PERSISTENT_VOLUME_CLAIMS, Selection::default()),
            revisions_by_controller: ownership::by_controller(&revisions),
            revisions,
        }
    }

    fn sources(&self, sources: &mut Sources<ObjectKey>) {
        sources.watch(&self.sets, |event| [event.object().key()]);
        let sets = self.sets.clone();
        sources.watch(&self.pods, move |event| ownership::concerned(&sets, selector_of, event));
        let sets = self.sets.clone();
        sources.watch(&self.claims, move |event| {
            let claim = event.object();
            let mut sets = sets.list_namespace(claim.namespace());
            sets.retain(|set| claims::ordinal_of(set, claim.name()).is_some());
            sets.into_iter().map(|set| set.key()).collect::<Vec<_>>()
        });
        let sets = self.sets.clone();
        sources.watch(&self.revisions, move |event| revisions::concerned(&sets, event));
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

impl StatefulSetController {
    fn world(&self, set: Arc<Cached<StatefulSet>>) -> World {
        let orphans = pods::orphans_of(set.namespace());
        let of_set = self.revisions_by_controller.get(set.uid()).into_iter();
        let revisions = of_set.chain(self.revisions_by_controller.get(&orphans));
        let revisions = ownership::claim(&set, &selector_of(&set), revisions);
        let of_set = self.pods_by_controller.get(set.uid()).into_iter();
        let pods = claimed_pods(&set, of_set.chain(self.pods_by_controller.get(&orphans)));
        World {
            claims: self.claims_of(&set, &pods),
            homonym: self.revisions.get(set.namespace(), &revisions::name(&set)),
            set,
            pods,
            revisions,
        }
    }

    /// The claims of the pods that there are, and of those that may be created next.
    fn claims_of(&self, set: &Cached<StatefulSet>, pods: &Claimed<Pod>) -> Claims {
        let there = pods.owned.iter().chain(&pods.adopt).filter_map(|pod| ordinal::of(set, pod));
        let mut ordinals: BTreeSet<i64> = there.collect();
        let missing = ordinal::wanted(set).filter(|ordinal| !ordinals.contains(ordinal));
        let missing: Vec<i64> = missing.take(manage::BURST).collect();
        ordinals.extend(missing);
        let names = ordinals.into_iter().flat_map(|ordinal| claims::names(set, ordinal));
        names.filter_map(|name| self.claims.get(set.namespace(), &name)).collect()
    }
}

/// Sorts pods. One of the set's has a name that the set gives, whatever its labels say.
fn claimed_pods(set: &Cached<StatefulSet>, candidates: impl IntoIterator<Item = CachedPod>) -> Claimed<Pod> {
    let mut pods = ownership::claim(set, &selector_of(set), candidates);
    let is_member = |pod: &CachedPod| ordinal::of(set, pod).is_some();
    pods.adopt.retain(is_member);
    let (members, strangers) = pods.owned.into_iter().partition(is_member);
    pods.owned = members;
    if set.deletion_timestamp().is_none() {
        pods.release.extend(strangers);
    }
    pods
}

impl World {
    /// The pods that are the set's or are about to be.
    fn pods(&self) -> impl Iterator<Item = &CachedPod> {
        self.pods.owned.iter().chain(&self.pods.adopt)
    }

    /// The revision with a name, of those that are the set's or are about to be.
    fn revision(&self, name: &str) -> Option<&Revision> {
        self.revisions.owned.iter().chain(&self.revisions.adopt).find(|revision| revision.name() == name)
    }

    fn is_ending(&self) -> bool {
        self.set.deletion_timestamp().is_some()
    }

    /// Whether pods come and go one by one, in the order of their numbers.
    fn is_ordered(&self) -> bool {
        self.set.str_at(&["spec", "podManagementPolicy"]) != "Parallel"
    }
}

/// How far a sync gets.
enum Stage<'w> {
    /// It is put right whose revisions and pods are; the next sync sees that.
    Claims(Vec<Write>),
    /// A new revision needs another name.
    NameTaken,
    /// Pods are put right.
    Pods(History<'w>),
}

impl<'w> Stage<'w> {
    fn of(world: &'w World) -> Self {
        let history = History::of(world);
        let adoptions = history.adoptions();
        if !adoptions.is_empty() {
            return Self::Claims(adoptions);
        }
        let adopted =
            world.pods.adopt.iter().map(|pod| ownership::adopt(&PODS, &STATEFUL_SETS, &world.set, pod));
        let released = world.pods.release.iter().map(|pod| ownership::release(&PODS, &world.set, pod));
        let claims: Vec<Write> = adopted.chain(released).collect();
        if !claims.is_empty() {
            Self::Claims(claims)
        } else if history.is_name_taken() && !world.is_ending() {
            Self::NameTaken
        } else {
            Self::Pods(history)
        }
    }
}

fn plan(world: &World, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    match Stage::of(world) {
        Stage::Claims(writes) => plan.all(writes),
        Stage::NameTaken => {}
        // The garbage collector does the rest.
        Stage::Pods(_) if world.is_ending() => {}
        Stage::Pods(history) => {
            if let Some(write) = history.advance() {
                plan.write(write);
            }
            plan.actions.extend(manage::changes(world, &history, now).plan.actions);
            plan.all(history.surplus());
        }
    }
    plan
}

#[cfg(test)]
mod tests;
