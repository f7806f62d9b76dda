//! How the proxy is, as `/healthz` and `/livez` on port 10256 tell it.

use jiff::{SignedDuration, Timestamp};
use std::sync::{Arc, Mutex, PoisonError};

/// Changes may wait this long for the kernel before the proxy counts as unhealthy; upstream's twice its sync period.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

/// The proxy's health. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<State>>);

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// When the kernel last took everything there was.
    updated: Option<Timestamp>,
    /// Since when changes wait.
    waiting: Option<Timestamp>,
}

impl Health {
    /// Changes came.
    pub(crate) fn changes_wait(&self, now: Timestamp) {
        self.lock().waiting.get_or_insert(now);
    }

    /// The kernel has taken everything.
    pub(crate) fn updated(&self, now: Timestamp) {
        *self.lock() = State { updated: Some(now), waiting: None };
    }

    /// Whether the rules are current enough.
    pub fn is_healthy(&self, now: Timestamp) -> bool {
        let state = *self.lock();
        match state.waiting {
            Some(since) => now.duration_since(since) <= TIMEOUT,
            None => state.updated.is_some(),
        }
    }

    /// The body of `/healthz`, in upstream's form.
    pub fn body(&self, now: Timestamp) -> String {
        let state = *self.lock();
        // While healthy, upstream tells the current time: nothing was to be updated since.
        let updated =
            if state.waiting.is_none() && state.updated.is_some() { Some(now) } else { state.updated };
        let updated = updated.unwrap_or(Timestamp::UNIX_EPOCH);
        format!(r#"{{"lastUpdated": "{updated}","currentTime": "{now}", "nodeEligible": true}}"#)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_that_wait_too_long_are_unhealthy() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let health = Health::default();
        assert!(!health.is_healthy(at(0)));
        health.updated(at(1));
        assert!(health.is_healthy(at(1_000)));
        health.changes_wait(at(1_000));
        health.changes_wait(at(1_050));
        assert!(health.is_healthy(at(1_060)));
        assert!(!health.is_healthy(at(1_061)));
        health.updated(at(1_062));
        assert!(health.is_healthy(at(1_063)));
    }
}
