//! `resourcequota-controller`: keeps the status of ResourceQuotas: what they limit and how much of it is used.
//!
//! Admission charges quotas for what is created; this controller gives back what was deleted or ended, and counts anew
//! when limits change. [`countable`] says which resources a quota speaks of, [`monitors`] follows those and no others,
//! custom ones too, and [`replenishment`] says which of their changes matter to a quota. Objects are measured by
//! `skiff_api::quota`, as at admission.
//!
//! Some use ends without an event: a charge for an object that was refused later, a pod whose grace period is over. So
//! every quota is counted again after `--resource-quota-sync-period`.

mod countable;
mod monitors;
mod replenishment;

use crate::config::Config;
use crate::controller::{Context, Controller};
use crate::plan::{Plan, Write};
use crate::sources::Sources;
use futures::future::BoxFuture;
use jiff::Timestamp;
use monitors::{Monitors, Shared};
use skiff_api::quota::{evaluators, recount};
use skiff_api::resource_list::ResourceList;
use skiff_apimachinery::meta::ObjectKey;
use skiff_apimachinery::{Document, GroupResource, Status, doc};
use skiff_client::resources::RESOURCE_QUOTAS;
use skiff_client::{Client, Event, Object, SharedInformers, WorkQueue};
use std::sync::Arc;
use std::time::Duration;

/// The controller; its keys are those of ResourceQuotas.
pub struct ResourceQuotaController {
    config: Arc<Config>,
    client: Client,
    informers: SharedInformers,
    shared: Arc<Shared>,
}

/// A quota, and what there is in its namespace of what it limits.
pub struct World {
    quota: Object,
    counted: Vec<Counted>,
    sync_period: Duration,
}

/// The objects of one resource in the quota's namespace.
struct Counted {
    resource: GroupResource,
    objects: Vec<Object>,
}

impl Controller for ResourceQuotaController {
    const NAME: &'static str = "resourcequota-controller";
    const IDENTITY: &'static str = "resourcequota-controller";
    const QUEUE: &'static str = "resourcequota_primary";

    type Key = ObjectKey;
    type World = World;

    fn new(context: &Context) -> Self {
        Self {
            config: context.config.clone(),
            client: context.client.clone(),
            informers: context.informers.clone(),
            shared: Arc::new(Shared::new(context)),
        }
    }

    fn sources(&self, sources: &mut Sources<ObjectKey>) {
        sources.watch(self.shared.quotas(), |event| match event {
            Event::Deleted(_) => None,
            Event::Added(quota) => Some(quota.key()),
            Event::Updated { old, new } => asks_for_recount(old, new).then(|| new.key()),
        });
    }

    fn observe<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<World>, Status>> {
        Box::pin(async move {
            match self.shared.quotas().get(&key.namespace, &key.name) {
                Some(quota) => Ok(Some(self.world(quota.object.clone()).await)),
                None => Ok(None),
            }
        })
    }

    fn plan(world: &World, now: Timestamp) -> Plan {
        plan(world, now)
    }

    fn background(&self, queue: WorkQueue<ObjectKey>) -> BoxFuture<'_, ()> {
        Box::pin(Monitors::new(self.client.clone(), self.informers.clone(), self.shared.clone(), queue).run())
    }
}

impl ResourceQuotaController {
    async fn world(&self, quota: Object) -> World {
        let resources = countable::resources(&hard(&quota));
        self.shared.loaded(&resources).await;
        let counted = resources.into_iter().filter_map(|resource| {
            let objects = self.shared.objects(&resource, quota.namespace())?;
            Some(Counted { resource, objects })
        });
        World { counted: counted.collect(), sync_period: self.config.resource_quota_sync_period, quota }
    }
}

/// What the quota limits.
fn hard(quota: &Document) -> ResourceList {
    ResourceList::read(quota.object_at(&["spec", "hard"]))
}

/// What the status says: the limits, and what is used of them.
fn told(quota: &Document) -> (ResourceList, ResourceList) {
    let read = |field: &str| ResourceList::read(quota.object_at(&["status", field]));
    (read("hard"), read("used"))
}

/// Whether a change of a quota asks for a recount: its spec changed, or somebody took limits or usage out of its status.
/// What admission charges does not.
fn asks_for_recount(old: &Document, new: &Document) -> bool {
    let names = |list: &ResourceList| list.names().map(str::to_owned).collect::<Vec<_>>();
    let (old_limits, old_used) = told(old);
    let (limits, used) = told(new);
    let hard = hard(new);
    let is_complete = limits == hard && hard.names().all(|name| used.contains(name));
    let other_status = limits != old_limits || names(&used) != names(&old_used);
    old.get("spec") != new.get("spec") || (other_status && !is_complete)
}

fn plan(world: &World, now: Timestamp) -> Plan {
    let quota = &*world.quota;
    let hard = hard(quota);
    let (limits, told_used) = told(quota);
    // What cannot be counted now keeps its last amount.
    let mut used = told_used.filtered(|name, _| hard.contains(name));
    for Counted { resource, objects } in &world.counted {
        let objects = objects.iter().map(|object| &**object);
        let amounts = recount(quota, &hard, &*evaluators::of(resource), objects, now);
        for (name, amount) in amounts.iter() {
            used.set(name, amount);
        }
    }
    let mut plan = Plan::default();
    // By amounts and not by texts: 1Gi and 1024Mi say the same.
    if limits != hard || told_used != used {
        let mut changed = quota.clone();
        changed.insert("status", doc!({"hard": hard.to_document(), "used": used.to_document()}));
        plan.write(Write::update_status(&RESOURCE_QUOTAS, changed));
    }
    plan.requeue(world.sync_period);
    plan
}

#[cfg(test)]
mod tests;
