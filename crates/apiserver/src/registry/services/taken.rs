//! What is taken as far as this process knows, and what a write takes.
//!
//! The store decides who has what; this only keeps the process from asking for what is taken. So a wish is tried in the
//! store whatever stands here, and what other servers gave back is learnt anew when nothing seems to be left.

use skiff_apimachinery::Status;
use skiff_storage::Revision;
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// What can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Thing {
    /// A cluster IP.
    Address(IpAddr),
    /// A node port.
    Port(u16),
}

/// What is taken.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// By what is stored.
    stored: HashSet<Thing>,
    /// By writes under way in this process.
    claimed: HashSet<Thing>,
}

impl Taken {
    pub(super) fn has(&self, thing: Thing) -> bool {
        self.stored.contains(&thing) || self.claimed.contains(&thing)
    }

    pub(super) fn count(&self) -> usize {
        self.stored.len() + self.claimed.len()
    }

    /// Takes for a write under way; false if it is taken already.
    pub(super) fn claim(&mut self, thing: Thing) -> bool {
        !self.stored.contains(&thing) && self.claimed.insert(thing)
    }

    /// Somebody stored what has it.
    pub(super) fn keep(&mut self, thing: Thing) {
        self.claimed.remove(&thing);
        self.stored.insert(thing);
    }

    pub(super) fn release(&mut self, thing: Thing) {
        self.claimed.remove(&thing);
        self.stored.remove(&thing);
    }

    /// Replaces what is known of the store.
    pub(super) fn relearn(&mut self, stored: HashSet<Thing>) {
        self.stored = stored;
    }
}

/// Where the store says who has something: the revision makes sure that nothing else is erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) key: String,
    pub(super) revision: Revision,
}

/// One thing that a write takes.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) thing: Thing,
    /// What the client is told if somebody else has it; none where any other would do.
    pub(super) refusal: Option<Status>,
    /// Whether it seemed to be taken before.
    pub(super) doubtful: bool,
    /// Its record, once there is one.
    pub(super) record: Option<Record>,
}

/// What a write took, given back unless the write is stored.
#[must_use]
#[derive(Debug)]
pub struct Reservation {
    taken: Arc<Mutex<Taken>>,
    pub(super) claims: Vec<Claim>,
}

impl Reservation {
    pub(super) fn new(taken: Arc<Mutex<Taken>>, claims: Vec<Claim>) -> Self {
        Self { taken, claims }
    }

    /// The write is stored: what it took stays taken.
    pub fn keep_unless(mut self, dry_run: bool) {
        if dry_run {
            return;
        }
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        for claim in self.claims.drain(..) {
            taken.keep(claim.thing);
        }
    }

    /// Somebody else was quicker: a claim is given up, and what it was for stays taken.
    pub(super) fn lose(&mut self, at: usize) -> Claim {
        let claim = self.claims.remove(at);
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).keep(claim.thing);
        claim
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        for claim in self.claims.drain(..).filter(|claim| !claim.doubtful) {
            taken.release(claim.thing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(taken: &Arc<Mutex<Taken>>, port: u16) -> Claim {
        let thing = Thing::Port(port);
        let doubtful = !taken.lock().unwrap().claim(thing);
        Claim { thing, refusal: None, doubtful, record: None }
    }

    fn has(taken: &Arc<Mutex<Taken>>, port: u16) -> bool {
        taken.lock().unwrap().has(Thing::Port(port))
    }

    #[test]
    fn what_is_not_stored_is_given_back() {
        let taken = Arc::new(Mutex::new(Taken::default()));
        let first = Reservation::new(taken.clone(), vec![claim(&taken, 1)]);
        let second = Reservation::new(taken.clone(), vec![claim(&taken, 1), claim(&taken, 2)]);
        drop(second);
        assert!(has(&taken, 1) && !has(&taken, 2), "what another write claimed stays its own");
        first.keep_unless(false);
        assert!(has(&taken, 1));
        let third = Reservation::new(taken.clone(), vec![claim(&taken, 3)]);
        third.keep_unless(true);
        assert!(!has(&taken, 3));
    }

    #[test]
    fn what_is_lost_stays_taken() {
        let taken = Arc::new(Mutex::new(Taken::default()));
        let mut reservation = Reservation::new(taken.clone(), vec![claim(&taken, 1), claim(&taken, 2)]);
        assert_eq!(reservation.lose(0).thing, Thing::Port(1));
        drop(reservation);
        assert!(has(&taken, 1) && !has(&taken, 2));
    }

    #[test]
    fn what_is_claimed_survives_learning_anew() {
        let taken = Arc::new(Mutex::new(Taken::default()));
        let reservation = Reservation::new(taken.clone(), vec![claim(&taken, 1)]);
        taken.lock().unwrap().keep(Thing::Port(2));
        taken.lock().unwrap().relearn(HashSet::from([Thing::Port(3)]));
        assert!(has(&taken, 1) && !has(&taken, 2) && has(&taken, 3));
        assert_eq!(taken.lock().unwrap().count(), 2);
        drop(reservation);
    }
}
