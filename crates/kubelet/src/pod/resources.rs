//! Requests and limits: quality of service, cgroup values, out-of-memory score.

use super::amount::{milli, units};
use super::{ContainerView, PodView};
use k8s_openapi::api::core::v1::{Container, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use skiff_cri::v1::{HugepageLimit, LinuxContainerResources};
use std::collections::BTreeMap;

/// Length of a CFS period in microseconds.
pub const CPU_PERIOD: i64 = 100_000;
const MIN_SHARES: i64 = 2;
const MAX_SHARES: i64 = 262_144;
const MIN_QUOTA: i64 = 1_000;
const GUARANTEED_OOM_SCORE: i64 = -997;
const BEST_EFFORT_OOM_SCORE: i64 = 1_000;

/// Quality of service class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are the API's")]
pub enum Qos {
    Guaranteed,
    Burstable,
    BestEffort,
}

/// What a pod asks for and may use, summed over its containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PodAmounts {
    /// Requested CPU in thousandths.
    pub cpu_request: i64,
    /// CPU limit in thousandths; `None` if a container has none.
    pub cpu_limit: Option<i64>,
    /// Requested memory in bytes.
    pub memory_request: i64,
    /// Memory limit in bytes; `None` if a container has none.
    pub memory_limit: Option<i64>,
}

type Amounts = Option<BTreeMap<String, Quantity>>;

fn find<'a>(amounts: &'a Amounts, name: &str) -> Option<&'a Quantity> {
    amounts.as_ref()?.get(name)
}

fn requirements(container: &Container) -> (&Amounts, &Amounts) {
    static NONE: Amounts = None;
    match &container.resources {
        Some(ResourceRequirements { requests, limits, .. }) => (requests, limits),
        None => (&NONE, &NONE),
    }
}

/// A container's requested CPU in thousandths; its limit if only that is given.
pub fn cpu_request(container: &Container) -> Option<i64> {
    let (requests, limits) = requirements(container);
    find(requests, "cpu").or_else(|| find(limits, "cpu")).and_then(milli)
}

/// A container's CPU limit in thousandths.
pub fn cpu_limit(container: &Container) -> Option<i64> {
    find(requirements(container).1, "cpu").and_then(milli)
}

/// A container's requested memory in bytes; its limit if only that is given.
pub fn memory_request(container: &Container) -> Option<i64> {
    let (requests, limits) = requirements(container);
    find(requests, "memory").or_else(|| find(limits, "memory")).and_then(units)
}

/// A container's memory limit in bytes.
pub fn memory_limit(container: &Container) -> Option<i64> {
    find(requirements(container).1, "memory").and_then(units)
}

/// Any resource of a container, by kind (`requests` or `limits`) and name.
pub fn amount<'a>(container: &'a Container, kind: &str, name: &str) -> Option<&'a Quantity> {
    let (requests, limits) = requirements(container);
    find(if kind == "limits" { limits } else { requests }, name)
}

/// The pod's class: what the server decided, else by upstream's rule over CPU and memory.
pub fn qos(pod: &PodView) -> Qos {
    match pod.status().qos_class.as_deref() {
        Some("Guaranteed") => return Qos::Guaranteed,
        Some("Burstable") => return Qos::Burstable,
        Some("BestEffort") => return Qos::BestEffort,
        _ => {}
    }
    let positive = |amount: Option<i64>| amount.filter(|n| *n > 0);
    let (mut any, mut all) = (false, true);
    for ContainerView { spec, .. } in pod.init_containers().chain(pod.regular_containers()) {
        for (request, limit) in
            [(cpu_request(spec), cpu_limit(spec)), (memory_request(spec), memory_limit(spec))]
        {
            let (request, limit) = (positive(request), positive(limit));
            any |= request.is_some() || limit.is_some();
            all &= limit.is_some() && request == limit;
        }
    }
    match (any, all) {
        (false, _) => Qos::BestEffort,
        (true, true) => Qos::Guaranteed,
        (true, false) => Qos::Burstable,
    }
}

