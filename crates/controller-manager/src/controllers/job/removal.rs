//! Which active pods go when there are too many: those that have done least.

use super::job_pod::{JobPod, containers, init_containers};
use crate::pods;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use skiff_client::Cached;
use std::cmp::Ordering;
use std::collections::HashSet;

/// The pods to remove, at least so many. Of a Job with indexes, all go that have none and all but one of each index.
pub(super) fn surplus<'v>(active: &[&'v JobPod], has_indexes: bool, at_least: usize) -> Vec<&'v JobPod> {
    let mut left = active.to_vec();
    left.sort_by(|a, b| compare(&a.pod, &b.pod));
    let mut out = Vec::new();
    if has_indexes {
        let mut kept = HashSet::new();
        // Those that have done most are asked first.
        let (stay, go): (Vec<&JobPod>, Vec<&JobPod>) =
            left.into_iter().rev().partition(|pod| pod.index.is_some_and(|index| kept.insert(index)));
        left = stay.into_iter().rev().collect();
        out = go;
    }
    let more = at_least.saturating_sub(out.len());
    out.extend(left.into_iter().take(more));
    out
}

/// `Less` if `a` goes before `b`.
fn compare(a: &Cached<Pod>, b: &Cached<Pod>) -> Ordering {
    let assigned = |pod: &Cached<Pod>| !pods::node_name(pod).is_empty();
    assigned(a)
        .cmp(&assigned(b))
        .then_with(|| phase_order(a).cmp(&phase_order(b)))
        .then_with(|| pods::is_ready(a).cmp(&pods::is_ready(b)))
        .then_with(|| younger_first(pods::ready_since(a), pods::ready_since(b)))
        .then_with(|| restarts(b).cmp(&restarts(a)))
        .then_with(|| younger_first(created(a), created(b)))
}

fn phase_order(pod: &Cached<Pod>) -> u8 {
    match pods::phase(pod) {
        "Running" => 2,
        "Unknown" => 1,
        _ => 0,
    }
}

/// An unknown moment is the youngest.
fn younger_first(a: Option<Timestamp>, b: Option<Timestamp>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => b.cmp(&a),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// The most restarts of a container, then of a sidecar.
fn restarts(pod: &Cached<Pod>) -> (i32, i32) {
    fn most<'p>(containers: impl Iterator<Item = &'p ContainerStatus>) -> i32 {
        containers.map(|container| container.restart_count).max().unwrap_or(0)
    }
    let spec = pod.typed.spec.as_ref();
    let is_sidecar = |container: &&ContainerStatus| {
        let mut init = spec.iter().flat_map(|spec| &spec.init_containers).flatten();
        init.any(|init| init.name == container.name && init.restart_policy.as_deref() == Some("Always"))
    };
    (most(containers(pod)), most(init_containers(pod).filter(is_sidecar)))
}

fn created(pod: &Cached<Pod>) -> Option<Timestamp> {
    pod.typed.metadata.creation_timestamp.as_ref().map(|time| time.0)
}

#[cfg(test)]
mod tests {
    use super::super::job_pod::INDEX;
    use super::super::spec::Spec;
    use super::*;
    use skiff_apimachinery::{Document, doc};
    use std::sync::Arc;

    fn pod(name: &str, index: &str) -> Document {
        doc!({
            "metadata": {"name": name, "uid": name, "annotations": {(INDEX): index},
                "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"nodeName": "node", "containers": []}, "status": {"phase": "Running"}
        })
    }

    fn with(mut pod: Document, path: &[&str], value: impl Into<Document>) -> Document {
        pod.set(path, value);
        pod
    }

    fn of_job(pods: Vec<Document>) -> Vec<JobPod> {
        let job = doc!({"spec": {"completionMode": "Indexed", "completions": 5}});
        let cached = |pod: Document| Arc::new(Cached::decode(Arc::new(pod)).unwrap());
        pods.into_iter().map(|pod| JobPod::owned(cached(pod), Spec::of(&job))).collect()
    }

    fn gone(pods: &[JobPod], has_indexes: bool, at_least: usize) -> Vec<&str> {
        let active: Vec<&JobPod> = pods.iter().collect();
        surplus(&active, has_indexes, at_least).into_iter().map(|pod| pod.pod.name()).collect()
    }

    #[test]
    fn those_go_first_that_have_done_least() {
        let ready = |since: &str| doc!([{"type": "Ready", "status": "True", "lastTransitionTime": since}]);
        let restarted = doc!([{"name": "c", "restartCount": 2}]);
        let early = "2026-01-01T00:00:01Z";
        let late = "2026-01-01T00:00:02Z";
        let pods = of_job(vec![
            with(pod("old-ready", "0"), &["status", "conditions"], ready(early)),
            with(pod("young-ready", "0"), &["status", "conditions"], ready(late)),
            pod("old", "0"),
            with(pod("young", "0"), &["metadata", "creationTimestamp"], early),
            with(pod("restarted", "0"), &["status", "containerStatuses"], restarted),
            with(pod("pending", "0"), &["status", "phase"], "Pending"),
            with(pod("unassigned", "0"), &["spec", "nodeName"], ""),
        ]);
        let order = ["unassigned", "pending", "restarted", "young", "old", "young-ready", "old-ready"];
        assert_eq!(gone(&pods, false, 7), order);
        assert_eq!(gone(&pods, false, 2), ["unassigned", "pending"]);
        assert!(gone(&pods, false, 0).is_empty());
    }

    #[test]
    fn one_pod_stays_of_each_index_and_none_without() {
        let pending = |name: &str, index: &str| with(pod(name, index), &["status", "phase"], "Pending");
        let pods = of_job(vec![
            pod("a", "0"),
            pending("b", "0"),
            pending("c", "1"),
            pod("d", "beyond"),
            pod("e", "5"),
        ]);
        let mut surplus = gone(&pods, true, 0);
        surplus.sort_unstable();
        assert_eq!(surplus, ["b", "d", "e"]);
        assert_eq!(gone(&pods, true, 4).last(), Some(&"c"));
        assert_eq!(gone(&pods, true, 9).len(), 5);
    }
}
