//! `taint-eviction-controller`: deletes pods from nodes whose `NoExecute` taints they do not tolerate, or no longer.

use crate::controller::{Context, Controller, observed};
use crate::plan::{Action, Notice, Plan, Write};
use crate::pods::{self, CachedPod};
use crate::sources::Sources;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Node, Pod, Taint, Toleration};
use skiff_apimachinery::meta::ObjectKey;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Status, doc};
use skiff_client::resources::{NODES, PODS};
use skiff_client::{Cached, Event, Index, Informer, PatchKind, Selection};
use std::time::Duration;

const NO_EXECUTE: &str = "NoExecute";

/// The controller; its keys are those of pods.
pub struct TaintEviction {
    nodes: Informer<Node>,
    pods: Informer<Pod>,
    pods_by_node: Index<Pod>,
}

/// One pod on a node with `NoExecute` taints.
pub struct World {
    pod: CachedPod,
    taints: Vec<Taint>,
}

impl Controller for TaintEviction {
    const NAME: &'static str = "taint-eviction-controller";
    const IDENTITY: &'static str = "node-controller";
    const EVENT_SOURCE: &'static str = "taint-eviction-controller";

    type Key = ObjectKey;
    type World = World;

    fn new(context: &Context) -> Self {
        let pods = context.informers.of(&PODS, Selection::default());
        Self {
            nodes: context.informers.of(&NODES, Selection::default()),
            pods_by_node: pods::by_node(&pods),
            pods,
        }
    }

    fn sources(&self, sources: &mut Sources<ObjectKey>) {
        let nodes = self.nodes.clone();
        sources.watch(&self.pods, move |event| {
            let pod = event.object();
            let node = nodes.get("", pods::node_name(pod));
            node.filter(|node| !no_execute(node).is_empty()).map(|_| pod.key())
        });
        let by_node = self.pods_by_node.clone();
        sources.watch(&self.nodes, move |event| {
            let concerned = match event {
                Event::Added(node) => !no_execute(node).is_empty(),
                Event::Updated { old, new } => no_execute(old) != no_execute(new),
                Event::Deleted(_) => false,
            };
            let pods = if concerned { by_node.get(event.object().name()) } else { Vec::new() };
            pods.into_iter().map(|pod| pod.key())
        });
    }

    fn observe<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<World>, Status>> {
        let world = self.pods.get(&key.namespace, &key.name).and_then(|pod| {
            let node = self.nodes.get("", pods::node_name(&pod))?;
            let taints = no_execute(&node);
            (!taints.is_empty() && pod.deletion_timestamp().is_none()).then_some(World { pod, taints })
        });
        observed(world)
    }

    fn plan(world: &World, now: Timestamp) -> Plan {
        plan(world, now)
    }
}

fn no_execute(node: &Cached<Node>) -> Vec<Taint> {
    let taints = node.typed.spec.as_ref().and_then(|spec| spec.taints.as_ref());
    taints.into_iter().flatten().filter(|taint| taint.effect == NO_EXECUTE).cloned().collect()
}

fn plan(world: &World, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    match eviction_time(world) {
        Eviction::Never => {}
        Eviction::At(time) if time > now => {
            plan.requeue(Duration::try_from(time.duration_since(now)).unwrap_or(Duration::ZERO));
        }
        Eviction::At(_) | Eviction::Now => evict(&world.pod, now, &mut plan),
    }
    plan
}

enum Eviction {
    Never,
    Now,
    At(Timestamp),
}

/// The pod may stay as long as the shortest of the tolerations that it needs.
fn eviction_time(world: &World) -> Eviction {
    let spec = world.pod.typed.spec.as_ref();
    let tolerations = spec.and_then(|spec| spec.tolerations.as_ref());
    let mut earliest = None;
    for taint in &world.taints {
        let Some(toleration) =
            tolerations.into_iter().flatten().find(|toleration| tolerates(toleration, taint))
        else {
            return Eviction::Now;
        };
        if let Some(seconds) = toleration.toleration_seconds {
            let until = begin(world, taint).checked_add(SignedDuration::from_secs(seconds.max(0)));
            let until = until.unwrap_or(Timestamp::MAX);
            earliest = Some(earliest.map_or(until, |earlier: Timestamp| earlier.min(until)));
        }
    }
    earliest.map_or(Eviction::Never, Eviction::At)
}

/// From when on a pod tolerates a taint: both must be there.
fn begin(world: &World, taint: &Taint) -> Timestamp {
    let tainted = taint.time_added.as_ref().map(|time| time.0);
    let scheduled = pods::condition(&world.pod, "PodScheduled").and_then(|c| c.last_transition_time.as_ref());
    let created = world.pod.typed.metadata.creation_timestamp.as_ref();
    let bound = scheduled.or(created).map(|time| time.0);
    tainted.into_iter().chain(bound).max().unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Whether a toleration covers a taint.
pub(super) fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let (effect, key) = (text(&toleration.effect), text(&toleration.key));
    if !effect.is_empty() && effect != taint.effect || !key.is_empty() && key != taint.key {
        return false;
    }
    match text(&toleration.operator).as_str() {
        "Exists" => true,
        "" | "Equal" => !key.is_empty() && text(&toleration.value) == text(&taint.value),
        _ => false,
    }
}

fn evict(pod: &CachedPod, now: Timestamp, plan: &mut Plan) {
    let message = format!("Marking for deletion Pod {}", pod.key());
    plan.actions.push(Action::Tell(Notice::normal(pod, "TaintManagerEviction", message)));
    let mut condition = doc!({
        "type": "DisruptionTarget",
        "status": "True",
        "lastTransitionTime": format_time(now),
        "reason": "DeletionByTaintManager",
        "message": "Taint manager: deleting due to NoExecute taint"
    });
    pods::observe_generation(&mut condition, pod);
    let patch = doc!({"metadata": {"uid": pod.uid()}, "status": {"conditions": [condition]}});
    plan.write(Write::patch(&PODS, pod, "status", PatchKind::Strategic, patch));
    plan.write(Write::delete(&PODS, pod));
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::Document;
    use std::sync::Arc;

    fn at(second: i64) -> Timestamp {
        "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
    }

    fn planned(tolerations: Document, second: i64) -> Plan {
        let pod = doc!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "p", "namespace": "n", "uid": "u", "creationTimestamp": "2025-12-31T00:00:00Z"},
            "spec": {"nodeName": "a", "containers": [], "tolerations": tolerations}});
        let taint = doc!({"key": "node.kubernetes.io/unreachable", "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"});
        let pod = Arc::new(Cached::decode(Arc::new(pod)).unwrap());
        plan(&World { pod, taints: vec![taint.read().unwrap()] }, at(second))
    }

    #[test]
    fn a_pod_stays_as_long_as_it_tolerates() {
        let default = doc!([{"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}]);
        let waiting = planned(default.clone(), 100);
        assert_eq!((waiting.writes().count(), waiting.requeue_after), (0, Some(Duration::from_secs(200))));
        assert_eq!(planned(default, 300).writes().count(), 2);
        assert_eq!(planned(doc!([{"operator": "Exists"}]), 9999), Plan::nothing());
    }

    #[test]
    fn a_pod_without_toleration_goes_at_once() {
        let plan = planned(doc!([]), 0);
        let Some(Action::Tell(notice)) = plan.actions.first() else { panic!("{plan:?}") };
        assert_eq!(notice.message, "Marking for deletion Pod n/p");
        assert_eq!(plan.writes().last().unwrap().call.verb, skiff_client::Verb::Delete);
    }
}
