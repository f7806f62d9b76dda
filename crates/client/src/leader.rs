//! Leader election by Lease: of several processes one acts, the others wait.
//!
//! Upstream's protocol and timings: the leader renews every 2 s; who sees no renewal for the lease's 15 s takes over; a
//! leader that cannot renew for 10 s stops, before anyone else may begin. How long no renewal was seen is measured by
//! the local clock, so that the clocks of the machines need not agree.

use crate::events::{EventRecorder, EventType, ObjectReference};
use crate::resources::LEASES;
use crate::{Client, Object};
use skiff_apimachinery::time::{Clock, format_micro_time};
use skiff_apimachinery::{Document, Status, doc};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tracing::{debug, info};

/// How often and how long.
#[derive(Debug, Clone, Copy)]
pub struct Timings {
    /// How long others wait without a renewal before they take over.
    pub lease_duration: Duration,
    /// How long the leader goes on without being able to renew.
    pub renew_deadline: Duration,
    /// How long between attempts.
    pub retry_period: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            lease_duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
        }
    }
}

/// A candidate for one lease.
pub struct LeaderElection {
    client: Client,
    clock: Arc<dyn Clock>,
    events: EventRecorder,
    namespace: String,
    name: String,
    identity: String,
    timings: Timings,
    observed: Option<Observed>,
}

/// The lease as last seen to change.
struct Observed {
    lease: Object,
    at: Instant,
}

/// The right to act; hold it and watch [`lost`](Self::lost).
pub struct Leadership {
    election: LeaderElection,
    renewed: Instant,
}

impl LeaderElection {
    /// A candidate. The identity must be unique: upstream's is `HOSTNAME_UUID`.
    pub fn new(
        client: Client,
        clock: Arc<dyn Clock>,
        events: EventRecorder,
        name: &str,
        identity: &str,
    ) -> Self {
        Self {
            client,
            clock,
            events,
            namespace: "kube-system".to_owned(),
            name: name.to_owned(),
            identity: identity.to_owned(),
            timings: Timings::default(),
            observed: None,
        }
    }

    /// With the lease in another namespace than kube-system.
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// With other timings.
    #[must_use]
    pub fn timings(mut self, timings: Timings) -> Self {
        self.timings = timings;
        self
    }

    /// Waits until this candidate leads.
    pub async fn acquire(mut self) -> Leadership {
        loop {
            match self.attempt().await {
                Ok(true) => break,
                Ok(false) => {}
                Err(status) => debug!(lease = self.name, %status, "cannot acquire the lease"),
            }
            // Jitter keeps several candidates from colliding forever.
            sleep(self.timings.retry_period.mul_f64(rand::random_range(1.0..2.2))).await;
        }
        info!(lease = self.name, identity = self.identity, "became leader");
        self.tell("became leader");
        Leadership { renewed: Instant::now(), election: self }
    }

    /// Takes or renews the lease if that is allowed; tells whether this candidate holds it now.
    async fn attempt(&mut self) -> Result<bool, Status> {
        let (lease, expired) = match self.client.get(&LEASES, &self.namespace, &self.name).await {
            Ok(lease) => {
                let expired = expired(self.observe(lease.clone()));
                (lease, expired)
            }
            Err(status) if status.is_not_found() => {
                let created = self.client.create(&LEASES, &self.namespace, self.renewed(None)).await?;
                self.observe(created);
                return Ok(true);
            }
            Err(status) => return Err(status),
        };
        let holder = lease.str_at(&["spec", "holderIdentity"]);
        if !holder.is_empty() && holder != self.identity && !expired {
            return Ok(false);
        }
        let updated = self.client.update(&LEASES, self.renewed(Some(&lease))).await?;
        self.observe(updated);
        Ok(true)
    }

    fn observe(&mut self, lease: Object) -> &Observed {
        let unchanged = self.observed.take().filter(|seen| seen.lease.get("spec") == lease.get("spec"));
        let at = unchanged.map_or_else(Instant::now, |seen| seen.at);
        self.observed.insert(Observed { lease, at })
    }

    /// The lease held by this candidate from now on.
    fn renewed(&self, old: Option<&Document>) -> Document {
        let now = format_micro_time(self.clock.now());
        let mut lease = old.cloned().unwrap_or_else(|| {
            doc!({
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": self.name.as_str(), "namespace": self.namespace.as_str()}
            })
        });
        let transitions = lease.i64_at(&["spec", "leaseTransitions"]).unwrap_or(0);
        let continues = lease.str_at(&["spec", "holderIdentity"]) == self.identity;
        let acquired =
            if continues { lease.str_at(&["spec", "acquireTime"]) } else { now.as_str() }.to_owned();
        let spec = doc!({
            "holderIdentity": self.identity.as_str(),
            "leaseDurationSeconds": self.timings.lease_duration.as_secs(),
            "acquireTime": acquired,
            "renewTime": now,
            "leaseTransitions": transitions + i64::from(old.is_some() && !continues)
        });
        lease.insert("spec", spec);
        lease
    }

    fn tell(&self, what: &str) {
        if let Some(seen) = &self.observed {
            let message = format!("{} {what}", self.identity);
            self.events.event(ObjectReference::of(&seen.lease), EventType::Normal, "LeaderElection", message);
        }
    }
}

