//! The pods of a set by their number: those that it is to have, and those that are too many.

use super::{World, ordinal};
use crate::pods::{self, CachedPod};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::ops::Range;

/// The pods by number.
pub(super) struct Replicas<'w> {
    /// The numbers that the set's pods are to have.
    pub(super) wanted: Range<i64>,
    /// The pods with such a number.
    pub(super) valid: BTreeMap<i64, &'w CachedPod>,
    /// The others.
    pub(super) condemned: BTreeMap<i64, &'w CachedPod>,
    min_ready_seconds: i32,
    now: Timestamp,
}

impl<'w> Replicas<'w> {
    pub(super) fn of(world: &'w World, now: Timestamp) -> Self {
        let wanted = ordinal::wanted(&world.set);
        let numbered = world.pods().filter_map(|pod| Some((ordinal::of(&world.set, pod)?, pod)));
        let (valid, condemned) = numbered.partition(|(ordinal, _)| wanted.contains(ordinal));
        let min_ready_seconds = pods::min_ready_seconds(&world.set);
        Self { wanted, valid, condemned, min_ready_seconds, now }
    }

    /// The numbers that no pod has.
    pub(super) fn missing(&self) -> impl Iterator<Item = i64> {
        self.wanted.clone().filter(move |ordinal| !self.valid.contains_key(ordinal))
    }

    /// How many of the pods that the set is to have are not available, be it that they are not there.
    pub(super) fn unavailable(&self) -> i64 {
        let wanted = self.wanted.end - self.wanted.start;
        let available = self.valid.values().filter(|pod| self.is_in_service(pod)).count();
        wanted - i64::try_from(available).unwrap_or(i64::MAX)
    }

    /// Whether a pod has been ready for long enough.
    pub(super) fn is_available(&self, pod: &CachedPod) -> bool {
        pods::is_available(pod, self.min_ready_seconds, self.now)
    }

    /// Whether a pod is available and stays.
    pub(super) fn is_in_service(&self, pod: &CachedPod) -> bool {
        self.is_available(pod) && pod.deletion_timestamp().is_none()
    }
}
