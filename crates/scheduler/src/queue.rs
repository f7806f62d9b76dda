//! Pods that wait for a node: ready to be tried, backing off, or waiting for something that could help them.
//!
//! Pure: takes the time as a parameter and says when it wants to be asked again.

use crate::pod::Pod;
use jiff::{SignedDuration, Timestamp};
use skiff_apimachinery::meta::ObjectKey;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// First pause after a failed attempt.
const INITIAL_BACKOFF: SignedDuration = SignedDuration::from_secs(1);
/// Longest pause.
const MAX_BACKOFF: SignedDuration = SignedDuration::from_secs(10);
/// A pod that nothing has helped for this long is tried anyway, as upstream does.
const MAX_WAIT: SignedDuration = SignedDuration::from_mins(5);

/// Which plugins refused a pod, as bits in the order of the plugin list.
pub type PluginSet = u32;

/// The pods that wait. Order: priority, then who came first.
#[derive(Debug, Default)]
pub struct Queue {
    pods: HashMap<ObjectKey, Entry>,
    active: BTreeSet<(Reverse<i64>, u64, ObjectKey)>,
    timers: BTreeMap<(Timestamp, u64), ObjectKey>,
    next_ticket: u64,
}

#[derive(Debug)]
struct Entry {
    pod: Arc<Pod>,
    ticket: u64,
    attempts: u32,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Active,
    /// Taken out to be tried.
    InFlight {
        /// Something happened meanwhile that may help.
        helped: bool,
    },
    /// Goes to active at this time.
    Backoff(Timestamp),
    /// Goes to back-off when one of these plugins is helped, or at the latest at `until`.
    Waiting {
        refused_by: PluginSet,
        failed_at: Timestamp,
        until: Timestamp,
    },
    /// Has scheduling gates.
    Gated,
}

impl Queue {
    /// How many pods are ready to be tried, back off, wait, and are gated.
    pub fn lengths(&self) -> [usize; 4] {
        let mut out = [0; 4];
        for entry in self.pods.values() {
            match entry.place {
                Place::Active => out[0] += 1,
                Place::Backoff(_) => out[1] += 1,
                Place::Waiting { .. } => out[2] += 1,
                Place::Gated => out[3] += 1,
                Place::InFlight { .. } => {}
            }
        }
        out
    }

    /// Hears of an unscheduled pod, new or changed. A change of the pod itself makes it worth another try.
    pub fn set(&mut self, pod: Arc<Pod>) {
        let key = pod.key.clone();
        match self.pods.get_mut(&key) {
            Some(entry) if entry.pod.uid == pod.uid => {
                let schedulable_change = differs(&entry.pod, &pod);
                let ungated = pod.gates.is_empty();
                entry.pod = pod;
                match entry.place {
                    Place::InFlight { .. } if schedulable_change => {
                        entry.place = Place::InFlight { helped: true }
                    }
                    Place::Waiting { .. } if schedulable_change => self.activate(&key),
                    Place::Gated if ungated => self.activate(&key),
                    _ => {}
                }
            }
            _ => {
                self.remove(&key);
                self.next_ticket += 1;
                let entry = Entry { pod, ticket: self.next_ticket, attempts: 0, place: Place::Gated };
                let gated = !entry.pod.gates.is_empty();
                self.pods.insert(key.clone(), entry);
                if !gated {
                    self.activate(&key);
                }
            }
        }
    }

    /// Forgets a pod: bound or gone.
    pub fn remove(&mut self, key: &ObjectKey) {
        if let Some(entry) = self.pods.remove(key) {
            self.unlink(key, &entry);
        }
    }

    fn unlink(&mut self, key: &ObjectKey, entry: &Entry) {
        match entry.place {
            Place::Active => {
                self.active.remove(&(Reverse(entry.pod.priority), entry.ticket, key.clone()));
            }
            Place::Backoff(at) | Place::Waiting { until: at, .. } => {
                self.timers.remove(&(at, entry.ticket));
            }
            Place::InFlight { .. } | Place::Gated => {}
        }
    }

    fn activate(&mut self, key: &ObjectKey) {
        self.shift(key, Place::Active);
    }

    fn shift(&mut self, key: &ObjectKey, place: Place) {
        let Some(mut entry) = self.pods.remove(key) else { return };
        self.unlink(key, &entry);
        entry.place = place;
        match place {
            Place::Active => {
                self.active.insert((Reverse(entry.pod.priority), entry.ticket, key.clone()));
            }
            Place::Backoff(at) | Place::Waiting { until: at, .. } => {
                self.timers.insert((at, entry.ticket), key.clone());
            }
            Place::InFlight { .. } | Place::Gated => {}
        }
        self.pods.insert(key.clone(), entry);
    }

    /// The next pod to try. It must be given back by [`Queue::failed`] or removed.
    pub fn pop(&mut self, now: Timestamp) -> Option<Arc<Pod>> {
        while let Some(timer) = self.timers.first_entry().filter(|timer| timer.key().0 <= now) {
            let key = timer.get().clone();
            self.activate(&key);
        }
        let (_, _, key) = self.active.first().cloned()?;
        self.shift(&key, Place::InFlight { helped: false });
        let entry = self.pods.get_mut(&key)?;
        entry.attempts += 1;
        Some(Arc::clone(&entry.pod))
    }

