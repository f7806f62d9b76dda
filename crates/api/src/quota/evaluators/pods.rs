//! Pods: their number, and what they ask for and may use while they live.

use super::object_count::count_name;
use crate::kinds::pod::qos_class;
use crate::pod_resources::{self, Which};
use crate::quota::{Evaluator, Requirement, Write};
use crate::resource_list::ResourceList;
use jiff::{SignedDuration, Timestamp};
use skiff_apimachinery::Document;
use skiff_apimachinery::quantity::Quantity;
use std::collections::{BTreeMap, BTreeSet};

/// Amounts that quotas name with and without `requests.`, and with `limits.`.
const COMPUTE: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
/// What a quota of these makes each container say.
const DEMANDED: [&str; 6] =
    ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];

/// Measures Pods.
pub(super) struct Pods;

impl Evaluator for Pods {
    fn handles(&self, write: &Write<'_>) -> bool {
        match write.subresource {
            "" => write.old.is_none(),
            "resize" => write.old.is_some(),
            _ => false,
        }
    }

    fn tracks(&self, name: &str) -> bool {
        let plain = name.strip_prefix("requests.");
        let amount = plain.or_else(|| name.strip_prefix("limits.")).unwrap_or(name);
        name == "pods"
            || name == count_name("", "pods")
            || COMPUTE.contains(&amount)
            || plain.unwrap_or(name).starts_with("hugepages-")
            || plain.is_some_and(is_extended)
    }

    fn is_in_scope(&self, scope: &Requirement, pod: &Document) -> bool {
        let ends = pod.i64_at(&["spec", "activeDeadlineSeconds"]).is_some_and(|seconds| seconds >= 0);
        let best_effort = || qos_class(pod) == "BestEffort";
        match scope.scope.as_str() {
            "Terminating" => ends,
            "NotTerminating" => !ends,
            "BestEffort" => best_effort(),
            "NotBestEffort" => !best_effort(),
            "PriorityClass" => {
                let name = pod.str_at(&["spec", "priorityClassName"]);
                scope.selects((!name.is_empty()).then_some(name))
            }
            "CrossNamespacePodAffinity" => looks_beyond_its_namespace(pod),
            _ => false,
        }
    }

    fn unmeasurable(&self, required: &[&str], pod: &Document) -> Option<String> {
        if pod.at(&["spec", "resources"]).is_some_and(|resources| !resources.is_empty()) {
            return None;
        }
        let mut missing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for list in ["containers", "initContainers"] {
            for container in pod.array_at(&["spec", list]) {
                let said = compute(&Which::Requests.of(container), &Which::Limits.of(container));
                for name in required.iter().filter(|name| DEMANDED.contains(name) && !said.contains(name)) {
                    missing.entry(name).or_default().insert(container.str_at(&["name"]));
                }
            }
        }
        let texts: Vec<String> = missing
            .into_iter()
            .map(|(name, of)| format!("{name} for: {}", of.into_iter().collect::<Vec<_>>().join(",")))
            .collect();
        (!texts.is_empty()).then(|| format!("must specify {}", texts.join("; ")))
    }

    fn usage(&self, pod: &Document, now: Timestamp) -> ResourceList {
        let one = Quantity::from_value(1);
        let mut used = ResourceList::default();
        used.set(count_name("", "pods"), one);
        if is_over(pod, now) {
            return used;
        }
        used.set("pods", one);
        if let Some(spec) = pod.get("spec") {
            used.add(&compute(&pod_resources::requests(spec), &pod_resources::limits(spec)));
        }
        used
    }
}

/// Amounts under the names that quotas have for them.
fn compute(requests: &ResourceList, limits: &ResourceList) -> ResourceList {
    let mut used = ResourceList::default();
    for (name, amount) in requests.iter() {
        if COMPUTE.contains(&name) || name.starts_with("hugepages-") {
            used.set(name, amount);
            used.set(format!("requests.{name}"), amount);
        } else if is_extended(name) {
            used.set(format!("requests.{name}"), amount);
        }
    }
    for (name, amount) in limits.iter().filter(|(name, _)| COMPUTE.contains(name)) {
        used.set(format!("limits.{name}"), amount);
    }
    used
}

