//! RollingUpdate: replaces old pods by new ones, without leaving more nodes than `maxUnavailable` without an available
//! pod, or with up to `maxSurge` nodes that run a new pod beside the old one.

use super::World;
use super::by_node::ByNode;
use super::manage::Changes;
use super::placement::Placement;
use super::revision::HASH;
use crate::pods::{self, CachedPod};
use jiff::Timestamp;
use skiff_apimachinery::Document;
use skiff_apimachinery::int_or_string::{IntOrString, Round};
use std::collections::HashMap;

/// `spec.updateStrategy`.
pub(super) struct Strategy<'w> {
    set: &'w Document,
}

/// How many nodes may differ from having one available pod.
struct Limits {
    surge: usize,
    unavailable: usize,
    /// How many nodes are to have a pod.
    desired: usize,
}

/// The pods of a node that are not being deleted.
struct OnNode<'w> {
    new: Option<&'w CachedPod>,
    old: Option<&'w CachedPod>,
}

impl<'w> Strategy<'w> {
    pub(super) fn of(set: &'w Document) -> Self {
        Self { set }
    }

    pub(super) fn is_rolling(&self) -> bool {
        self.set.str_at(&["spec", "updateStrategy", "type"]) == "RollingUpdate"
    }

    /// Whether a node may have more than one pod.
    pub(super) fn allows_surge(&self) -> bool {
        self.count("maxSurge", 1) > 0
    }

    fn count(&self, field: &str, nodes: usize) -> usize {
        if !self.is_rolling() {
            return 0;
        }
        let value = self.set.at(&["spec", "updateStrategy", "rollingUpdate", field]);
        let value = value.and_then(IntOrString::from_document);
        let nodes = i64::try_from(nodes).unwrap_or(i64::MAX);
        let count = value.and_then(|value| value.scaled(nodes, Round::Up).ok()).unwrap_or(0);
        usize::try_from(count).unwrap_or(0)
    }

    fn limits(&self, desired: usize) -> Limits {
        let surge = self.count("maxSurge", desired);
        let unavailable = self.count("maxUnavailable", desired);
        // Were both 0, nothing could move.
        let stuck = desired > 0 && surge == 0 && unavailable == 0;
        Limits { surge, unavailable: if stuck { 1 } else { unavailable }, desired }
    }
}

/// What to do about old pods, when every node that is to have a pod has one.
pub(super) fn changes<'w>(
    world: &'w World,
    pods: &mut ByNode<'w>,
    placement: &Placement,
    hash: &str,
    now: Timestamp,
) -> Changes<'w> {
    let wanted: HashMap<&str, bool> =
        world.nodes.iter().map(|node| (node.name(), placement.fit(node).should_run())).collect();
    let desired = world.nodes.iter().map(|node| node.name()).filter(|name| wanted.get(name) == Some(&true));
    let mut count = 0;
    for node in desired {
        pods.add(node);
        count += 1;
    }
    let limits = Strategy::of(&world.set).limits(count);
    let seconds = pods::min_ready_seconds(&world.set);
    let available = |pod: &CachedPod| pods::is_available(pod, seconds, now);
    if limits.surge == 0 {
        replace(pods, hash, &limits, available)
    } else {
        surge(pods, &wanted, hash, &limits, available)
    }
}

/// Deletes old pods; that new ones come instead is seen to elsewhere.
fn replace<'w>(
    pods: &ByNode<'w>,
    hash: &str,
    limits: &Limits,
    available: impl Fn(&CachedPod) -> bool,
) -> Changes<'w> {
    let mut unavailable = 0_usize;
    let (mut broken, mut candidates) = (Vec::new(), Vec::new());
    for (_, pods) in pods.iter() {
        match OnNode::of(pods, hash) {
            Some(OnNode { new: Some(new), old: None }) => unavailable += usize::from(!available(new)),
            // An old pod that serves nobody is no loss.
            Some(OnNode { new: None, old: Some(old) }) if !available(old) => {
                broken.push(old);
                unavailable += 1;
            }
            Some(OnNode { new: None, old: Some(old) }) => candidates.push(old),
            // Too many pods or none: the nodes are put right first.
            _ => unavailable += 1,
        }
    }
    candidates.truncate(limits.unavailable.saturating_sub(unavailable));
    broken.append(&mut candidates);
    Changes { delete: broken, ..Changes::default() }
}

/// Makes new pods beside old ones, and deletes old ones whose successor is available.
fn surge<'w>(
    pods: &ByNode<'w>,
    wanted: &HashMap<&str, bool>,
    hash: &str,
    limits: &Limits,
    available: impl Fn(&CachedPod) -> bool,
) -> Changes<'w> {
    let mut changes = Changes::default();
    let (mut surging, mut serving) = (0_usize, 0_usize);
    let (mut candidates, mut misplaced) = (Vec::new(), Vec::new());
    for (node, pods) in pods.iter() {
        let Some(OnNode { new, old }) = OnNode::of(pods, hash) else {
            surging += 1;
            continue;
        };
        serving += usize::from(old.or(new).is_some_and(&available));
        let Some(old) = old else { continue };
        match (new, wanted.get(node).copied()) {
            (Some(new), _) if available(new) => changes.delete.push(old),
            (Some(_), _) => surging += 1,
            // The pods of a node that is gone are the pod garbage collector's.
            (None, None) => {}
            (None, Some(true)) if available(old) => candidates.push(node),
            (None, Some(true)) => changes.create.push(node),
            (None, Some(false)) if available(old) => misplaced.push(old),
            (None, Some(false)) => changes.delete.push(old),
        }
    }
    // A set that surges is to be as available as ever: a pod that must leave its node stays until another serves.
    misplaced.truncate(serving.saturating_sub(limits.desired));
    changes.delete.append(&mut misplaced);
    candidates.truncate(limits.surge.saturating_sub(surging));
    changes.create.append(&mut candidates);
    changes
}

impl<'w> OnNode<'w> {
    /// `None` if there is more than one pod of a kind.
    fn of(pods: &[&'w CachedPod], hash: &str) -> Option<Self> {
        let mut found = Self { new: None, old: None };
        for &pod in pods.iter().filter(|pod| pod.deletion_timestamp().is_none()) {
            let place = if is_new(pod, hash) { &mut found.new } else { &mut found.old };
            if place.replace(pod).is_some() {
                return None;
            }
        }
        Some(found)
    }
}

/// Whether a pod is of the current template.
pub(super) fn is_new(pod: &CachedPod, hash: &str) -> bool {
    !hash.is_empty() && pod.label(HASH) == Some(hash)
}
