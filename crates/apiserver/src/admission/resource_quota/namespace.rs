//! Claims on the quotas of one namespace: one after the other, but all that wait are written down together.

use super::{Ledger, Refusal, quotas};
use crate::objects::Objects;
use jiff::Timestamp;
use skiff_api::quota::{self, evaluators};
use skiff_apimachinery::{Document, GroupResource, Status};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// How often quotas that changed meanwhile are read again, as upstream has it.
const RETRIES: usize = 3;

/// A write that wants to be counted.
pub(super) struct Claim {
    pub(super) resource: GroupResource,
    pub(super) subresource: String,
    pub(super) object: Document,
    pub(super) old: Option<Document>,
    pub(super) at: Timestamp,
}

type Outcome = Result<(), Refusal>;

/// A claim and whom to tell.
struct Waiting {
    claim: Claim,
    tell: oneshot::Sender<Outcome>,
}

/// One namespace's claims.
#[derive(Default)]
struct Namespace {
    waiting: Mutex<Vec<Waiting>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// All namespaces that something is claimed in.
pub(super) struct Namespaces {
    ledger: Arc<dyn Ledger>,
    known: Mutex<HashMap<String, Arc<Namespace>>>,
}

impl Namespaces {
    pub(super) fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger, known: Mutex::default() }
    }

    /// Waits until the claim is written down, or refused.
    pub(super) async fn charge(
        self: &Arc<Self>,
        objects: &Arc<dyn Objects>,
        name: &str,
        claim: Claim,
    ) -> Outcome {
        let namespace = self.namespace(name);
        let outcome = self.in_turn(objects, name, &namespace, claim).await;
        drop(namespace);
        self.forget_idle();
        outcome
    }

    async fn in_turn(
        self: &Arc<Self>,
        objects: &Arc<dyn Objects>,
        name: &str,
        namespace: &Namespace,
        claim: Claim,
    ) -> Outcome {
        let (tell, mut told) = oneshot::channel();
        namespace.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(Waiting { claim, tell });
        let turn = namespace.turn.clone().lock_owned().await;
        // Whoever had the turn before may have taken this claim along.
        if let Ok(outcome) = told.try_recv() {
            return outcome;
        }
        let batch = std::mem::take(&mut *namespace.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        // A task of its own: the claims of others are in it, and this write may be given up.
        let (this, objects, name) = (self.clone(), objects.clone(), name.to_owned());
        tokio::spawn(async move {
            this.settle(quotas(&*objects, &name), batch).await;
            drop(turn);
        });
        let lost = || Refusal::Failed(Status::internal("resource quota evaluation failed"));
        told.await.unwrap_or_else(|_| Err(lost()))
    }

    fn namespace(&self, name: &str) -> Arc<Namespace> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(name.to_owned()).or_default().clone()
    }

    /// Keeps no more than is in use.
    fn forget_idle(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, namespace| Arc::strong_count(namespace) > 1);
    }

    async fn settle(&self, mut quotas: Vec<Arc<Document>>, mut claims: Vec<Waiting>) {
        for attempt in 0.. {
            let (charged, changed) = charge_all(&mut quotas, claims);
            let Some((failure, stale)) = self.write_down(&quotas, &changed).await else {
                charged.into_iter().for_each(|waiting| drop(waiting.tell.send(Ok(()))));
                return;
            };
            if !failure.is_conflict() || attempt == RETRIES {
                for waiting in charged {
                    drop(waiting.tell.send(Err(Refusal::Failed(failure.clone()))));
                }
                return;
            }
            claims = charged;
            // What the others hold is written down already: only these are charged again.
            quotas = Vec::new();
            for quota in stale {
                // One that was removed counts nothing any more.
                if let Ok(current) = self.ledger.read(quota.namespace(), quota.name()).await {
                    quotas.push(current);
                }
            }
        }
    }

    /// Stores the quotas that changed; returns why some could not be stored, and which.
    async fn write_down(
        &self,
        quotas: &[Arc<Document>],
        changed: &[usize],
    ) -> Option<(Status, Vec<Arc<Document>>)> {
        let (mut stale, mut failure) = (Vec::new(), None);
        for quota in changed.iter().filter_map(|index| quotas.get(*index)) {
            if let Err(status) = self.ledger.write(quota.as_ref().clone()).await {
                stale.push(quota.clone());
                failure = Some(status);
            }
        }
        failure.map(|failure| (failure, stale))
    }
}

