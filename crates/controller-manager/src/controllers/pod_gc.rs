//! `pod-garbage-collector-controller`: deletes pods that nobody else will ever finish with.
//!
//! Pods of nodes that are gone, terminating pods that never had a node, terminating pods of nodes that are out of
//! service, and the oldest finished pods beyond the threshold. One key stands for all of them.

use crate::config::Config;
use crate::controller::{Context, Controller, observed};
use crate::plan::{Plan, Write};
use crate::pods::{self, CachedPod};
use crate::sources::Sources;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Node, Pod};
use skiff_apimachinery::time::{Clock, format_time};
use skiff_apimachinery::{Document, Status, doc};
use skiff_client::resources::{NODES, PODS};
use skiff_client::{Cached, DeleteOptions, Event, Informer, PatchKind, Selection};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";
/// How long a node must be missing: one that is registered anew keeps its pods.
const QUARANTINE: SignedDuration = SignedDuration::from_secs(40);

/// The controller.
pub struct PodGarbageCollector {
    config: Arc<Config>,
    clock: Arc<dyn Clock>,
    nodes: Informer<Node>,
    pods: Informer<Pod>,
    /// Since when nodes that pods are bound to are missing.
    missing: Mutex<HashMap<String, Timestamp>>,
}

/// All pods, and the nodes that matter.
pub struct World {
    threshold: usize,
    pods: Vec<CachedPod>,
    missing: HashMap<String, Timestamp>,
    out_of_service: Vec<String>,
}

impl Controller for PodGarbageCollector {
    const NAME: &'static str = "pod-garbage-collector-controller";
    const IDENTITY: &'static str = "pod-garbage-collector";
    const WORKERS: usize = 1;

    type Key = &'static str;
    type World = World;

    fn new(context: &Context) -> Self {
        Self {
            config: context.config.clone(),
            clock: context.clock.clone(),
            nodes: context.informers.of(&NODES, Selection::default()),
            pods: context.informers.of(&PODS, Selection::default()),
            missing: Mutex::default(),
        }
    }

    fn sources(&self, sources: &mut Sources<&'static str>) {
        let nodes = self.nodes.clone();
        sources.watch(&self.pods, move |event| {
            let pod = event.object();
            let node = pods::node_name(pod);
            let stranded = if node.is_empty() {
                pod.deletion_timestamp().is_some()
            } else {
                nodes
                    .get("", node)
                    .is_none_or(|node| pod.deletion_timestamp().is_some() && is_out_of_service(&node))
            };
            let gone = matches!(event, Event::Deleted(_));
            (!gone && (stranded || pods::is_terminal(pod))).then_some("pods")
        });
        sources.watch(&self.nodes, |event| match event {
            Event::Deleted(_) => Some("pods"),
            event => is_out_of_service(event.object()).then_some("pods"),
        });
    }

    fn observe<'a>(&'a self, _: &'a &'static str) -> BoxFuture<'a, Result<Option<World>, Status>> {
        let pods = self.pods.list();
        let out_of_service = self.nodes.list().into_iter().filter(|node| is_out_of_service(node));
        observed(Some(World {
            threshold: self.config.terminated_pod_gc_threshold,
            missing: self.missing_nodes(&pods),
            out_of_service: out_of_service.map(|node| node.name().to_owned()).collect(),
            pods,
        }))
    }

    fn plan(world: &World, now: Timestamp) -> Plan {
        plan(world, now)
    }
}

impl PodGarbageCollector {
    fn missing_nodes(&self, pods: &[CachedPod]) -> HashMap<String, Timestamp> {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let bound = pods.iter().map(|pod| pods::node_name(pod)).filter(|node| !node.is_empty());
        let absent = bound.filter(|node| self.nodes.get("", node).is_none());
        *missing = absent.map(|node| (node.to_owned(), missing.get(node).copied().unwrap_or(now))).collect();
        missing.clone()
    }
}

/// Whether an administrator said that a node that is not ready will not come back with its pods running (KEP-2268).
fn is_out_of_service(node: &Cached<Node>) -> bool {
    let ready = node
        .array_at(&["status", "conditions"])
        .iter()
        .any(|condition| condition.str_at(&["type"]) == "Ready" && condition.str_at(&["status"]) == "True");
    !ready && node.array_at(&["spec", "taints"]).iter().any(|taint| taint.str_at(&["key"]) == OUT_OF_SERVICE)
}

