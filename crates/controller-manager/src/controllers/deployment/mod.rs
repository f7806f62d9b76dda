//! `deployment-controller`: rolls a pod template out through ReplicaSets.
//!
//! Reads Deployments, ReplicaSets and Pods; creates one ReplicaSet per template, moves replicas from the old ones to the
//! new one within `maxSurge` and `maxUnavailable`, keeps a history for rollbacks, and tells in the status how far it is.
//!
//! Each sync takes one stage, as upstream does; the ReplicaSets' changes bring the next:
//! [`revision`] (annotations) → [`scaling`] (the user changed `replicas`, or paused) → [`rolling`] or [`recreate`] →
//! [`history`]. [`status`] is written after every stage.

mod creation;
mod history;
mod progress;
mod recreate;
mod revision;
mod rolling;
mod rollout;
mod scaling;
mod status;
mod template;

use crate::controller::{Context, Controller, observed};
use crate::ownership::{self, Claimed, controller_uid, selector_of};
use crate::plan::{Action, Notice, Plan, Report};
use crate::pods;
use crate::sources::Sources;
use futures::future::BoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use rollout::Rollout;
use skiff_apimachinery::Status;
use skiff_apimachinery::meta::ObjectKey;
use skiff_client::resources::{DEPLOYMENTS, PODS, REPLICA_SETS};
use skiff_client::{Cached, Event, Index, Informer, Selection};
use std::sync::Arc;

type CachedSet = Arc<Cached<ReplicaSet>>;

/// The controller.
pub struct DeploymentController {
    deployments: Informer<Deployment>,
    replica_sets: Informer<ReplicaSet>,
    sets_by_controller: Index<ReplicaSet>,
    pods: Informer<Pod>,
    pods_by_controller: Index<Pod>,
}

/// One Deployment and what matters to it.
pub struct World {
    deployment: Arc<Cached<Deployment>>,
    sets: Claimed<ReplicaSet>,
    /// Pods that have not ended, of the Deployment's ReplicaSets: UID of the ReplicaSet for each.
    running_pods: Vec<String>,
    /// The ReplicaSet that has the name which a new one would get.
    homonym: Option<CachedSet>,
}

impl Controller for DeploymentController {
    const NAME: &'static str = "deployment-controller";
    const IDENTITY: &'static str = "deployment-controller";
    const QUEUE: &'static str = "deployment";

    type Key = ObjectKey;
    type World = World;

    fn new(context: &Context) -> Self {
        let replica_sets = context.informers.of(&REPLICA_SETS, Selection::default());
        let pods = context.informers.of(&PODS, Selection::default());
        Self {
            deployments: context.informers.of(&DEPLOYMENTS, Selection::default()),
            sets_by_controller: ownership::by_controller(&replica_sets),
            pods_by_controller: pods::by_controller(&pods),
            replica_sets,
            pods,
        }
    }

    fn sources(&self, sources: &mut Sources<ObjectKey>) {
        sources.watch(&self.deployments, |event| [event.object().key()]);
        let deployments = self.deployments.clone();
        sources
            .watch(&self.replica_sets, move |event| ownership::concerned(&deployments, selector_of, event));
        // Only the end of pods matters, and only to Recreate: the ReplicaSets' status tells everything else.
        let (deployments, replica_sets) = (self.deployments.clone(), self.replica_sets.clone());
        sources.watch(&self.pods, move |event| {
            let ended = matches!(event, Event::Deleted(_)) || pods::is_terminal(event.object());
            if ended { recreating(&deployments, &replica_sets, event.object()) } else { None }
        });
    }

    fn observe<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<World>, Status>> {
        observed(self.deployments.get(&key.namespace, &key.name).map(|deployment| self.world(deployment)))
    }

    fn plan(world: &World, _now: Timestamp) -> Plan {
        plan(world)
    }

    fn conclude(world: &World, report: &Report, now: Timestamp) -> Plan {
        if selector_of(&world.deployment).is_everything() {
            return status::observed_only(world);
        }
        let rollout = Rollout::of(world);
        // The annotation is written first, alone: the status would be written over a stale version.
        if revision::of_deployment(&rollout).is_some() {
            return Plan::nothing();
        }
        status::conclude(world, &rollout, report, now)
    }
}

