//! Back-off of restarts and image pulls: 10 s, doubling to 5 minutes, forgotten after 10 minutes of health.

use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

const INITIAL: SignedDuration = SignedDuration::from_secs(10);
const LONGEST: SignedDuration = SignedDuration::from_secs(300);

/// Delays by key.
#[derive(Debug, Clone, Default)]
pub struct BackOff {
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    delay: SignedDuration,
    updated: Timestamp,
}

impl BackOff {
    /// Notes an attempt: the next one must wait, twice as long as the one before.
    pub fn next(&mut self, key: &str, now: Timestamp) {
        let delay = match self.entries.get(key) {
            Some(entry) if !entry.expired(now) => (entry.delay * 2).min(LONGEST),
            _ => INITIAL,
        };
        self.entries.insert(key.to_owned(), Entry { delay, updated: now });
    }

    /// Until when an attempt must wait after a failure at `since`, and the whole delay; `None` if it need not.
    pub fn wait(&self, key: &str, since: Timestamp, now: Timestamp) -> Option<(Timestamp, SignedDuration)> {
        let entry = self.entries.get(key).filter(|entry| !entry.expired(since))?;
        let until = since + entry.delay;
        (now < until).then_some((until, entry.delay))
    }

    /// The same, counted from the last attempt.
    pub fn wait_since_attempt(&self, key: &str, now: Timestamp) -> Option<(Timestamp, SignedDuration)> {
        self.wait(key, self.entries.get(key)?.updated, now)
    }
}

impl Entry {
    fn expired(&self, at: Timestamp) -> bool {
        at.duration_since(self.updated) > LONGEST * 2
    }
}

/// A duration as Go writes it: `10s`, `1m20s`, `5m0s`.
pub fn go_duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s}s"),
        (h, m, s) => format!("{h}h{m}m{s}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_and_are_forgotten() {
        let mut backoff = BackOff::default();
        let mut now = Timestamp::UNIX_EPOCH;
        assert_eq!(backoff.wait("a", now, now), None, "the first restart is at once");
        let mut seen = Vec::new();
        for _ in 0..7 {
            backoff.next("a", now);
            let (until, delay) = backoff.wait("a", now, now).unwrap();
            seen.push(go_duration(delay));
            now = until;
        }
        assert_eq!(seen.join(" "), "10s 20s 40s 1m20s 2m40s 5m0s 5m0s");
        let later = now + SignedDuration::from_secs(601);
        assert_eq!(backoff.wait("a", later, later), None);
        backoff.next("a", later);
        assert_eq!(backoff.wait("a", later, later).unwrap().1, INITIAL);
    }
}
