//! A Deployment as the stages see it: which ReplicaSet is the new one, which are old, and the bounds of the rollout.

use super::{CachedSet, World, template};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use skiff_apimachinery::int_or_string::{IntOrString, Round};
use skiff_client::Cached;

pub(super) const DESIRED_REPLICAS: &str = "deployment.kubernetes.io/desired-replicas";
pub(super) const MAX_REPLICAS: &str = "deployment.kubernetes.io/max-replicas";

/// A Deployment and its ReplicaSets.
pub(super) struct Rollout<'w> {
    pub(super) deployment: &'w Cached<Deployment>,
    /// The oldest ReplicaSet that has the Deployment's template.
    pub(super) new: Option<&'w CachedSet>,
    /// The others, oldest first.
    pub(super) old: Vec<&'w CachedSet>,
    /// `spec.replicas`.
    pub(super) replicas: i64,
    /// How many pods there may be beyond `replicas`.
    pub(super) max_surge: i64,
    /// How many of `replicas` may be unavailable.
    pub(super) max_unavailable: i64,
    pub(super) paused: bool,
    /// Whether the strategy is Recreate.
    pub(super) recreate: bool,
}

impl<'w> Rollout<'w> {
    pub(super) fn of(world: &'w World) -> Self {
        let deployment = &*world.deployment;
        let mut sets: Vec<&CachedSet> = world.sets.owned.iter().chain(&world.sets.adopt).collect();
        sets.sort_by(|a, b| age(a).cmp(&age(b)));
        let wanted = deployment.at(&["spec", "template"]);
        let is_new = |set: &&CachedSet| template::equal(wanted, set.at(&["spec", "template"]));
        let new = sets.iter().copied().find(is_new);
        sets.retain(|set| new.is_none_or(|new| new.uid() != set.uid()));
        let replicas = deployment.i64_at(&["spec", "replicas"]).unwrap_or(1);
        let recreate = deployment.str_at(&["spec", "strategy", "type"]) == "Recreate";
        let (max_surge, max_unavailable) = if recreate { (0, 0) } else { fence_posts(deployment, replicas) };
        Self {
            deployment,
            new,
            old: sets,
            replicas,
            max_surge,
            max_unavailable,
            paused: deployment.bool_at(&["spec", "paused"]) == Some(true),
            recreate,
        }
    }

    /// All ReplicaSets, old before new.
    pub(super) fn all(&self) -> impl Iterator<Item = &'w CachedSet> {
        self.old.iter().copied().chain(self.new)
    }

    /// Whether the user changed `replicas` since the ReplicaSets were last sized.
    pub(super) fn was_scaled(&self) -> bool {
        let differs = |set: &&CachedSet| number(set, DESIRED_REPLICAS).is_some_and(|n| n != self.replicas);
        self.all().filter(|set| replicas(set) > 0).any(|set| differs(&set))
    }

    /// Pods that the ReplicaSets are to have together.
    pub(super) fn total(&self) -> i64 {
        self.all().map(|set| replicas(set)).sum()
    }

    /// Pods that are available, of all ReplicaSets.
    pub(super) fn available(&self) -> i64 {
        self.all().map(|set| available(set)).sum()
    }
}

/// The bounds in pods. Percentages of surge are rounded up, of unavailability down; were both 0, nothing could move.
fn fence_posts(deployment: &Cached<Deployment>, replicas: i64) -> (i64, i64) {
    let bound = |name: &str, round: Round| {
        let value = deployment.at(&["spec", "strategy", "rollingUpdate", name]);
        let value = value.and_then(IntOrString::from_document);
        let value = value.unwrap_or(IntOrString::String("25%".to_owned()));
        value.scaled(replicas, round).unwrap_or(0).max(0)
    };
    let surge = bound("maxSurge", Round::Up);
    let unavailable = bound("maxUnavailable", Round::Down);
    let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable };
    (surge, unavailable.min(replicas))
}

/// By creation, then by name.
pub(super) fn age(set: &Cached<ReplicaSet>) -> (&str, &str) {
    (set.creation_timestamp(), set.name())
}

/// `spec.replicas` of a ReplicaSet.
pub(super) fn replicas(set: &Cached<ReplicaSet>) -> i64 {
    set.i64_at(&["spec", "replicas"]).unwrap_or(1)
}

/// How many pods of a ReplicaSet are surely available: its status may still count pods that are to go since it was sized.
pub(super) fn available(set: &Cached<ReplicaSet>) -> i64 {
    set.i64_at(&["status", "availableReplicas"]).unwrap_or(0).min(replicas(set))
}

/// An annotation as a number.
pub(super) fn number(set: &Cached<ReplicaSet>, annotation: &str) -> Option<i64> {
    set.annotation(annotation)?.parse().ok()
}