fn owner(set: &Cached<ReplicaSet>) -> Option<ObjectKey> {
    let owner = set.controller_ref()?;
    (owner.str_at(&["kind"]) == "Deployment")
        .then(|| ObjectKey::new(set.namespace(), owner.str_at(&["name"])))
}

/// The Deployment of a pod, if it waits for its pods to end.
fn recreating(
    deployments: &Informer<Deployment>,
    replica_sets: &Informer<ReplicaSet>,
    pod: &Cached<Pod>,
) -> Option<ObjectKey> {
    let set = pod.controller_ref().filter(|owner| owner.str_at(&["kind"]) == "ReplicaSet")?;
    let set = replica_sets.get(pod.namespace(), set.str_at(&["name"]))?;
    let key = owner(&set)?;
    let deployment = deployments.get(&key.namespace, &key.name)?;
    (deployment.str_at(&["spec", "strategy", "type"]) == "Recreate").then_some(key)
}

impl DeploymentController {
    fn world(&self, deployment: Arc<Cached<Deployment>>) -> World {
        let orphans = self.sets_by_controller.get(&pods::orphans_of(deployment.namespace()));
        let candidates = self.sets_by_controller.get(deployment.uid()).into_iter().chain(orphans);
        let sets = ownership::claim(&deployment, &selector_of(&deployment), candidates);
        let running = sets.owned.iter().flat_map(|set| self.pods_by_controller.get(set.uid()));
        let running = running.filter(|pod| !pods::is_terminal(pod));
        World {
            running_pods: running.filter_map(|pod| controller_uid(&pod).map(str::to_owned)).collect(),
            homonym: self.replica_sets.get(deployment.namespace(), &template::set_name(&deployment)),
            sets,
            deployment,
        }
    }
}

fn plan(world: &World) -> Plan {
    let deployment = &world.deployment;
    let mut plan = Plan::default();
    if selector_of(deployment).is_everything() {
        let message = "This deployment is selecting all pods. A non-empty selector is required.";
        plan.actions.push(Action::Tell(Notice::warning(deployment, "SelectingAll", message)));
        return plan;
    }
    let adopted =
        world.sets.adopt.iter().map(|set| ownership::adopt(&REPLICA_SETS, &DEPLOYMENTS, deployment, set));
    let released = world.sets.release.iter().map(|set| ownership::release(&REPLICA_SETS, deployment, set));
    plan.all(adopted.chain(released).collect());
    // What was adopted has a new version: the next sync goes on from there.
    if !plan.actions.is_empty() || deployment.deletion_timestamp().is_some() {
        return plan;
    }
    stage(world, &Rollout::of(world))
}

/// Whether this sync's stage creates the new ReplicaSet.
fn creates(world: &World, rollout: &Rollout<'_>) -> bool {
    let ready = world.sets.adopt.is_empty() && world.sets.release.is_empty();
    let blocked =
        rollout.paused || rollout.was_scaled() || (rollout.recreate && recreate::must_wait(world, rollout));
    ready && !blocked && rollout.new.is_none() && world.homonym.is_none()
}

/// The one stage that is due.
fn stage(world: &World, rollout: &Rollout<'_>) -> Plan {
    let mut plan = Plan::default();
    let noted = revision::of_deployment(rollout).or_else(|| revision::of_new_set(rollout));
    if let Some(write) = noted {
        plan.write(write);
    } else if rollout.paused || rollout.was_scaled() {
        plan.all(scaling::scale(rollout));
        if rollout.paused && plan.actions.is_empty() {
            plan.all(history::surplus(rollout));
        }
    } else if rollout.recreate {
        plan.all(recreate::step(world, rollout));
    } else {
        plan.all(rolling::step(world, rollout));
    }
    let done = status::is_complete(rollout, &world.deployment["status"]);
    if plan.actions.is_empty() && done && !rollout.paused {
        plan.all(history::surplus(rollout));
    }
    plan
}

#[cfg(test)]
mod tests;
