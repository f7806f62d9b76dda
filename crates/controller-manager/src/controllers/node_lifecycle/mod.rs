//! `node-lifecycle-controller`: notices nodes that fell silent and says so in conditions and taints.
//!
//! A node is heard through its Lease and through its own Ready condition. When neither changed for the grace period, its
//! conditions become Unknown, its pods are no longer ready, and [`taints`] keep new pods away and drive old ones off
//! (that is done by `taint-eviction-controller`). When a node was heard is measured by this process's clock: the clocks
//! of nodes may differ.

mod conditions;
mod taints;

use crate::config::Config;
use crate::controller::{Context, Controller, observed};
use crate::plan::{Action, Notice, Plan, Write};
use crate::pods::{self, CachedPod};
use crate::sources::Sources;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Node, Pod};
use skiff_apimachinery::time::{Clock, format_time, parse_time};
use skiff_apimachinery::{Document, Status};
use skiff_client::resources::{LEASES, NODES, PODS};
use skiff_client::{Cached, Event, Index, Informer, Selection, Untyped};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const LEASE_NAMESPACE: &str = "kube-node-lease";

/// The controller; its keys are names of nodes.
pub struct NodeLifecycle {
    config: Arc<Config>,
    clock: Arc<dyn Clock>,
    nodes: Informer<Node>,
    leases: Informer<Untyped>,
    pods: Informer<Pod>,
    pods_by_node: Index<Pod>,
    heard: Arc<Mutex<HashMap<String, Heard>>>,
}

/// A sign of life.
struct Heard {
    at: Timestamp,
    renewed: String,
    heartbeat: String,
}

/// One node.
pub struct World {
    config: Arc<Config>,
    node: Arc<Cached<Node>>,
    heard: Timestamp,
    /// Whether this process sees the node for the first time.
    is_new: bool,
    /// Whether any node is ready. When none is, the fault is more likely on this side, and nobody is driven off.
    any_ready: bool,
    pods: Vec<CachedPod>,
}

impl Controller for NodeLifecycle {
    const NAME: &'static str = "node-lifecycle-controller";
    const IDENTITY: &'static str = "node-controller";

    type Key = String;
    type World = World;

    fn new(context: &Context) -> Self {
        let pods = context.informers.of(&PODS, Selection::default());
        Self {
            config: context.config.clone(),
            clock: context.clock.clone(),
            nodes: context.informers.of(&NODES, Selection::default()),
            leases: context.informers.namespaced(&LEASES, LEASE_NAMESPACE, Selection::default()),
            pods_by_node: pods::by_node(&pods),
            pods,
            heard: Arc::default(),
        }
    }

    fn sources(&self, sources: &mut Sources<String>) {
        let (nodes, heard) = (self.nodes.clone(), self.heard.clone());
        sources.watch(&self.nodes, move |event| {
            let node = event.object();
            match event {
                Event::Deleted(_) => drop(lock(&heard).remove(node.name())),
                Event::Updated { old, new } if conditions::readiness(old) == conditions::readiness(new) => {
                    return vec![node.name().to_owned()];
                }
                Event::Added(_) | Event::Updated { .. } => {}
            }
            // Whether any node is ready matters to all of them.
            nodes.list().iter().map(|node| node.name().to_owned()).collect()
        });
        // A renewal only resets the time: nothing is to be done about a node that is well.
        let (heard, clock) = (self.heard.clone(), self.clock.clone());
        sources.watch(&self.leases, move |event| {
            if let Some(heard) = lock(&heard).get_mut(event.object().name()) {
                heard.renewal(event.object(), clock.now());
            }
            None
        });
        sources.read(&self.pods);
    }

    fn observe<'a>(&'a self, name: &'a String) -> BoxFuture<'a, Result<Option<World>, Status>> {
        observed(self.nodes.get("", name).map(|node| self.world(node)))
    }

    fn plan(world: &World, now: Timestamp) -> Plan {
        plan(world, now)
    }
}