/// Whether the holder has been silent for the time that it announced.
fn expired(seen: &Observed) -> bool {
    let seconds = seen.lease.i64_at(&["spec", "leaseDurationSeconds"]).unwrap_or(0);
    seen.at.elapsed() >= Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

impl Leadership {
    /// Renews the lease; returns when it is lost. The caller must then stop acting at once.
    pub async fn lost(&mut self) {
        loop {
            sleep(self.election.timings.retry_period).await;
            let left = self.election.timings.renew_deadline.saturating_sub(self.renewed.elapsed());
            if left.is_zero() {
                break;
            }
            match tokio::time::timeout(left, self.election.attempt()).await {
                Ok(Ok(true)) => self.renewed = Instant::now(),
                Ok(Ok(false)) => break,
                Ok(Err(status)) => debug!(%status, "cannot renew the lease"),
                Err(_) => break,
            }
        }
        info!(lease = self.election.name, identity = self.election.identity, "lost the lease");
        self.election.tell("stopped leading");
    }

    /// Gives the lease up, so that another candidate need not wait for it to expire.
    pub async fn release(self) {
        let Some(seen) = &self.election.observed else { return };
        let mut lease = self.election.renewed(Some(&seen.lease));
        lease.set(&["spec", "holderIdentity"], "");
        lease.set(&["spec", "leaseDurationSeconds"], 1);
        if let Err(status) = self.election.client.update(&LEASES, lease).await {
            debug!(%status, "cannot release the lease");
        }
        self.election.tell("stopped leading");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::{Call, List, Transport, Verb, WatchStream};
    use futures::future::BoxFuture;
    use skiff_apimachinery::time::SystemClock;
    use std::sync::Mutex;

    /// An API with one lease; it can be cut off.
    #[derive(Default)]
    struct OneLease(Mutex<(Option<Document>, u64, bool)>);

    impl Transport for OneLease {
        fn call(&self, call: Call) -> BoxFuture<'_, crate::Result<Object>> {
            Box::pin(async move {
                let mut state = self.0.lock().unwrap();
                let (lease, version, cut) = &mut *state;
                let resource = LEASES.group_resource();
                if *cut {
                    return Err(Status::service_unavailable("cut off"));
                }
                if call.verb != Verb::Get {
                    let mut new = call.body.unwrap();
                    let stale =
                        lease.as_ref().is_some_and(|old| old.resource_version() != new.resource_version());
                    if stale {
                        return Err(Status::modified(&resource, new.name()));
                    }
                    *version += 1;
                    new.set(&["metadata", "resourceVersion"], version.to_string());
                    *lease = Some(new);
                }
                lease.clone().map(Arc::new).ok_or_else(|| Status::not_found(&resource, &call.name))
            })
        }

        fn list(&self, _: Call) -> BoxFuture<'_, crate::Result<List>> {
            Box::pin(async { Err(Status::no_such_path()) })
        }

        fn watch(&self, _: Call) -> BoxFuture<'_, crate::Result<WatchStream>> {
            Box::pin(async { Err(Status::no_such_path()) })
        }

        fn get_path<'a>(&'a self, _: &'a str) -> BoxFuture<'a, crate::Result<Object>> {
            Box::pin(async { Err(Status::no_such_path()) })
        }
    }

    fn candidate(api: &Arc<OneLease>, identity: &str) -> LeaderElection {
        LeaderElection::new(
            Client::new(api.clone()),
            Arc::new(SystemClock),
            EventRecorder::silent(),
            "kube-scheduler",
            identity,
        )
    }

    #[tokio::test(start_paused = true)]
    async fn one_leads_while_it_renews_and_the_other_takes_over_after_the_lease() {
        let api = Arc::new(OneLease::default());
        let mut first = candidate(&api, "a").acquire().await;
        let second = tokio::spawn(candidate(&api, "b").acquire());
        assert!(tokio::time::timeout(Duration::from_secs(120), first.lost()).await.is_err(), "a renews");
        assert!(!second.is_finished());
        let stopped = Instant::now();
        drop(first);
        second.await.unwrap();
        assert!((13..25).contains(&stopped.elapsed().as_secs()), "{:?}", stopped.elapsed());
        let lease = api.0.lock().unwrap().0.clone().unwrap();
        assert_eq!(
            (lease.str_at(&["spec", "holderIdentity"]), lease.i64_at(&["spec", "leaseTransitions"])),
            ("b", Some(1))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_that_is_cut_off_stops_before_another_may_begin() {
        let api = Arc::new(OneLease::default());
        let mut leader = candidate(&api, "a").acquire().await;
        api.0.lock().unwrap().2 = true;
        let cut = Instant::now();
        leader.lost().await;
        assert!(cut.elapsed() < Timings::default().lease_duration);
    }

    #[tokio::test(start_paused = true)]
    async fn a_released_lease_is_free_at_once() {
        let api = Arc::new(OneLease::default());
        candidate(&api, "a").acquire().await.release().await;
        let begun = Instant::now();
        candidate(&api, "b").acquire().await;
        assert!(begun.elapsed() < Duration::from_secs(1));
    }
}
