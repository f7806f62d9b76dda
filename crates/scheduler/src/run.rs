//! The shell around the pure parts: informers in, bindings, conditions and events out.

use crate::cluster::Cluster;
use crate::cycle::{Cycle, Unschedulable};
use crate::plugins::{Happening, default_plugins};
use crate::pod::Pod;
use crate::queue::{PluginSet, Queue};
use jiff::Timestamp;
use skiff_apimachinery::time::{Clock, format_time};
use skiff_apimachinery::{Document, Status, doc};
use skiff_client::events::{EventRecorder, EventType, ObjectReference};
use skiff_client::informer::{Event, SharedInformers, Untyped};
use skiff_client::resources::{NODES, PODS};
use skiff_client::{Client, PatchKind, Selection};
use skiff_telemetry::{Family, Histogram, Registry};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, mpsc};
use tracing::{debug, info, warn};

/// How many bindings are under way at once.
const BINDINGS: usize = 128;
/// How many pods are decided before events are looked at again.
const BATCH: usize = 64;

/// Upstream's buckets of scheduling latencies: 1 ms doubling to 16 s.
const SECONDS: &[f64] = &[
    0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384,
];

/// How a scheduler is set up.
#[derive(Debug, Clone)]
pub struct SchedulerConfig {
    /// Pods with this `schedulerName` are placed.
    pub name: String,
}

impl Default for SchedulerConfig {
    fn default() -> Self {
        Self { name: "default-scheduler".to_owned() }
    }
}

/// The scheduler.
pub struct Scheduler {
    config: SchedulerConfig,
    client: Client,
    informers: SharedInformers,
    recorder: EventRecorder,
    clock: Arc<dyn Clock>,
    attempts: Arc<Family<Histogram>>,
    queue: Queue,
    cluster: Cluster,
    cycle: Cycle,
}

/// What a binding task tells the loop.
struct Bound {
    pod: Arc<Pod>,
    outcome: Result<(), Status>,
}

impl Scheduler {
    /// A scheduler that speaks through this client and hears through these informers, which have the same identity.
    pub fn new(
        config: SchedulerConfig,
        client: Client,
        informers: SharedInformers,
        recorder: EventRecorder,
        clock: Arc<dyn Clock>,
        metrics: &Registry,
    ) -> Self {
        let attempts = metrics.histograms(
            "scheduler_scheduling_attempt_duration_seconds",
            "Scheduling attempt latency in seconds (scheduling algorithm + binding)",
            &["profile", "result"],
            SECONDS,
        );
        Self {
            config,
            client,
            informers,
            recorder,
            clock,
            attempts,
            queue: Queue::default(),
            cluster: Cluster::default(),
            cycle: Cycle::new(default_plugins()),
        }
    }

