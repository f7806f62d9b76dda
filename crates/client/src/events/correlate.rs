//! Which events are written anew, which only count up, and which are dropped: upstream's event correlator.
//!
//! - the same event again counts up the one that was written;
//! - the eleventh event within ten minutes that differs only in its message, and those after it, become one event whose
//!   message starts with `(combined from similar events): `;
//! - each object may tell 25 events at once and one more every five minutes.
//!
//! What is remembered is bounded; the longest unused goes first.

use super::{EventType, NewEvent, ObjectReference};
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

const REMEMBERED: usize = 4096;
const SIMILAR: usize = 10;
const SIMILAR_SECONDS: i64 = 600;
const BURST: f64 = 25.0;
const PER_SECOND: f64 = 1.0 / 300.0;

/// What to do with an event.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// Nothing: the object told too much.
    Drop,
    /// Write it; then tell the correlator its name.
    Create {
        /// What makes repeated events the same.
        key: RepeatKey,
        /// The message, possibly of a combination.
        message: String,
    },
    /// Count up the event with this name.
    Repeat {
        /// What makes repeated events the same.
        key: RepeatKey,
        /// Name of the written event.
        name: String,
        /// The new count.
        count: i64,
        /// The message, possibly of a combination.
        message: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct RepeatKey {
    similar: SimilarKey,
    /// Empty for combined events.
    message: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct SimilarKey {
    about: ObjectReference,
    kind: EventType,
    reason: String,
}

#[derive(Default)]
pub(super) struct Correlator {
    objects: Remembered<ObjectReference, Bucket>,
    similar: Remembered<SimilarKey, Similar>,
    repeats: Remembered<RepeatKey, Written>,
}

struct Bucket {
    tokens: f64,
    at: Timestamp,
}

struct Similar {
    messages: HashSet<String>,
    last: Timestamp,
}

struct Written {
    /// Empty until it is written.
    name: String,
    count: i64,
}

/// A bounded map that drops what was used longest ago.
struct Remembered<K, V> {
    entries: HashMap<K, (V, u64)>,
    tick: u64,
}

impl Correlator {
    pub(super) fn observe(&mut self, event: &NewEvent) -> Outcome {
        let mut about = event.about.clone();
        about.resource_version.clear();
        let similar = SimilarKey { about: about.clone(), kind: event.kind, reason: event.reason.clone() };
        let combined = self.combines(&similar, event);
        let key =
            RepeatKey { similar, message: if combined { String::new() } else { event.message.clone() } };
        about.field_path.clear();
        if !self.allows(about, event.at) {
            return Outcome::Drop;
        }
        let message = if combined {
            format!("(combined from similar events): {}", event.message)
        } else {
            event.message.clone()
        };
        let written = self.repeats.entry(key.clone(), || Written { name: String::new(), count: 0 });
        written.count += 1;
        if written.name.is_empty() {
            return Outcome::Create { key, message };
        }
        Outcome::Repeat { key, name: written.name.clone(), count: written.count, message }
    }

    /// The event was written under this name.
    pub(super) fn written(&mut self, key: RepeatKey, name: String) {
        self.repeats.entry(key, || Written { name: String::new(), count: 1 }).name = name;
    }

    fn combines(&mut self, key: &SimilarKey, event: &NewEvent) -> bool {
        let new = || Similar { messages: HashSet::new(), last: event.at };
        let similar = self.similar.entry(key.clone(), new);
        if event.at.as_second() - similar.last.as_second() > SIMILAR_SECONDS {
            similar.messages.clear();
        }
        similar.last = event.at;
        if similar.messages.len() < SIMILAR {
            similar.messages.insert(event.message.clone());
        }
        similar.messages.len() >= SIMILAR
    }

    fn allows(&mut self, about: ObjectReference, now: Timestamp) -> bool {
        let bucket = self.objects.entry(about, || Bucket { tokens: BURST, at: now });
        let passed = (now.as_second() - bucket.at.as_second()).max(0) as f64;
        bucket.tokens = (bucket.tokens + passed * PER_SECOND).min(BURST);
        bucket.at = now;
        let allowed = bucket.tokens >= 1.0;
        if allowed {
            bucket.tokens -= 1.0;
        }
        allowed
    }
}

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), tick: 0 }
    }
}

impl<K: Hash + Eq, V> Remembered<K, V> {
    fn entry(&mut self, key: K, new: impl FnOnce() -> V) -> &mut V {
        self.tick += 1;
        if self.entries.len() >= REMEMBERED && !self.entries.contains_key(&key) {
            // A quarter goes at a time, so that the search for the oldest is rare.
            let mut ticks: Vec<u64> = self.entries.values().map(|(_, tick)| *tick).collect();
            ticks.sort_unstable();
            let oldest = ticks[REMEMBERED / 4];
            self.entries.retain(|_, (_, tick)| *tick > oldest);
        }
        let slot = self.entries.entry(key).or_insert_with(|| (new(), 0));
        slot.1 = self.tick;
        &mut slot.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(message: &str, second: i64) -> NewEvent {
        NewEvent {
            about: ObjectReference {
                name: "a".into(),
                resource_version: second.to_string(),
                ..Default::default()
            },
            kind: EventType::Normal,
            reason: "Pulled".into(),
            message: message.into(),
            at: Timestamp::from_second(second).unwrap(),
        }
    }

    #[test]
    fn the_same_event_again_counts_up() {
        let mut correlator = Correlator::default();
        let Outcome::Create { key, .. } = correlator.observe(&event("m", 1)) else {
            panic!("first is created")
        };
        correlator.written(key, "a.1".into());
        let Outcome::Repeat { name, count, message, .. } = correlator.observe(&event("m", 2)) else {
            panic!("second repeats")
        };
        assert_eq!((name.as_str(), count, message.as_str()), ("a.1", 2, "m"));
    }

    #[test]
    fn many_similar_events_are_combined() {
        let mut correlator = Correlator::default();
        for i in 1..10 {
            let outcome = correlator.observe(&event(&format!("m{i}"), 1));
            assert!(matches!(&outcome, Outcome::Create { key, .. } if !key.message.is_empty()));
        }
        let Outcome::Create { key, .. } = correlator.observe(&event("m10", 1)) else {
            panic!("the combination is created")
        };
        assert_eq!(key.message, "");
        correlator.written(key, "a.2".into());
        let Outcome::Repeat { message, count, .. } = correlator.observe(&event("m11", 1)) else {
            panic!("then repeats")
        };
        assert_eq!((message.as_str(), count), ("(combined from similar events): m11", 2));
    }

    #[test]
    fn a_noisy_object_is_held_back_and_recovers() {
        let mut correlator = Correlator::default();
        for _ in 0..25 {
            assert_ne!(correlator.observe(&event("m", 1)), Outcome::Drop);
        }
        assert_eq!(correlator.observe(&event("m", 2)), Outcome::Drop);
        assert_ne!(correlator.observe(&event("m", 400)), Outcome::Drop);
    }

    #[test]
    fn memory_is_bounded() {
        let mut remembered = Remembered::default();
        for i in 0..3 * REMEMBERED {
            remembered.entry(i, || ());
        }
        assert!(remembered.entries.len() <= REMEMBERED);
        assert!(remembered.entries.contains_key(&(3 * REMEMBERED - 1)));
    }
}
