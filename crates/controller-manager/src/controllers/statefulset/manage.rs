//! The pods of a set, brought to the numbers, revisions and claims that they are to have.
//!
//! OrderedReady goes from the lowest number up and stops at the first pod that is not available, then removes pods that
//! are too many from the highest number down, one at a time. Parallel does all of that at once. Pods are only replaced by
//! newer ones ([`rolling`]) when nothing else is left to do.

use super::World;
use super::claims::{self, OfPod};
use super::history::History;
use super::identity;
use super::notice::{self, Deed};
use super::ordinal;
use super::replicas::Replicas;
use super::retention::{self, Owners};
use super::rolling;
use crate::plan::{Action, Plan, Write};
use crate::pods::{self, CachedPod};
use jiff::Timestamp;
use skiff_client::resources::PODS;
use std::ops::ControlFlow::{self, Break, Continue};

/// Most pods created in one sync, and most in one batch.
pub(super) const BURST: usize = 500;

/// What is to be done about pods.
pub(super) struct Changes<'w> {
    /// The steps.
    pub(super) plan: Plan,
    /// The pods that are deleted because they are of an old revision.
    pub(super) outdated: Vec<&'w CachedPod>,
}

struct Manager<'w, 'h> {
    world: &'w World,
    history: &'h History<'w>,
    replicas: Replicas<'w>,
    changes: Changes<'w>,
}

/// What the pods lack.
pub(super) fn changes<'w>(world: &'w World, history: &History<'w>, now: Timestamp) -> Changes<'w> {
    let changes = Changes { plan: Plan::default(), outdated: Vec::new() };
    let replicas = Replicas::of(world, now);
    let mut manager = Manager { world, history, replicas, changes };
    // Where it stopped does not matter: another sync goes on when what it waits for has changed.
    let _ = manager.settle();
    manager.changes
}

