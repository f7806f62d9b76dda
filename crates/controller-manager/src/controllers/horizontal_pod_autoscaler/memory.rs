//! What the controller remembers of an autoscaler between syncs: what it recommended and when the target was scaled, for
//! windows and policies that look back; whose pods its target has; and when it looked last.
//!
//! All of it may be lost: a controller that starts anew recommends from the target's size on.

use jiff::{SignedDuration, Timestamp};
use skiff_apimachinery::meta::ObjectKey;
use skiff_apimachinery::selector::LabelSelector;
use std::collections::HashMap;
use std::time::Duration;

/// A number of replicas that was recommended before it was stabilized and limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Recommendation {
    pub(super) replicas: i64,
    pub(super) at: Timestamp,
}

/// A change of the target's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rescale {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) at: Timestamp,
}

/// What is remembered of one autoscaler.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    /// What was recommended.
    pub(super) recommendations: Vec<Recommendation>,
    /// When the target was scaled.
    pub(super) rescales: Vec<Rescale>,
    /// A change that was asked for; whether it was made the target's size tells.
    pending: Option<Rescale>,
    /// Which pods the target has.
    selector: Option<LabelSelector>,
    looked: Option<Timestamp>,
}

/// What is remembered of all autoscalers.
#[derive(Debug, Default)]
pub(super) struct Memories(HashMap<ObjectKey, Memory>);

impl Memories {
    pub(super) fn of(&mut self, key: &ObjectKey) -> &mut Memory {
        self.0.entry(key.clone()).or_default()
    }

    pub(super) fn forget(&mut self, key: &ObjectKey) {
        self.0.remove(key);
    }

    /// The autoscalers of a namespace whose targets have any of the pods that a function tells of, by name.
    pub(super) fn selecting(&self, namespace: &str, any: impl Fn(&LabelSelector) -> bool) -> Vec<ObjectKey> {
        let of_namespace = self.0.iter().filter(|(key, _)| key.namespace == namespace);
        let selecting = of_namespace.filter(|(_, memory)| memory.selector.as_ref().is_some_and(&any));
        let mut keys: Vec<ObjectKey> = selecting.map(|(key, _)| key.clone()).collect();
        keys.sort();
        keys
    }
}

impl Memory {
    /// How long it is until an autoscaler may be looked at again; one that may be counts as looked at. Whatever wakes the
    /// controller earlier, such as a write that failed, must not make it scale faster.
    pub(super) fn look(&mut self, period: Duration, now: Timestamp) -> Option<Duration> {
        let next = self.looked.and_then(|last| last.checked_add(period).ok());
        match next.and_then(|next| Duration::try_from(next.duration_since(now)).ok()) {
            // A clock that was set back must not stop it.
            Some(rest) if !rest.is_zero() && rest <= period => Some(rest),
            _ => {
                self.looked = Some(now);
                None
            }
        }
    }

    /// Notes the size that the target has.
    pub(super) fn see(&mut self, replicas: i64, now: Timestamp) {
        if let Some(rescale) = self.pending.take().filter(|rescale| rescale.to == replicas) {
            self.rescales.push(rescale);
        }
        if self.recommendations.is_empty() {
            self.recommendations.push(Recommendation { replicas, at: now });
        }
    }

    pub(super) fn select(&mut self, selector: &LabelSelector) {
        self.selector = Some(selector.clone());
    }

    /// Notes a recommendation, and forgets those that no window reaches any more.
    pub(super) fn recommend(&mut self, replicas: i64, longest_window: SignedDuration, now: Timestamp) {
        self.recommendations.retain(|past| now.duration_since(past.at) <= longest_window);
        self.recommendations.push(Recommendation { replicas, at: now });
    }

    /// Notes a change that is asked for, and forgets those that no policy reaches any more.
    pub(super) fn rescale(&mut self, rescale: Rescale, longest_period: SignedDuration) {
        self.rescales.retain(|past| rescale.at.duration_since(past.at) <= longest_period);
        self.pending = Some(rescale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(15);

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
    }

    #[test]
    fn an_autoscaler_is_looked_at_once_in_a_period() {
        let mut memory = Memory::default();
        assert_eq!(memory.look(PERIOD, at(100)), None);
        assert_eq!(memory.look(PERIOD, at(100)), Some(PERIOD));
        assert_eq!(memory.look(PERIOD, at(110)), Some(Duration::from_secs(5)));
        assert_eq!(memory.look(PERIOD, at(115)), None);
        assert_eq!(memory.look(PERIOD, at(20)), None);
    }

    #[test]
    fn only_a_change_that_was_made_is_remembered() {
        let mut memory = Memory::default();
        memory.see(2, at(0));
        let rescale = Rescale { from: 2, to: 4, at: at(0) };
        memory.rescale(rescale, SignedDuration::from_secs(60));
        memory.see(4, at(15));
        assert_eq!(memory.rescales, [rescale]);
        memory.rescale(Rescale { from: 4, to: 8, at: at(15) }, SignedDuration::from_secs(60));
        memory.see(4, at(30));
        assert_eq!(memory.rescales, [rescale]);
        memory.rescale(Rescale { from: 4, to: 8, at: at(90) }, SignedDuration::from_secs(60));
        assert!(memory.rescales.is_empty());
    }

    #[test]
    fn recommendations_begin_with_the_size_and_end_with_the_window() {
        let mut memory = Memory::default();
        memory.see(3, at(0));
        memory.see(5, at(15));
        memory.recommend(7, SignedDuration::from_secs(30), at(15));
        memory.recommend(8, SignedDuration::from_secs(30), at(40));
        let replicas: Vec<i64> = memory.recommendations.iter().map(|past| past.replicas).collect();
        assert_eq!(replicas, [7, 8]);
    }

    #[test]
    fn rivals_are_found_by_their_selectors() {
        let mut memories = Memories::default();
        for (namespace, name, selector) in [("n", "b", "app=web"), ("n", "a", "app"), ("m", "c", "app=web")] {
            memories.of(&ObjectKey::new(namespace, name)).select(&LabelSelector::parse(selector).unwrap());
        }
        memories.of(&ObjectKey::new("n", "new"));
        let web = |selector: &LabelSelector| selector.matches_by(|key| (key == "app").then_some("web"));
        assert_eq!(memories.selecting("n", web), [ObjectKey::new("n", "a"), ObjectKey::new("n", "b")]);
    }
}