    /// Runs until the future is done. Pods in flight are bound first.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        let selection = Selection {
            fields: "status.phase!=Succeeded,status.phase!=Failed".to_owned(),
            ..Selection::default()
        };
        let mut pods = self.informers.of::<Untyped>(&PODS, selection).subscribe();
        let mut nodes = self.informers.of::<Untyped>(&NODES, Selection::default()).subscribe();
        let (done, mut bound) = mpsc::unbounded_channel();
        let slots = Arc::new(Semaphore::new(BINDINGS));
        let synced = async {
            nodes.informer().synced().await;
            pods.informer().synced().await;
        };
        tokio::pin!(shutdown);
        tokio::select! {
            () = &mut shutdown => return,
            () = synced => {}
        }
        info!("scheduler started");
        loop {
            self.drain(&mut nodes, &mut pods);
            let more = self.decide_batch(&slots, &done);
            let deadline = self.queue.next_deadline();
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(result) = bound.recv() => self.bound(result),
                event = nodes.next() => self.node_event(&event),
                event = pods.next() => self.pod_event(&event),
                () = pause(more, deadline, self.clock.now()) => {}
            }
        }
        // Every slot free again means that no binding is under way.
        drop(slots.acquire_many(BINDINGS as u32).await);
    }

    fn drain(
        &mut self,
        nodes: &mut skiff_client::informer::Subscription<Untyped>,
        pods: &mut skiff_client::informer::Subscription<Untyped>,
    ) {
        while let Some(event) = nodes.try_next() {
            self.node_event(&event);
        }
        while let Some(event) = pods.try_next() {
            self.pod_event(&event);
        }
    }

    fn node_event(&mut self, event: &Event<Untyped>) {
        match event {
            Event::Deleted(node) => self.cluster.remove_node(node.object.name()),
            event => {
                let change = self.cluster.set_node(&event.object().object);
                if change.any() {
                    self.happened(Happening::Node(change));
                }
            }
        }
    }

    fn pod_event(&mut self, event: &Event<Untyped>) {
        let document = &event.object().object;
        if let Event::Deleted(_) = event {
            let key = document.key();
            self.queue.remove(&key);
            if self.cluster.remove_pod(&key) {
                self.happened(Happening::PodLeft);
            }
            return;
        }
        let pod = Arc::new(Pod::read(document));
        if !pod.node.is_empty() {
            self.queue.remove(&pod.key);
            if self.cluster.set_pod(pod) {
                self.happened(Happening::PodLeft);
            }
        } else if pod.deleting || *pod.scheduler != *self.config.name {
            self.queue.remove(&pod.key);
        } else if !self.cluster.is_placed(&pod.key) {
            self.queue.set(pod);
        }
    }

    fn happened(&mut self, happening: Happening) {
        let helped = self.cycle.plugins().iter().enumerate();
        let set: PluginSet =
            helped.filter(|(_, plugin)| plugin.helped_by(happening)).map(|(i, _)| 1 << i).sum();
        if set != 0 {
            self.queue.help(set, self.clock.now());
        }
    }

    /// Decides some pods; tells whether more are ready.
    fn decide_batch(&mut self, slots: &Arc<Semaphore>, done: &mpsc::UnboundedSender<Bound>) -> bool {
        for _ in 0..BATCH {
            let Ok(slot) = Arc::clone(slots).try_acquire_owned() else { return false };
            let now = self.clock.now();
            let Some(pod) = self.queue.pop(now) else { return false };
            let started = Instant::now();
            match self.cycle.decide(&pod, &self.cluster, |n| rand::random_range(0..n.max(1))) {
                Ok(node) => {
                    self.cluster.assume(Arc::clone(&pod), &node);
                    let binding = Binding {
                        client: self.client.clone(),
                        recorder: self.recorder.clone(),
                        latency: self.attempts.with(&[&self.config.name, "scheduled"]),
                        started,
                    };
                    let done = done.clone();
                    tokio::spawn(async move {
                        let outcome = binding.bind(&pod, &node).await;
                        // The loop is gone only at shutdown, when nobody needs to know.
                        drop(done.send(Bound { pod, outcome }));
                        drop(slot);
                    });
                }
                Err(why) => self.refused(&pod, why, now, started),
            }
        }
        true
    }

    fn refused(&mut self, pod: &Arc<Pod>, why: Unschedulable, now: Timestamp, started: Instant) {
        debug!(pod = %pod.key, reason = why.message, "unable to schedule pod");
        self.attempts.with(&[&self.config.name, "unschedulable"]).observe(started.elapsed().as_secs_f64());
        self.queue.failed(&pod.key, why.refused_by, now);
        self.recorder.event(reference(pod), EventType::Warning, "FailedScheduling", why.message.as_str());
        if *pod.condition_message != *why.message {
            tokio::spawn(tell_condition(self.client.clone(), Arc::clone(pod), why.message, now));
        }
    }

    fn bound(&mut self, result: Bound) {
        let key = &result.pod.key;
        match result.outcome {
            Ok(()) => self.queue.remove(key),
            Err(status) => {
                self.cluster.forget(key);
                if status.is_not_found() {
                    // The pod went away, and the informer will say so.
                    self.queue.remove(key);
                    return;
                }
                warn!(pod = %key, error = %status, "binding failed");
                let message = format!("binding rejected: {status}");
                self.recorder.event(reference(&result.pod), EventType::Warning, "FailedScheduling", message);
                self.attempts.with(&[&self.config.name, "error"]).observe(0.0);
                self.queue.failed(key, 0, self.clock.now());
            }
        }
    }
}

/// Waits until the queue may have something: at once if there is more, else until the deadline.
async fn pause(more: bool, deadline: Option<Timestamp>, now: Timestamp) {
    match (more, deadline) {
        (true, _) => tokio::task::yield_now().await,
        (false, Some(deadline)) => {
            let wait = Duration::try_from(deadline.duration_since(now)).unwrap_or_default();
            tokio::time::sleep(wait).await;
        }
        (false, None) => std::future::pending().await,
    }
}

fn reference(pod: &Pod) -> ObjectReference {
    ObjectReference {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        namespace: pod.key.namespace.clone(),
        name: pod.key.name.clone(),
        uid: pod.uid.to_string(),
        resource_version: pod.resource_version.to_string(),
        field_path: String::new(),
    }
}

struct Binding {
    client: Client,
    recorder: EventRecorder,
    latency: Histogram,
    started: Instant,
}

impl Binding {
    async fn bind(&self, pod: &Pod, node: &str) -> Result<(), Status> {
        let (namespace, name) = (&pod.key.namespace, &pod.key.name);
        let body = doc!({
            "apiVersion": "v1", "kind": "Binding",
            "metadata": {"name": name.as_str(), "namespace": namespace.as_str(), "uid": &*pod.uid},
            "target": {"kind": "Node", "name": node}
        });
        self.client.create_subresource(&PODS, namespace, name, "binding", body).await?;
        self.latency.observe(self.started.elapsed().as_secs_f64());
        let message = format!("Successfully assigned {} to {node}", pod.key);
        self.recorder.event(reference(pod), EventType::Normal, "Scheduled", message);
        Ok(())
    }
}

/// Writes the PodScheduled condition; what the pod's status says beside it stays.
async fn tell_condition(client: Client, pod: Arc<Pod>, message: String, now: Timestamp) {
    // The time is that of the change to unschedulable, not that of a new message.
    let since =
        if pod.unscheduled_since.is_empty() { format_time(now) } else { pod.unscheduled_since.to_string() };
    let patch: Document = doc!({
        "metadata": {"uid": &*pod.uid},
        "status": {"conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
            "lastProbeTime": null, "lastTransitionTime": since
        }]}
    });
    let (namespace, name) = (&pod.key.namespace, &pod.key.name);
    if let Err(status) = client.patch(&PODS, namespace, name, "status", PatchKind::Strategic, patch).await {
        debug!(pod = %pod.key, error = %status, "cannot write the PodScheduled condition");
    }
}
