//! `horizontal-pod-autoscaler-controller`: gives workloads as many replicas as their use asks for.
//!
//! Reads HorizontalPodAutoscalers and Pods, the `scale` of any kind of target, and metrics of all kinds ([`metrics`]);
//! writes the target's scale and the autoscaler's status.
//!
//! Each autoscaler is looked at once in a period, however often something changes: what it may change in a time must not
//! depend on how often it is looked at. All that is read is taken at one moment; [`decision`] then works out what to do:
//! each metric proposes a number of replicas ([`proposal`], [`replicas`]), the largest counts, and [`behavior`] holds it
//! back. What was recommended and done before is kept in [`memory`].

mod behavior;
mod conditions;
mod decision;
mod groups;
mod memory;
mod metrics;
mod proposal;
mod replicas;
mod requests;
mod status;

use crate::config::Config;
use crate::controller::{Context, Controller};
use crate::plan::{Action, Ending, Notice, Plan, Report, Write};
use crate::pods::CachedPod;
use crate::sources::Sources;
use decision::Sizes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use memory::{Memories, Memory, Rescale};
use metrics::{Mapper, Reader, Reading};
use skiff_apimachinery::meta::ObjectKey;
use skiff_apimachinery::selector::LabelSelector;
use skiff_apimachinery::time::Clock;
use skiff_apimachinery::{Document, GroupVersion, Status};
use skiff_client::resources::{HORIZONTAL_POD_AUTOSCALERS, PODS};
use skiff_client::{Cached, Call, Client, Event, Informer, Object, Resource, Selection, Untyped, Verb};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// However short the period is said to be, no autoscaler is looked at more often.
const SHORTEST_PERIOD: Duration = Duration::from_secs(1);

/// The controller.
pub struct HorizontalPodAutoscalerController {
    config: Arc<Config>,
    client: Client,
    clock: Arc<dyn Clock>,
    autoscalers: Informer<Untyped>,
    pods: Informer<Pod>,
    memories: Mutex<Memories>,
}

/// An autoscaler, if its time has come.
pub enum World {
    /// It was looked at not long ago; it is its turn after this time.
    Waiting(Duration),
    /// It is its turn.
    Due(Box<Autoscaler>),
}

/// An autoscaler and what matters to it.
pub struct Autoscaler {
    object: Arc<Cached<Untyped>>,
    config: Arc<Config>,
    /// What it scales, or why that cannot be scaled.
    target: Result<Target, String>,
    memory: Memory,
    /// When all this was so.
    at: Timestamp,
}

/// What an autoscaler scales.
struct Target {
    resource: Resource,
    scale: Object,
    /// The pods that it has.
    pods: Vec<CachedPod>,
    /// The autoscalers whose targets have any of these pods, this one among them.
    rivals: Vec<ObjectKey>,
    /// What was read for each of the autoscaler's metrics, or why it was not.
    readings: Vec<Result<Reading, String>>,
}

impl Controller for HorizontalPodAutoscalerController {
    const NAME: &'static str = "horizontal-pod-autoscaler-controller";
    const IDENTITY: &'static str = "horizontal-pod-autoscaler";
    const QUEUE: &'static str = "horizontalpodautoscaler";

    type Key = ObjectKey;
    type World = World;

    fn new(context: &Context) -> Self {
        Self {
            config: context.config.clone(),
            client: context.client.clone(),
            clock: context.clock.clone(),
            autoscalers: context.informers.of(&HORIZONTAL_POD_AUTOSCALERS, Selection::default()),
            pods: context.informers.of(&PODS, Selection::default()),
            memories: Mutex::default(),
        }
    }

    fn sources(&self, sources: &mut Sources<ObjectKey>) {
        // A change is taken up when its autoscaler's turn comes.
        sources.watch(&self.autoscalers, |event| match event {
            Event::Added(autoscaler) | Event::Deleted(autoscaler) => Some(autoscaler.key()),
            Event::Updated { .. } => None,
        });
        sources.read(&self.pods);
    }

    fn observe<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<World>, Status>> {
        Box::pin(async move {
            match self.autoscalers.get(&key.namespace, &key.name) {
                Some(autoscaler) => Ok(Some(self.world(key, autoscaler).await)),
                None => {
                    self.memories().forget(key);
                    Ok(None)
                }
            }
        })
    }

    fn plan(world: &World, _now: Timestamp) -> Plan {
        match world {
            World::Waiting(rest) => Plan { requeue_after: Some(*rest), ..Plan::default() },
            World::Due(autoscaler) => plan(autoscaler),
        }
    }