/// What the pod's cgroup is sized by: the larger of its containers (with sidecars) together and any one init container.
pub fn pod_amounts(pod: &PodView) -> PodAmounts {
    let mut requests = (0, 0);
    let mut limits = (Some(0), Some(0));
    let sum = |total: Option<i64>, part: Option<i64>| Some(total? + part.filter(|n| *n > 0)?);
    let long_running =
        || pod.regular_containers().chain(pod.init_containers().filter(|c| c.role == super::Role::Sidecar));
    for ContainerView { spec, .. } in long_running() {
        requests.0 += cpu_request(spec).unwrap_or(0);
        requests.1 += memory_request(spec).unwrap_or(0);
        limits = (sum(limits.0, cpu_limit(spec)), sum(limits.1, memory_limit(spec)));
    }
    let wider = |total: Option<i64>, one: Option<i64>| Some(total?.max(one.filter(|n| *n > 0)?));
    for ContainerView { spec, .. } in pod.init_containers().filter(|c| c.role == super::Role::Init) {
        requests.0 = requests.0.max(cpu_request(spec).unwrap_or(0));
        requests.1 = requests.1.max(memory_request(spec).unwrap_or(0));
        limits = (wider(limits.0, cpu_limit(spec)), wider(limits.1, memory_limit(spec)));
    }
    PodAmounts {
        cpu_request: requests.0,
        memory_request: requests.1,
        cpu_limit: limits.0,
        memory_limit: limits.1,
    }
}

/// Thousandths of a CPU as cgroup shares.
pub fn shares(milli_cpu: i64) -> i64 {
    if milli_cpu == 0 { MIN_SHARES } else { (milli_cpu * 1024 / 1000).clamp(MIN_SHARES, MAX_SHARES) }
}

/// Thousandths of a CPU as a quota of one period; 0 means no limit.
pub fn quota(milli_cpu: i64) -> i64 {
    if milli_cpu == 0 { 0 } else { (milli_cpu * CPU_PERIOD / 1000).max(MIN_QUOTA) }
}

/// The score that makes the kernel kill best-effort pods first and guaranteed ones last.
pub fn oom_score(qos: Qos, memory_request: i64, memory_capacity: i64) -> i64 {
    match qos {
        Qos::Guaranteed => GUARANTEED_OOM_SCORE,
        Qos::BestEffort => BEST_EFFORT_OOM_SCORE,
        Qos::Burstable => {
            let share = if memory_capacity > 0 { 1000 * memory_request / memory_capacity } else { 0 };
            (1000 - share).clamp(1000 + GUARANTEED_OOM_SCORE, BEST_EFFORT_OOM_SCORE - 1)
        }
    }
}

/// The cgroup values of one container.
pub fn linux_resources(
    pod: &PodView,
    container: &Container,
    memory_capacity: i64,
) -> LinuxContainerResources {
    let huge_pages = requirements(container).1.iter().flatten().filter_map(|(name, quantity)| {
        let size = name.strip_prefix("hugepages-")?;
        Some(HugepageLimit {
            page_size: format!("{size}B").replace("iB", "B"),
            limit: u64::try_from(units(quantity)?).ok()?,
        })
    });
    LinuxContainerResources {
        cpu_period: CPU_PERIOD,
        cpu_quota: quota(cpu_limit(container).unwrap_or(0)),
        cpu_shares: shares(cpu_request(container).unwrap_or(0)),
        memory_limit_in_bytes: memory_limit(container).unwrap_or(0),
        oom_score_adj: oom_score(qos(pod), memory_request(container).unwrap_or(0), memory_capacity),
        hugepage_limits: huge_pages.collect(),
        ..LinuxContainerResources::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::pod;
    use super::*;
    use skiff_apimachinery::{Document, doc};

    fn with_resources(resources: Document) -> PodView {
        pod(doc!({"containers": [{"name": "a", "resources": resources}]}), doc!({}))
    }

    #[test]
    fn class_follows_requests_and_limits() {
        for (resources, want) in [
            (doc!({}), Qos::BestEffort),
            (doc!({"requests": {"cpu": "10m"}}), Qos::Burstable),
            (doc!({"limits": {"memory": "32Mi"}}), Qos::Burstable),
            (doc!({"limits": {"cpu": "1", "memory": "32Mi"}}), Qos::Guaranteed),
            (doc!({"requests": {"cpu": "500m"}, "limits": {"cpu": "1", "memory": "32Mi"}}), Qos::Burstable),
        ] {
            assert_eq!(qos(&with_resources(resources.clone())), want, "{resources}");
        }
    }

    #[test]
    fn cgroup_values_are_upstream_s() {
        let pod = with_resources(
            doc!({"requests": {"cpu": "10m", "memory": "8Mi"}, "limits": {"cpu": "250m", "memory": "32Mi"}}),
        );
        let values = linux_resources(&pod, &pod.spec().containers[0], 8 << 30);
        assert_eq!(
            (values.cpu_shares, values.cpu_quota, values.memory_limit_in_bytes),
            (10, 25_000, 32 << 20)
        );
        assert_eq!(values.oom_score_adj, 999);
    }
}