/// A resource of somebody else, such as `example.com/gpu`.
fn is_extended(name: &str) -> bool {
    name.split_once('/').is_some_and(|(domain, _)| !domain.ends_with("kubernetes.io"))
        && !name.starts_with("requests.")
}

/// A pod that ended, or whose time to end is over, uses nothing but its place in the store.
fn is_over(pod: &Document, now: Timestamp) -> bool {
    if matches!(pod.str_at(&["status", "phase"]), "Failed" | "Succeeded") {
        return true;
    }
    let Some(deleted) = pod.deletion_timestamp().and_then(|text| text.parse::<Timestamp>().ok()) else {
        return false;
    };
    let grace = pod.i64_at(&["metadata", "deletionGracePeriodSeconds"]);
    let end = grace.and_then(|seconds| deleted.checked_add(SignedDuration::from_secs(seconds)).ok());
    end.is_some_and(|end| now > end)
}

/// Whether a term of affinity names other namespaces or selects them.
fn looks_beyond_its_namespace(pod: &Document) -> bool {
    let beyond = |term: &Document| {
        !term.array_at(&["namespaces"]).is_empty()
            || term.get("namespaceSelector").is_some_and(|s| !s.is_null())
    };
    ["podAffinity", "podAntiAffinity"].into_iter().any(|kind| {
        let terms = |list: &str| pod.array_at(&["spec", "affinity", kind, list]).iter();
        terms("requiredDuringSchedulingIgnoredDuringExecution").any(beyond)
            || terms("preferredDuringSchedulingIgnoredDuringExecution")
                .filter_map(|weighted| weighted.get("podAffinityTerm"))
                .any(beyond)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn pod() -> Document {
        doc!({"spec": {"containers": [{"name": "c", "resources": {
            "requests": {"cpu": "1", "example.com/gpu": "2", "hugepages-2Mi": "4Mi"},
            "limits": {"memory": "1Gi"}
        }}]}})
    }

    #[test]
    fn amounts_have_the_names_of_quotas() {
        assert_eq!(
            Pods.usage(&pod(), Timestamp::UNIX_EPOCH).to_string(),
            "count/pods=1,cpu=1,hugepages-2Mi=4Mi,limits.memory=1Gi,pods=1,requests.cpu=1,\
             requests.example.com/gpu=2,requests.hugepages-2Mi=4Mi"
        );
        for name in ["cpu", "limits.memory", "requests.example.com/gpu", "requests.hugepages-2Mi", "pods"] {
            assert!(Pods.tracks(name), "{name}");
        }
        for name in ["limits.example.com/gpu", "services", "requests.storage", "example.com/gpu"] {
            assert!(!Pods.tracks(name), "{name}");
        }
    }

    #[test]
    fn a_pod_that_is_over_only_takes_its_place() {
        let mut ended = pod();
        ended.set(&["status", "phase"], "Succeeded");
        assert_eq!(Pods.usage(&ended, Timestamp::UNIX_EPOCH).to_string(), "count/pods=1");
        let mut ending = pod();
        ending.set(&["metadata", "deletionTimestamp"], "1970-01-01T00:01:00Z");
        ending.set(&["metadata", "deletionGracePeriodSeconds"], 30);
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(!is_over(&ending, at(90)) && is_over(&ending, at(91)));
    }

    #[test]
    fn scopes_tell_pods_apart() {
        let scope = |name: &str, pod: &Document| {
            let requirement =
                Requirement { scope: name.into(), operator: "Exists".into(), values: Vec::new() };
            Pods.is_in_scope(&requirement, pod)
        };
        let (burstable, idle) =
            (pod(), doc!({"spec": {"containers": [{"name": "c"}], "activeDeadlineSeconds": 1}}));
        assert!(scope("NotBestEffort", &burstable) && scope("BestEffort", &idle));
        assert!(scope("NotTerminating", &burstable) && scope("Terminating", &idle));
        assert!(!scope("PriorityClass", &idle));
        let mut near = pod();
        let term = doc!({"topologyKey": "zone", "namespaceSelector": {}});
        near.set(
            &["spec", "affinity", "podAffinity", "requiredDuringSchedulingIgnoredDuringExecution"],
            doc!([term]),
        );
        assert!(scope("CrossNamespacePodAffinity", &near) && !scope("CrossNamespacePodAffinity", &burstable));
    }
}
