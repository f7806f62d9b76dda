//! What pods ask for of a resource: use is measured against that where the target is a percentage.

use crate::pods::CachedPod;
use skiff_api::pod_resources::{self, Which};
use skiff_apimachinery::Document;
use std::collections::BTreeMap;

/// Requests in thousandths, by the pods' names.
pub(super) type Requests<'p> = BTreeMap<&'p str, i64>;

/// The requests of pods: of one of their containers if that is named, else of the pods as a whole.
///
/// # Errors
/// In upstream's words, if one has none.
pub(super) fn of<'p>(pods: &'p [CachedPod], container: &str, resource: &str) -> Result<Requests<'p>, String> {
    pods.iter().map(|pod| of_pod(pod, container, resource).map(|request| (pod.name(), request))).collect()
}

fn of_pod(pod: &Document, container: &str, resource: &str) -> Result<i64, String> {
    let spec = &pod["spec"];
    if container.is_empty() && is_set_for_pod(spec) {
        let request = pod_resources::requests(spec).get(resource);
        let missing = || format!("missing pod-level request for {resource} in Pod {}", pod.name());
        return request.map(|request| request.milli_value()).ok_or_else(missing);
    }
    of_containers(pod, container, resource)
}

/// Whether the pod asks for something as a whole (KEP-2837).
fn is_set_for_pod(spec: &Document) -> bool {
    Which::Requests
        .of(spec)
        .names()
        .any(|name| matches!(name, "cpu" | "memory") || name.starts_with("hugepages-"))
}

fn of_containers(pod: &Document, container: &str, resource: &str) -> Result<i64, String> {
    let sidecars = pod.array_at(&["spec", "initContainers"]).iter();
    let sidecars = sidecars.filter(|container| container.str_at(&["restartPolicy"]) == "Always");
    let mut total = 0_i64;
    let mut found = false;
    for candidate in pod.array_at(&["spec", "containers"]).iter().chain(sidecars) {
        let name = candidate.str_at(&["name"]);
        if !container.is_empty() && container != name {
            continue;
        }
        found = true;
        let Some(request) = Which::Requests.of(candidate).get(resource) else {
            return Err(format!("missing request for {resource} in container {name} of Pod {}", pod.name()));
        };
        total = total.saturating_add(request.milli_value());
    }
    if !found && !container.is_empty() {
        return Err(format!("container {container} not found in Pod {}", pod.name()));
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn a_pod_asks_for_what_its_running_containers_ask_for() {
        let container = |name: &str, cpu: &str| doc!({"name": name, "resources": {"requests": {"cpu": cpu}}});
        let mut sidecar = container("sidecar", "20m");
        sidecar.insert("restartPolicy", "Always");
        let pod = doc!({"metadata": {"name": "p"}, "spec": {
            "initContainers": [container("init", "1"), sidecar],
            "containers": [container("a", "100m"), container("b", "200m")]
        }});
        let mut whole = pod.clone();
        whole.set(&["spec", "resources", "requests"], doc!({"cpu": "2", "memory": "1Gi"}));
        let cases = [
            (&pod, "", "cpu", Ok(320)),
            (&pod, "b", "cpu", Ok(200)),
            (&pod, "sidecar", "cpu", Ok(20)),
            (&pod, "init", "cpu", Err("container init not found in Pod p")),
            (&pod, "", "memory", Err("missing request for memory in container a of Pod p")),
            (&pod, "b", "memory", Err("missing request for memory in container b of Pod p")),
            (&whole, "", "cpu", Ok(2000)),
            (&whole, "a", "cpu", Ok(100)),
            (&whole, "", "hugepages-2Mi", Err("missing pod-level request for hugepages-2Mi in Pod p")),
        ];
        for (pod, container, resource, wanted) in cases {
            let wanted = wanted.map_err(str::to_owned);
            assert_eq!(of_pod(pod, container, resource), wanted, "{container} {resource}");
        }
    }
}
