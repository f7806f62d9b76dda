//! Back-off between deletions of failed pods: a kubelet that refuses a pod refuses the next one too, and controller and
//! kubelet would keep each other busy.

use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::time::Duration;

/// Upstream's back-off: doubled from one second to fifteen minutes, forgotten after twice that.
const FIRST: SignedDuration = SignedDuration::from_secs(1);
const LONGEST: SignedDuration = SignedDuration::from_mins(15);
const MEMORY: SignedDuration = SignedDuration::from_mins(30);

/// When failed pods were last deleted, by DaemonSet and node.
#[derive(Debug, Default)]
pub(super) struct FailedPods(HashMap<String, Last>);

#[derive(Debug)]
struct Last {
    at: Timestamp,
    pause: SignedDuration,
}

/// Whether a failed pod may be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// One may; the next one after this time.
    Now(Duration),
    /// None may before this time is over.
    After(Duration),
}

impl FailedPods {
    /// Asks for an attempt; one that is granted counts as made.
    pub(super) fn attempt(&mut self, key: String, now: Timestamp) -> Attempt {
        self.0.retain(|_, last| now.duration_since(last.at) <= MEMORY);
        let pause = match self.0.get(&key) {
            Some(last) if now.duration_since(last.at) < last.pause => {
                return Attempt::After(last.pause.unsigned_abs());
            }
            Some(last) => (last.pause * 2).min(LONGEST),
            None => FIRST,
        };
        self.0.insert(key, Last { at: now, pause });
        Attempt::Now(pause.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_double_and_are_forgotten() {
        let at = |second: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second);
        let seconds = Duration::from_secs;
        let mut failed = FailedPods::default();
        let mut attempt = |second: i64| failed.attempt("set/1/node".to_owned(), at(second));
        assert_eq!(attempt(0), Attempt::Now(seconds(1)));
        assert_eq!(attempt(0), Attempt::After(seconds(1)));
        assert_eq!(attempt(1), Attempt::Now(seconds(2)));
        assert_eq!(attempt(2), Attempt::After(seconds(2)));
        assert_eq!(attempt(3), Attempt::Now(seconds(4)));
        assert_eq!(attempt(3 + 1801), Attempt::Now(seconds(1)));
        assert_eq!(failed.attempt("set/1/other".to_owned(), at(0)), Attempt::Now(seconds(1)));
    }
}
