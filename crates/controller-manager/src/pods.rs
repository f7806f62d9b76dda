//! Facts about pods that several controllers need, as upstream's `podutil` tells them.

use crate::ownership;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodCondition};
use skiff_apimachinery::Document;
use skiff_client::{Cached, Index, Informer};
use std::sync::Arc;
use std::time::Duration;

/// A pod as informers hold it.
pub type CachedPod = Arc<Cached<Pod>>;

/// The pods by the UID of their controller; those without one under [`orphans_of`] their namespace.
pub fn by_controller(pods: &Informer<Pod>) -> Index<Pod> {
    ownership::by_controller(pods)
}

/// The pods by the node that they are bound to; empty for none.
pub fn by_node(pods: &Informer<Pod>) -> Index<Pod> {
    pods.index("node", |pod| vec![node_name(pod).to_owned()])
}

/// The key under which objects without a controller are indexed.
pub fn orphans_of(namespace: &str) -> String {
    format!("orphans/{namespace}")
}

/// The node that a pod is bound to; empty for none.
pub fn node_name(pod: &Cached<Pod>) -> &str {
    pod.str_at(&["spec", "nodeName"])
}

/// `status.phase`.
pub fn phase(pod: &Cached<Pod>) -> &str {
    pod.str_at(&["status", "phase"])
}

/// Says in a pod's condition which spec it is about.
pub fn observe_generation(condition: &mut Document, pod: &Document) {
    if pod.generation() > 0 {
        condition.insert("observedGeneration", pod.generation());
    }
}

/// Whether all containers have ended for good.
pub fn is_terminal(pod: &Cached<Pod>) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

/// Whether a pod counts as a replica: not ended and not being deleted.
pub fn is_active(pod: &Cached<Pod>) -> bool {
    !is_terminal(pod) && pod.deletion_timestamp().is_none()
}

/// A condition.
pub fn condition<'a>(pod: &'a Cached<Pod>, kind: &str) -> Option<&'a PodCondition> {
    pod.typed.status.as_ref()?.conditions.as_ref()?.iter().find(|condition| condition.type_ == kind)
}

/// Whether the Ready condition is true.
pub fn is_ready(pod: &Cached<Pod>) -> bool {
    condition(pod, "Ready").is_some_and(|ready| ready.status == "True")
}

/// Since when the pod is ready; `None` if it is not.
pub fn ready_since(pod: &Cached<Pod>) -> Option<Timestamp> {
    let ready = condition(pod, "Ready").filter(|ready| ready.status == "True")?;
    ready.last_transition_time.as_ref().map(|time| time.0)
}

/// A workload's `spec.minReadySeconds`.
pub fn min_ready_seconds(workload: &Document) -> i32 {
    let seconds = workload.i64_at(&["spec", "minReadySeconds"]).unwrap_or(0);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

/// Whether a pod has been ready for at least `minReadySeconds`.
pub fn is_available(pod: &Cached<Pod>, min_ready_seconds: i32, now: Timestamp) -> bool {
    is_ready(pod)
        && (min_ready_seconds == 0 || available_in(pod, min_ready_seconds, now) == Some(Duration::ZERO))
}

/// How long until a ready pod is available; `None` if it is not ready.
pub fn available_in(pod: &Cached<Pod>, min_ready_seconds: i32, now: Timestamp) -> Option<Duration> {
    let since = ready_since(pod)?;
    let ready_for = now.duration_since(since).as_secs_f64();
    let missing = f64::from(min_ready_seconds) - ready_for;
    Some(if missing <= 0.0 { Duration::ZERO } else { Duration::from_secs_f64(missing) })
}

/// When the next of these pods becomes available by time alone; `None` if none does.
pub fn next_availability<'a>(
    pods: impl IntoIterator<Item = &'a CachedPod>,
    min_ready_seconds: i32,
    now: Timestamp,
) -> Option<Duration> {
    let waits = pods.into_iter().filter_map(|pod| available_in(pod, min_ready_seconds, now));
    waits.filter(|wait| !wait.is_zero()).min()
}
