//! Whether a pod that was bound to this node may run on it: upstream's admission handlers of the kubelet.

use crate::agent::Agent;
use crate::pod::PodView;
use crate::pod::resources::pod_amounts;
use crate::status::PodFailure;
use std::sync::Arc;

/// Why a new pod is refused beside the pods that are here; `None` if it may run. Pods that already ran are not asked.
pub fn refuse(agent: &Agent, pod: &PodView, others: &[Arc<PodView>]) -> Option<PodFailure> {
    if pod.status().start_time.is_some() || pod.is_terminal() || pod.is_deleted() {
        return None;
    }
    let active: Vec<&Arc<PodView>> =
        others.iter().filter(|other| other.uid() != pod.uid() && !other.is_terminal()).collect();
    wrong_os(pod).or_else(|| selector_mismatch(agent, pod)).or_else(|| out_of(agent, pod, &active))
}

fn wrong_os(pod: &PodView) -> Option<PodFailure> {
    let os = pod.spec().os.as_ref()?;
    (os.name != "linux").then(|| PodFailure {
        reason: "PodOSNotSupported".into(),
        message: "Failed to admit pod as the OS field doesn't match node OS".into(),
    })
}

fn selector_mismatch(agent: &Agent, pod: &PodView) -> Option<PodFailure> {
    let own = |key: &str| match key {
        "kubernetes.io/os" | "beta.kubernetes.io/os" => Some("linux"),
        "kubernetes.io/arch" | "beta.kubernetes.io/arch" => Some(agent.machine.architecture),
        _ => None,
    };
    let selector = pod.spec().node_selector.as_ref()?;
    let mismatch = selector.iter().any(|(key, value)| own(key).is_some_and(|mine| mine != value));
    mismatch.then(|| PodFailure {
        reason: "NodeAffinity".into(),
        message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector".into(),
    })
}

/// Upstream's `OutOfcpu`, `OutOfmemory`, `OutOfpods`.
fn out_of(agent: &Agent, pod: &PodView, active: &[&Arc<PodView>]) -> Option<PodFailure> {
    let allocatable = agent.allocatable();
    let asked = pod_amounts(pod);
    let used = |of: fn(&PodView) -> i64| active.iter().map(|other| of(other)).sum::<i64>();
    let checks = [
        ("cpu", asked.cpu_request, used(|p| pod_amounts(p).cpu_request), allocatable.cpu),
        ("memory", asked.memory_request, used(|p| pod_amounts(p).memory_request), allocatable.memory),
        ("pods", 1, i64::try_from(active.len()).unwrap_or(i64::MAX), i64::from(agent.config.max_pods)),
    ];
    checks.into_iter().find(|(_, asked, used, capacity)| *asked > 0 && used + asked > *capacity).map(
        |(name, asked, used, capacity)| PodFailure {
            reason: format!("OutOf{name}"),
            message: format!(
                "Pod was rejected: Node didn't have enough resource: {name}, requested: {asked}, used: {used}, capacity: {capacity}"
            ),
        },
    )
}