impl<'w> Manager<'w, '_> {
    fn settle(&mut self) -> ControlFlow<()> {
        if self.world.is_ordered() {
            self.settle_in_order()?;
        } else {
            self.settle_at_once();
        }
        self.hand_over_claims();
        if self.world.is_ordered() {
            self.remove_highest()?;
        } else {
            self.remove_all();
        }
        self.replace_outdated();
        Continue(())
    }

    fn settle_in_order(&mut self) -> ControlFlow<()> {
        for ordinal in self.replicas.wanted.clone() {
            let Some(&pod) = self.replicas.valid.get(&ordinal) else {
                self.create(&[ordinal]);
                return Break(());
            };
            self.settle_one(ordinal, pod)?;
            let running = pods::phase(pod) == "Running";
            if !running || !self.replicas.is_in_service(pod) {
                return Break(());
            }
            self.conform(ordinal, pod);
        }
        Continue(())
    }

    fn settle_at_once(&mut self) {
        let valid = self.replicas.valid.iter().map(|(ordinal, pod)| (*ordinal, *pod));
        let (ended, alive): (Vec<_>, Vec<_>) = valid.partition(|(_, pod)| pods::is_terminal(pod));
        let missing: Vec<i64> = self.replicas.missing().take(BURST).collect();
        // Deletions come first: a creation that is refused must not keep pods that ended in place.
        for (ordinal, pod) in ended {
            let _ = self.settle_one(ordinal, pod);
        }
        self.create(&missing);
        for (ordinal, pod) in alive {
            if self.settle_one(ordinal, pod).is_continue() {
                self.conform(ordinal, pod);
            }
        }
    }

    /// Deletes a pod that ended, whatever its containers returned, and sees that one that waits has its claims.
    fn settle_one(&mut self, ordinal: i64, pod: &'w CachedPod) -> ControlFlow<()> {
        if pods::is_terminal(pod) {
            if pod.deletion_timestamp().is_none() {
                self.changes.plan.write(deletion(self.world, pod));
            }
            return Break(());
        }
        if pods::phase(pod) != "Pending" {
            return Continue(());
        }
        let claims = self.world.claims.of_pod(&self.world.set, ordinal);
        self.changes.plan.all(claims.creations(&self.world.set, pod.name()));
        if !claims.obstacles().is_empty() {
            return Break(());
        }
        self.tell_conflicts(ordinal, pod, &claims);
        self.changes.plan.all(self.owners(ordinal, pod).corrections(&claims.present));
        Continue(())
    }

    /// Puts right what can be changed of a pod and its claims. Those of a pod that waits were seen to already.
    fn conform(&mut self, ordinal: i64, pod: &'w CachedPod) {
        let set = &self.world.set;
        let mut claims = OfPod::default();
        if pods::phase(pod) != "Pending" {
            claims = self.world.claims.of_pod(set, ordinal);
        }
        let mut corrections = self.owners(ordinal, pod).corrections(&claims.present).into_iter();
        let first = corrections.next();
        let corrected = identity::corrected(set, ordinal, pod);
        if corrected.is_none() && first.is_none() {
            return;
        }
        self.tell_conflicts(ordinal, pod, &claims);
        // One write tells that the pod was put right.
        let told = |write| notice::told(write, set, Deed::Update, pod.name());
        match corrected {
            Some(changed) => {
                if !claims::are_mounted(set, ordinal, pod) {
                    self.changes.plan.all(claims.creations(set, pod.name()));
                }
                self.changes.plan.all(first.into_iter().chain(corrections).collect());
                self.changes.plan.write(told(Write::update(&PODS, changed)));
            }
            None => self.changes.plan.all(first.map(told).into_iter().chain(corrections).collect()),
        }
    }

    /// Creates pods in growing batches, each after its claims: what is refused to the first is refused to all.
    fn create(&mut self, ordinals: &[i64]) {
        let ready: Vec<i64> = ordinals.iter().copied().filter(|ordinal| self.may_create(*ordinal)).collect();
        let set = &self.world.set;
        let (mut rest, mut batch) = (ready.as_slice(), 1);
        while !rest.is_empty() {
            let (now, later) = rest.split_at(batch.min(rest.len()));
            let claims = now.iter().flat_map(|&ordinal| {
                self.world.claims.of_pod(set, ordinal).creations(set, &ordinal::pod_name(set, ordinal))
            });
            let claims = claims.collect();
            let pods = now.iter().map(|&ordinal| creation(self.world, self.history, ordinal)).collect();
            self.changes.plan.all(claims);
            self.changes.plan.all(pods);
            (rest, batch) = (later, (batch * 2).min(BURST));
        }
    }

    /// Whether a pod can be created now: its claims must not be about to go.
    fn may_create(&mut self, ordinal: i64) -> bool {
        let set = &self.world.set;
        let claims = self.world.claims.of_pod(set, ordinal);
        let name = ordinal::pod_name(set, ordinal);
        if claims.present.iter().any(|claim| retention::is_stale(set, &name, claim)) {
            return false;
        }
        let obstacles = claims.obstacles();
        if obstacles.is_empty() {
            return true;
        }
        self.changes.plan.all(claims.creations(set, &name));
        let failure = notice::failed(set, Deed::Create, &name, &notice::joined(&obstacles));
        self.changes.plan.actions.push(Action::Tell(failure));
        false
    }

    /// Lets the claims of pods that are too many go with these, if the policy says so.
    fn hand_over_claims(&mut self) {
        for (&ordinal, &pod) in &self.replicas.condemned {
            let claims = self.world.claims.of_pod(&self.world.set, ordinal);
            let owners = self.owners(ordinal, pod);
            let corrections = owners.corrections(&claims.present);
            if !corrections.is_empty() {
                let conflicts = owners.conflicts(&claims.present);
                self.changes.plan.actions.extend(conflicts.into_iter().map(Action::Tell));
                self.changes.plan.all(corrections);
            }
        }
    }

    /// Removes the pod with the highest number of those that are too many; one that is unhealthy only if no pod with a
    /// lower number is.
    fn remove_highest(&mut self) -> ControlFlow<()> {
        let condemned = &self.replicas.condemned;
        let Some((_, &pod)) = condemned.last_key_value() else { return Continue(()) };
        if pod.deletion_timestamp().is_some() {
            return Break(());
        }
        let first_broken = condemned.values().find(|pod| !self.replicas.is_in_service(pod));
        let is_first = first_broken.is_some_and(|first| first.uid() == pod.uid());
        let healthy = pods::phase(pod) == "Running" && self.replicas.is_available(pod);
        if healthy || is_first {
            self.changes.plan.write(deletion(self.world, pod));
        }
        Break(())
    }

    fn remove_all(&mut self) {
        let condemned = self.replicas.condemned.values().rev();
        let staying = condemned.filter(|pod| pod.deletion_timestamp().is_none());
        self.changes.plan.all(staying.map(|pod| deletion(self.world, pod)).collect());
    }

    fn replace_outdated(&mut self) {
        let outdated = rolling::outdated(self.world, &self.replicas, self.history.update());
        self.changes.plan.all(outdated.iter().map(|pod| deletion(self.world, pod)).collect());
        self.changes.outdated = outdated;
    }

    fn owners(&self, ordinal: i64, pod: &'w CachedPod) -> Owners<'w> {
        Owners::new(&self.world.set, pod, ordinal)
    }

    fn tell_conflicts(&mut self, ordinal: i64, pod: &'w CachedPod, claims: &OfPod<'_>) {
        let conflicts = self.owners(ordinal, pod).conflicts(&claims.present);
        self.changes.plan.actions.extend(conflicts.into_iter().map(Action::Tell));
    }
}

fn creation(world: &World, history: &History<'_>, ordinal: i64) -> Write {
    let pod = history.pod(ordinal);
    let name = pod.name().to_owned();
    notice::told(Write::create(&PODS, world.set.namespace(), pod), &world.set, Deed::Create, &name)
}

fn deletion(world: &World, pod: &CachedPod) -> Write {
    notice::told(Write::delete(&PODS, pod), &world.set, Deed::Delete, pod.name())
}