    fn conclude(world: &World, report: &Report, now: Timestamp) -> Plan {
        match world {
            World::Waiting(_) => Plan::nothing(),
            World::Due(autoscaler) => status::conclude(autoscaler, report, now),
        }
    }
}

impl HorizontalPodAutoscalerController {
    fn memories(&self) -> MutexGuard<'_, Memories> {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn world(&self, key: &ObjectKey, object: Arc<Cached<Untyped>>) -> World {
        let at = self.clock.now();
        let period = period(&self.config);
        if let Some(rest) = self.memories().of(key).look(period, at) {
            return World::Waiting(rest);
        }
        let config = self.config.clone();
        let mut autoscaler =
            Autoscaler { object, config, target: Err(String::new()), memory: Memory::default(), at };
        autoscaler.target = self.target(key, &autoscaler).await;
        self.remember(key, &mut autoscaler);
        World::Due(Box::new(autoscaler))
    }

    /// Takes what is remembered, and notes what will be decided.
    fn remember(&self, key: &ObjectKey, autoscaler: &mut Autoscaler) {
        let mut memories = self.memories();
        let memory = memories.of(key);
        let at = autoscaler.at;
        if let Ok(target) = &autoscaler.target {
            memory.see(target.replicas(), at);
        }
        autoscaler.memory = memory.clone();
        let decision = decision::of(autoscaler);
        let (window, period) = autoscaler.reach();
        if let Some(replicas) = decision.recommendation {
            memory.recommend(replicas, window, at);
        }
        if let Sizes::Rescale { from, to, .. } = decision.sizes {
            memory.rescale(Rescale { from, to, at }, period);
        }
    }

    async fn target(&self, key: &ObjectKey, autoscaler: &Autoscaler) -> Result<Target, String> {
        let (resource, scale) = self.scale(&autoscaler.object).await?;
        let mut target = Target { resource, scale, pods: vec![], rivals: vec![], readings: vec![] };
        if !autoscaler.is_metered(target.replicas()) || target.selector().is_empty() {
            return Ok(target);
        }
        let Ok(selector) = LabelSelector::parse(target.selector()) else { return Ok(target) };
        target.pods = self.pods.list_namespace(&key.namespace);
        target.pods.retain(|pod| selector.matches(pod.labels()));
        {
            let mut memories = self.memories();
            memories.of(key).select(&selector);
            let has_any =
                |selector: &LabelSelector| target.pods.iter().any(|pod| selector.matches(pod.labels()));
            target.rivals = memories.selecting(&key.namespace, has_any);
        }
        if target.rivals.len() > 1 {
            return Ok(target);
        }
        let reader = Reader { client: &self.client, namespace: &key.namespace, selector: &selector };
        for metric in autoscaler.object.array_at(&["spec", "metrics"]) {
            let reading =
                if proposal::has_aim(metric) { reader.read(metric).await } else { Err(String::new()) };
            target.readings.push(reading);
        }
        Ok(target)
    }

    /// The target's resource and its scale.
    async fn scale(&self, autoscaler: &Document) -> Result<(Resource, Object), String> {
        let reference = |field: &str| autoscaler.str_at(&["spec", "scaleTargetRef", field]);
        let version = match reference("apiVersion") {
            "" => GroupVersion::default(),
            text => {
                GroupVersion::parse(text).ok_or_else(|| format!("unexpected GroupVersion string: {text}"))?
            }
        };
        let mapper = Mapper { client: &self.client };
        let resource = mapper.resource(&version.group, reference("kind")).await?;
        let call = Call::new(Verb::Get, &resource, autoscaler.namespace(), reference("name"));
        let scale = self.client.transport().call(call.subresource("scale")).await;
        Ok((resource, scale.map_err(|status| status.message)?))
    }
}

fn period(config: &Config) -> Duration {
    config.horizontal_pod_autoscaler_sync_period.max(SHORTEST_PERIOD)
}

fn plan(world: &Autoscaler) -> Plan {
    let decision = decision::of(world);
    let mut plan = Plan::default();
    plan.actions.extend(decision.notices.into_iter().map(Action::Tell));
    if let (Ok(target), Sizes::Rescale { to, reason, .. }) = (&world.target, decision.sizes) {
        let mut scale = Document::clone(&target.scale);
        scale.set(&["spec", "replicas"], to);
        let told = format!("New size: {to}; reason: {reason}");
        let failure = Notice::warning(&world.object, "FailedRescale", format!("{told}; error: "));
        plan.write(
            Write::update_subresource(&target.resource, "scale", scale)
                .on_success(Notice::normal(&world.object, "SuccessfulRescale", told))
                .on_failure(failure.ending(Ending::Error)),
        );
    }
    plan.requeue(period(&world.config));
    plan
}

#[cfg(test)]
mod tests;