    /// A try failed: refused by these plugins, or (empty set) by an error that another try may not meet.
    pub fn failed(&mut self, key: &ObjectKey, refused_by: PluginSet, now: Timestamp) {
        let Some(entry) = self.pods.get(key) else { return };
        let helped = matches!(entry.place, Place::InFlight { helped: true });
        let place = if helped || refused_by == 0 {
            Place::Backoff(now + backoff(entry.attempts))
        } else {
            Place::Waiting { refused_by, failed_at: now, until: now + MAX_WAIT }
        };
        self.shift(key, place);
    }

    /// Something happened that may help pods that one of these plugins refused.
    pub fn help(&mut self, plugins: PluginSet, now: Timestamp) {
        let mut moved = Vec::new();
        for (key, entry) in &mut self.pods {
            match entry.place {
                Place::InFlight { .. } => entry.place = Place::InFlight { helped: true },
                Place::Waiting { refused_by, failed_at, .. } if refused_by & plugins != 0 => {
                    moved.push((key.clone(), failed_at + backoff(entry.attempts)));
                }
                _ => {}
            }
        }
        for (key, at) in moved {
            self.shift(&key, if at <= now { Place::Active } else { Place::Backoff(at) });
        }
    }

    /// When [`Queue::pop`] may have something without anything else happening; `None` for never.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.timers.first_key_value().map(|((at, _), _)| *at)
    }
}

/// The pause after so many attempts: 1 s, 2 s, 4 s, 8 s, 10 s.
fn backoff(attempts: u32) -> SignedDuration {
    let doubled = INITIAL_BACKOFF.checked_mul(1 << attempts.saturating_sub(1).min(10)).unwrap_or(MAX_BACKOFF);
    doubled.min(MAX_BACKOFF)
}

/// Whether a pod changed in a way that matters for where it can go.
fn differs(old: &Pod, new: &Pod) -> bool {
    let strip = |pod: &Pod| Pod {
        resource_version: "".into(),
        condition_message: "".into(),
        unscheduled_since: "".into(),
        ..pod.clone()
    };
    strip(old) != strip(new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn pod(name: &str, priority: i64) -> Arc<Pod> {
        Arc::new(Pod::read(&doc!({
            "metadata": {"name": name, "namespace": "d", "uid": name}, "spec": {"priority": priority, "containers": []}
        })))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    fn popped(queue: &mut Queue, now: i64) -> Option<String> {
        queue.pop(at(now)).map(|pod| pod.key.name.clone())
    }

    #[test]
    fn higher_priority_goes_first_then_who_came_first() {
        let mut queue = Queue::default();
        for (name, priority) in [("a", 0), ("b", 10), ("c", 10)] {
            queue.set(pod(name, priority));
        }
        assert_eq!(
            [popped(&mut queue, 0), popped(&mut queue, 0), popped(&mut queue, 0)].map(Option::unwrap),
            ["b", "c", "a"]
        );
        assert_eq!(popped(&mut queue, 0), None);
    }

    #[test]
    fn a_refused_pod_waits_until_it_is_helped_and_its_pause_is_over() {
        let mut queue = Queue::default();
        queue.set(pod("a", 0));
        popped(&mut queue, 0).unwrap();
        queue.failed(&ObjectKey::new("d", "a"), 0b10, at(0));
        queue.help(0b01, at(0));
        assert_eq!(popped(&mut queue, 100), None, "another plugin's help does not matter");
        queue.failed(&ObjectKey::new("d", "a"), 0b10, at(100));
        queue.help(0b10, at(100));
        assert_eq!(queue.next_deadline(), Some(at(101)));
        assert_eq!(popped(&mut queue, 100), None);
        assert_eq!(popped(&mut queue, 101).as_deref(), Some("a"));
    }

    #[test]
    fn help_that_comes_while_a_pod_is_tried_is_not_lost() {
        let mut queue = Queue::default();
        queue.set(pod("a", 0));
        popped(&mut queue, 0).unwrap();
        queue.help(0b10, at(0));
        queue.failed(&ObjectKey::new("d", "a"), 0b10, at(0));
        assert_eq!(popped(&mut queue, 1).as_deref(), Some("a"));
    }

    #[test]
    fn a_pod_that_nothing_helps_is_tried_again_after_five_minutes() {
        let mut queue = Queue::default();
        queue.set(pod("a", 0));
        popped(&mut queue, 0).unwrap();
        queue.failed(&ObjectKey::new("d", "a"), 1, at(0));
        assert_eq!(popped(&mut queue, 299), None);
        assert_eq!(popped(&mut queue, 300).as_deref(), Some("a"));
    }

    #[test]
    fn a_gated_pod_waits_for_its_gates() {
        let mut queue = Queue::default();
        let mut gated = Pod::clone(&pod("a", 0));
        gated.gates = vec!["x".into()];
        queue.set(Arc::new(gated));
        assert_eq!(popped(&mut queue, 0), None);
        queue.set(pod("a", 0));
        assert_eq!(popped(&mut queue, 0).as_deref(), Some("a"));
    }

    #[test]
    fn pauses_double_up_to_ten_seconds() {
        assert_eq!([1, 2, 3, 4, 5, 60].map(|n| backoff(n).as_secs()), [1, 2, 4, 8, 10, 10]);
    }
}
