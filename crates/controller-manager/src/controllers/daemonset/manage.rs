//! One pod on every node that is to have one, and none elsewhere.

use super::World;
use super::by_node::ByNode;
use super::failed_pods::Attempt;
use super::placement::Placement;
use super::rolling::{self, Strategy};
use crate::plan::{Action, Notice};
use crate::pods::{self, CachedPod};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node;
use skiff_client::Cached;
use std::collections::HashSet;
use std::time::Duration;

/// What is to be done about pods.
#[derive(Default)]
pub(super) struct Changes<'w> {
    /// Nodes that get a pod.
    pub(super) create: Vec<&'w str>,
    /// Pods that go.
    pub(super) delete: Vec<&'w CachedPod>,
    /// What is told of pods that go.
    pub(super) told: Vec<Action>,
    /// When a failed pod may be deleted that must stay for now.
    pub(super) again_after: Option<Duration>,
}

impl Changes<'_> {
    /// Whether pods stay as they are.
    pub(super) fn is_empty(&self) -> bool {
        self.create.is_empty() && self.delete.is_empty()
    }
}

/// Compares nodes and pods.
struct Manager<'w, 'p> {
    world: &'w World,
    pods: &'p ByNode<'w>,
    placement: &'p Placement,
    hash: &'p str,
    now: Timestamp,
    changes: Changes<'w>,
}

/// What nodes and pods lack to match.
pub(super) fn changes<'w>(
    world: &'w World,
    pods: &ByNode<'w>,
    placement: &Placement,
    hash: &str,
    now: Timestamp,
) -> Changes<'w> {
    let mut manager = Manager { world, pods, placement, hash, now, changes: Changes::default() };
    for node in &world.nodes {
        manager.look_at(node);
    }
    manager.abandon_missing_nodes();
    manager.changes
}

impl<'w> Manager<'w, '_> {
    fn look_at(&mut self, node: &'w Cached<Node>) {
        let fit = self.placement.fit(node);
        let on_node = self.pods.on(node.name());
        if fit.should_run() && on_node.is_empty() {
            self.changes.create.push(node.name());
        } else if fit.may_stay() {
            let running = self.remove_ended(node, on_node);
            if !Strategy::of(&self.world.set).allows_surge() {
                // All but the oldest are too many.
                self.changes.delete.extend(running.iter().skip(1));
            } else if !running.is_empty() {
                self.settle_surge(&running);
            } else if fit.should_run() {
                self.changes.create.push(node.name());
            }
        } else {
            let alive = on_node.iter().filter(|pod| pod.deletion_timestamp().is_none());
            self.changes.delete.extend(alive);
        }
    }

    /// Deletes the pods of a node that have ended, so that others take their place; returns those that run.
    fn remove_ended(&mut self, node: &Cached<Node>, on_node: &[&'w CachedPod]) -> Vec<&'w CachedPod> {
        let mut attempt = self.world.attempts.get(node.name()).copied();
        let mut running = Vec::new();
        for &pod in on_node.iter().filter(|pod| pod.deletion_timestamp().is_none()) {
            match pods::phase(pod) {
                "Failed" => match attempt {
                    Some(Attempt::After(pause)) => {
                        let earlier = self.changes.again_after.unwrap_or(pause);
                        self.changes.again_after = Some(earlier.min(pause));
                    }
                    granted => {
                        if let Some(Attempt::Now(pause)) = granted {
                            attempt = Some(Attempt::After(pause));
                        }
                        self.tell_failed(pod, node);
                        self.changes.delete.push(pod);
                    }
                },
                "Succeeded" => {
                    self.tell_succeeded(pod, node);
                    self.changes.delete.push(pod);
                }
                _ => running.push(pod),
            }
        }
        running
    }

    fn tell_failed(&mut self, pod: &CachedPod, node: &Cached<Node>) {
        let (pod, node) = (pod.key(), node.name());
        let message = format!("Found failed daemon pod {pod} on node {node}, will try to kill it");
        let notice = Notice::warning(&self.world.set, "FailedDaemonPod", message);
        self.changes.told.push(Action::Tell(notice));
    }

    fn tell_succeeded(&mut self, pod: &CachedPod, node: &Cached<Node>) {
        let (pod, node) = (pod.key(), node.name());
        let message = format!("Found succeeded daemon pod {pod} on node {node}, will try to delete it");
        let notice = Notice::normal(&self.world.set, "SucceededDaemonPod", message);
        self.changes.told.push(Action::Tell(notice));
    }

    /// While pods surge a node may have an old pod and a new one: as long as the old one is ready and the new one is not
    /// available yet.
    fn settle_surge(&mut self, running: &[&'w CachedPod]) {
        let (new, old): (Vec<&'w CachedPod>, Vec<&'w CachedPod>) =
            running.iter().copied().partition(|pod| rolling::is_new(pod, self.hash));
        self.changes.delete.extend(new.iter().skip(1));
        self.changes.delete.extend(old.iter().skip(1));
        if let (Some(&new), Some(&old)) = (new.first(), old.first()) {
            let seconds = pods::min_ready_seconds(&self.world.set);
            if !pods::is_ready(old) || pods::is_available(new, seconds, self.now) {
                self.changes.delete.push(old);
            }
        }
    }

    /// Pods that wait for a node that does not exist wait forever, and nobody else deletes them.
    fn abandon_missing_nodes(&mut self) {
        let existing: HashSet<&str> = self.world.nodes.iter().map(|node| node.name()).collect();
        for (_, pods) in self.pods.iter().filter(|(node, _)| !existing.contains(node)) {
            self.changes.delete.extend(pods.iter().filter(|pod| pods::node_name(pod).is_empty()));
        }
    }
}