fn plan(world: &World, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    for pod in &world.pods {
        let node = pods::node_name(pod);
        let terminating = pod.deletion_timestamp().is_some();
        if let Some(since) = world.missing.get(node) {
            let wait = QUARANTINE - now.duration_since(*since);
            if wait.is_positive() {
                plan.requeue(Duration::try_from(wait).unwrap_or(Duration::ZERO));
            } else {
                remove(pod, Some("PodGC: node no longer exists"), now, &mut plan);
            }
        } else if terminating && (node.is_empty() || world.out_of_service.iter().any(|n| n == node)) {
            remove(pod, None, now, &mut plan);
        }
    }
    for pod in finished_beyond(world) {
        plan.write(forced(&pod));
    }
    plan
}

/// The finished pods to delete: evicted ones first, then the oldest.
fn finished_beyond(world: &World) -> Vec<CachedPod> {
    let mut finished: Vec<CachedPod> =
        world.pods.iter().filter(|pod| pods::is_terminal(pod)).cloned().collect();
    if world.threshold == 0 || finished.len() <= world.threshold {
        return Vec::new();
    }
    let evicted = |pod: &CachedPod| pod.str_at(&["status", "reason"]) == "Evicted";
    finished.sort_by(|a, b| {
        let created = |pod: &CachedPod| (pod.creation_timestamp().to_owned(), pod.name().to_owned());
        evicted(b).cmp(&evicted(a)).then_with(|| created(a).cmp(&created(b)))
    });
    finished.truncate(finished.len() - world.threshold);
    finished
}

/// Marks a pod failed if it has not ended, and deletes it at once: no kubelet will.
fn remove(pod: &CachedPod, disrupted: Option<&str>, now: Timestamp, plan: &mut Plan) {
    if !pods::is_terminal(pod) {
        let mut status = doc!({"phase": "Failed"});
        if let Some(message) = disrupted {
            let mut condition = doc!({
                "type": "DisruptionTarget",
                "status": "True",
                "lastTransitionTime": format_time(now),
                "reason": "DeletionByPodGC",
                "message": message
            });
            pods::observe_generation(&mut condition, pod);
            status.insert("conditions", vec![condition]);
        }
        let patch = doc!({"metadata": {"uid": pod.uid()}, "status": status});
        plan.write(Write::patch(&PODS, pod, "status", PatchKind::Strategic, patch));
    }
    plan.write(forced(pod));
}

fn forced(pod: &Document) -> Write {
    let uid = Some(pod.uid().to_owned());
    Write::delete_with(
        &PODS,
        pod,
        &DeleteOptions { uid, grace_period_seconds: Some(0), ..DeleteOptions::default() },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_client::Verb;

    fn at(second: i64) -> Timestamp {
        "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
    }

    fn pod(name: &str, node: &str, phase: &str) -> Document {
        doc!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "n", "uid": name, "creationTimestamp": format!("2026-01-01T00:00:0{}Z", name.len())},
            "spec": {"nodeName": node, "containers": []}, "status": {"phase": phase}})
    }

    fn world(pods: Vec<Document>) -> World {
        World {
            threshold: 1,
            pods: pods.into_iter().map(|pod| Arc::new(Cached::decode(Arc::new(pod)).unwrap())).collect(),
            missing: HashMap::from([("gone".to_owned(), at(0))]),
            out_of_service: vec!["broken".to_owned()],
        }
    }

    fn deleted(plan: &Plan) -> Vec<&str> {
        plan.writes()
            .filter(|write| write.call.verb == Verb::Delete)
            .map(|write| write.call.name.as_str())
            .collect()
    }

    #[test]
    fn pods_of_a_missing_node_go_after_the_quarantine() {
        let world = world(vec![pod("a", "gone", "Running"), pod("bb", "here", "Running")]);
        let early = plan(&world, at(10));
        assert_eq!((deleted(&early), early.requeue_after), (vec![], Some(Duration::from_secs(30))));
        let late = plan(&world, at(40));
        assert_eq!(deleted(&late), ["a"]);
        assert_eq!(
            late.writes().next().unwrap().call.body.as_ref().unwrap()["status"].str_at(&["phase"]),
            "Failed"
        );
    }

    #[test]
    fn terminating_pods_without_a_working_node_are_forced() {
        let mut pods =
            vec![pod("a", "", "Pending"), pod("bb", "broken", "Running"), pod("ccc", "here", "Running")];
        pods.iter_mut().for_each(|pod| pod.set(&["metadata", "deletionTimestamp"], "2026-01-01T00:00:00Z"));
        assert_eq!(deleted(&plan(&world(pods), at(0))), ["a", "bb"]);
    }

    #[test]
    fn the_oldest_finished_pods_beyond_the_threshold_go_and_evicted_ones_before_them() {
        let mut evicted = pod("ccc", "here", "Failed");
        evicted.set(&["status", "reason"], "Evicted");
        let pods = vec![pod("bb", "here", "Succeeded"), pod("a", "here", "Failed"), evicted];
        assert_eq!(deleted(&plan(&world(pods), at(0))), ["ccc", "a"]);
    }
}
