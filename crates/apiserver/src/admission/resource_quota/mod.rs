//! `ResourceQuota`: charges what is created to the quotas of its namespace, and refuses what no longer fits.
//!
//! Runs last, so that only what everything else lets pass is counted. What is charged and then not stored after all stays
//! counted until the quota's controller counts anew, as upstream has it.

mod ledger;
mod namespace;

pub use ledger::Ledger;

use super::{Operation, Plugin, Request};
use crate::objects::Objects;
use futures::future::BoxFuture;
use namespace::{Claim, Namespaces};
use skiff_api::quota::{self, evaluators};
use skiff_apimachinery::time::Clock;
use skiff_apimachinery::{Document, GroupResource, Status};
use std::sync::Arc;
use std::time::Duration;

/// Longest that a write waits for its turn, as upstream has it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a write is refused.
#[derive(Debug, Clone)]
enum Refusal {
    /// It does not fit.
    Forbidden(String),
    /// The charge could not be written down.
    Failed(Status),
}

/// The plugin.
pub struct ResourceQuota {
    objects: Arc<dyn Objects>,
    clock: Arc<dyn Clock>,
    namespaces: Arc<Namespaces>,
}

impl ResourceQuota {
    /// Over current quotas, with a place to write charges down.
    pub fn new(objects: Arc<dyn Objects>, ledger: Arc<dyn Ledger>, clock: Arc<dyn Clock>) -> Self {
        Self { namespaces: Arc::new(Namespaces::new(ledger)), objects, clock }
    }

    async fn charge(&self, request: &Request<'_>, object: &Document) -> Result<(), Status> {
        let written = matches!(request.operation, Operation::Create | Operation::Update);
        if !written || request.namespace.is_empty() || !request.resource.namespaced() {
            return Ok(());
        }
        let resource = request.resource.group_resource();
        // Events are counted by nobody, or they could not tell of a full quota.
        if resource.resource == "events" {
            return Ok(());
        }
        let evaluator = evaluators::of(&resource);
        let write = quota::Write { subresource: request.subresource, object, old: request.old };
        if !evaluator.handles(&write) {
            return Ok(());
        }
        let quotas = quotas(&*self.objects, request.namespace);
        if quotas.is_empty() {
            return Ok(());
        }
        let outcome = if request.dry_run {
            let charged = quota::charge(&quotas, &*evaluator, &write, self.clock.now());
            charged.map(drop).map_err(Refusal::Forbidden)
        } else {
            let claim = Claim {
                resource,
                subresource: request.subresource.to_owned(),
                object: object.clone(),
                old: request.old.cloned(),
                at: self.clock.now(),
            };
            let waited = self.namespaces.charge(&self.objects, request.namespace, claim);
            match tokio::time::timeout(PATIENCE, waited).await {
                Ok(outcome) => outcome,
                Err(_) => Err(Refusal::Failed(Status::internal("resource quota evaluation timed out"))),
            }
        };
        outcome.map_err(|refusal| match refusal {
            Refusal::Forbidden(why) => request.forbidden(&why),
            Refusal::Failed(status) => status,
        })
    }
}

/// The quotas of a namespace, by name.
fn quotas(objects: &dyn Objects, namespace: &str) -> Vec<Arc<Document>> {
    let mut quotas = objects.list(&GroupResource::new("", "resourcequotas"), namespace);
    quotas.sort_by(|a, b| a.name().cmp(b.name()));
    quotas
}

impl Plugin for ResourceQuota {
    fn name(&self) -> &'static str {
        "ResourceQuota"
    }

    fn validate<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(async move { self.charge(request, object).await })
    }
}