/// Charges claims in turn. Answers those that are refused or that nothing counts; returns the others, and which quotas they
/// changed.
fn charge_all(quotas: &mut [Arc<Document>], claims: Vec<Waiting>) -> (Vec<Waiting>, Vec<usize>) {
    let (mut charged, mut changed) = (Vec::new(), Vec::new());
    for waiting in claims {
        let claim = &waiting.claim;
        let evaluator = evaluators::of(&claim.resource);
        let write =
            quota::Write { subresource: &claim.subresource, object: &claim.object, old: claim.old.as_ref() };
        match quota::charge(quotas, &*evaluator, &write, claim.at) {
            Err(why) => drop(waiting.tell.send(Err(Refusal::Forbidden(why)))),
            Ok(charges) if charges.is_empty() => drop(waiting.tell.send(Ok(()))),
            Ok(charges) => {
                for charge in charges {
                    let quota = Arc::make_mut(&mut quotas[charge.index]);
                    quota.set(&["status", "used"], charge.used.to_document());
                    changed.push(charge.index);
                }
                charged.push(waiting);
            }
        }
    }
    changed.sort_unstable();
    changed.dedup();
    (charged, changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::testing;
    use futures::future::{BoxFuture, join_all};
    use skiff_apimachinery::doc;

    /// One quota for pods; every other write of it meets a change by somebody else.
    struct Contended(Mutex<(Document, usize)>);

    fn quota(used: usize) -> Document {
        doc!({
            "metadata": {"name": "q", "namespace": "a", "resourceVersion": "0"},
            "status": {"hard": {"pods": "10"}, "used": {"pods": used.to_string()}}
        })
    }

    impl Ledger for Contended {
        fn read<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Arc<Document>, Status>> {
            let state = self.0.lock().unwrap();
            Box::pin(std::future::ready(Ok(Arc::new(state.0.clone()))))
        }

        fn write(&self, quota: Document) -> BoxFuture<'_, Result<Arc<Document>, Status>> {
            let mut state = self.0.lock().unwrap();
            state.1 += 1;
            if state.1 % 2 == 1 {
                let version = state.1.to_string();
                state.0.set(&["metadata", "resourceVersion"], version);
            }
            if quota.resource_version() != state.0.resource_version() {
                let resource = GroupResource::new("", "resourcequotas");
                return Box::pin(std::future::ready(Err(Status::modified(&resource, "q"))));
            }
            state.0 = quota;
            let stored = Arc::new(state.0.clone());
            Box::pin(std::future::ready(Ok(stored)))
        }
    }

    fn pod() -> Claim {
        Claim {
            resource: GroupResource::new("", "pods"),
            subresource: String::new(),
            object: doc!({"spec": {"containers": [{"name": "c"}]}}),
            old: None,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[tokio::test]
    async fn exactly_what_fits_is_admitted_at_once() {
        let ledger = Arc::new(Contended(Mutex::new((quota(3), 0))));
        let namespaces = Arc::new(Namespaces::new(ledger.clone()));
        let objects = testing::objects(vec![("resourcequotas", quota(3))]);
        let outcomes = join_all((0..20).map(|_| namespaces.charge(&objects, "a", pod()))).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 7);
        let stored = ledger.0.lock().unwrap().0.clone();
        assert_eq!(stored.str_at(&["status", "used", "pods"]), "10");
        assert!(outcomes.iter().any(|outcome| matches!(outcome, Err(Refusal::Forbidden(why))
            if why == "exceeded quota: q, requested: pods=1, used: pods=10, limited: pods=10")));
        assert!(namespaces.known.lock().unwrap().is_empty(), "nothing is kept of an idle namespace");
    }
}