fn lock(heard: &Mutex<HashMap<String, Heard>>) -> MutexGuard<'_, HashMap<String, Heard>> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Heard {
    fn renewal(&mut self, lease: &Document, now: Timestamp) {
        let renewed = lease.str_at(&["spec", "renewTime"]);
        if renewed != self.renewed {
            self.renewed = renewed.to_owned();
            self.at = now;
        }
    }

    fn report(&mut self, node: &Document, now: Timestamp) {
        let heartbeat = conditions::get(node, "Ready").map_or("", |c| c.str_at(&["lastHeartbeatTime"]));
        if heartbeat != self.heartbeat {
            self.heartbeat = heartbeat.to_owned();
            self.at = now;
        }
    }
}

impl NodeLifecycle {
    fn world(&self, node: Arc<Cached<Node>>) -> World {
        let now = self.clock.now();
        let (is_new, at) = {
            let mut all = lock(&self.heard);
            let is_new = !all.contains_key(node.name());
            let new = || Heard { at: now, renewed: String::new(), heartbeat: String::new() };
            let heard = all.entry(node.name().to_owned()).or_insert_with(new);
            if let Some(lease) = self.leases.get(LEASE_NAMESPACE, node.name()) {
                heard.renewal(&lease, now);
            }
            heard.report(&node, now);
            (is_new, heard.at)
        };
        World {
            config: self.config.clone(),
            heard: at,
            is_new,
            any_ready: self.nodes.list().iter().any(|node| conditions::readiness(node) == "True"),
            pods: self.pods_by_node.get(node.name()),
            node,
        }
    }
}

impl World {
    /// From when on the node's silence means something. One that never reported has the time that starting takes.
    fn deadline(&self) -> Timestamp {
        let (since, grace) = match conditions::get(&self.node, "Ready") {
            Some(_) => (self.heard, self.config.node_monitor_grace_period),
            None => {
                let created = parse_time(self.node.creation_timestamp()).unwrap_or(self.heard);
                (created, self.config.node_startup_grace_period)
            }
        };
        since
            .checked_add(SignedDuration::try_from(grace).unwrap_or(SignedDuration::MAX))
            .unwrap_or(Timestamp::MAX)
    }
}

fn plan(world: &World, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let node = &world.node;
    if world.is_new {
        let message = format!("Node {0} event: Registered Node {0} in Controller", node.name());
        plan.actions.push(Action::Tell(Notice::normal(node, "RegisteredNode", message)));
    }
    let deadline = world.deadline();
    if now <= deadline {
        let wait = Duration::try_from(deadline.duration_since(now)).unwrap_or(Duration::ZERO);
        plan.requeue(wait + Duration::from_millis(10));
    } else if let Some(changed) = conditions::unknown(node, now) {
        let write = Write::update_status(&NODES, changed);
        plan.write(if conditions::readiness(node) == "True" {
            let message = format!("Node {} status is now: NodeNotReady", node.name());
            write.on_success(Notice::normal(node, "NodeNotReady", message))
        } else {
            write
        });
        // The change of the conditions brings the taints.
        return plan;
    }
    if let Some(changed) = taints::updated(world, now) {
        plan.write(Write::update(&NODES, changed));
    }
    if conditions::readiness(node) == "Unknown" {
        plan.all(world.pods.iter().filter_map(|pod| unready(pod, now)).collect());
    }
    plan
}

/// Takes a pod on a dead node for not ready, so that Services leave it out.
fn unready(pod: &CachedPod, now: Timestamp) -> Option<Write> {
    if !pods::is_ready(pod) || pod.deletion_timestamp().is_some() {
        return None;
    }
    let mut changed = Document::clone(&pod.object);
    let conditions = changed.at_mut(&["status", "conditions"])?.as_array_mut()?;
    let ready = conditions.iter_mut().find(|condition| condition.str_at(&["type"]) == "Ready")?;
    ready.insert("status", "False");
    ready.insert("lastTransitionTime", format_time(now));
    let told = Notice::warning(pod, "NodeNotReady", "Node is not ready");
    Some(Write::update_status(&PODS, changed).on_success(told))
}

#[cfg(test)]
mod tests;
