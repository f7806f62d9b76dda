//! Pods.

mod columns;
mod update;

use super::pod_template::{self, Within};
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::quantity::Quantity;
use skiff_apimachinery::{Document, FieldErrors, FieldPath, Map, doc};
use std::borrow::Cow;

/// `v1 Pod`.
pub(crate) struct Pod;

/// Field selector labels.
const SELECTABLE: [&str; 9] = [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.podIPs",
    "status.nominatedNodeName",
];

impl Strategy for Pod {
    fn default(&self, object: &mut Document) {
        if let Some(spec) = object.get_mut("spec") {
            pod_template::default_pod(spec);
        }
    }

    fn prepare_for_create(&self, object: &mut Document) {
        let qos = qos_class(object);
        object.insert("status", doc!({"phase": "Pending", "qosClass": qos}));
        if !object.array_at(&["spec", "schedulingGates"]).is_empty() {
            object.set(
                &["status", "conditions"],
                doc!([{
                    "type": "PodScheduled", "status": "False", "reason": "SchedulingGated",
                    "message": "Scheduling is blocked due to non-empty scheduling gates"
                }]),
            );
        }
    }

    fn prepare_for_update(&self, scope: UpdateScope, new: &mut Document, old: &Document) {
        match scope {
            UpdateScope::Main => {
                match old.get("status") {
                    Some(status) => new.insert("status", status),
                    None => drop(new.remove(&["status"])),
                }
                let gated_before = !old.array_at(&["spec", "schedulingGates"]).is_empty();
                if gated_before && new.array_at(&["spec", "schedulingGates"]).is_empty() {
                    drop_gated_condition(new);
                }
            }
            UpdateScope::Status => {
                let spec = old.get("spec").cloned().unwrap_or_default();
                new.insert("spec", spec);
                for field in ["deletionTimestamp", "ownerReferences"] {
                    match old.at(&["metadata", field]) {
                        Some(value) => new.set(&["metadata", field], value),
                        None => drop(new.remove(&["metadata", field])),
                    }
                }
                if let Some(qos) = old.at(&["status", "qosClass"]) {
                    new.set(&["status", "qosClass"], qos);
                }
            }
        }
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        static EMPTY: Document = Document::NULL;
        pod_template::validate_spec(
            object.get("spec").unwrap_or(&EMPTY),
            &FieldPath::new("spec"),
            Within::Pod,
        )
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => update::validate(new, old),
            UpdateScope::Status => update::validate_status(new, old),
        }
    }

    fn warnings(&self, new: &Document, old: Option<&Document>) -> Vec<String> {
        // people change pods through their workloads, so upstream is silent about updates
        if old.is_some() { Vec::new() } else { pod_template::warnings::for_pod(new) }
    }

    fn has_status(&self) -> bool {
        true
    }

    fn grace_period(&self, object: &Document, requested: Option<i64>) -> Option<i64> {
        let asked =
            requested.or_else(|| object.i64_at(&["spec", "terminationGracePeriodSeconds"])).unwrap_or(30);
        // Nobody runs it, or it has ended: there is nothing to wait for.
        let nowhere = object.str_at(&["spec", "nodeName"]).is_empty();
        let ended = matches!(object.str_at(&["status", "phase"]), "Failed" | "Succeeded");
        let seconds = if nowhere || ended { 0 } else { asked };
        Some(if seconds < 0 { 1 } else { seconds })
    }

    fn selectable_fields(&self) -> Vec<Cow<'static, str>> {
        SELECTABLE.into_iter().map(Cow::Borrowed).collect()
    }

    fn select_field(&self, object: &Document, field: &str) -> String {
        match field {
            "spec.hostNetwork" => (object.bool_at(&["spec", "hostNetwork"]) == Some(true)).to_string(),
            "status.podIPs" => {
                let addresses = object.array_at(&["status", "podIPs"]).iter().map(|a| a.str_at(&["ip"]));
                addresses.collect::<Vec<_>>().join(",")
            }
            _ => {
                let path: Vec<&str> = field.split('.').collect();
                object.str_at(&path).to_owned()
            }
        }
    }

    fn columns(&self) -> Vec<Column> {
        columns::columns()
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        columns::cells(object, now)
    }
}

fn drop_gated_condition(pod: &mut Document) {
    if let Some(conditions) = pod.at_mut(&["status", "conditions"]).and_then(Document::as_array_mut) {
        conditions
            .retain(|c| c.str_at(&["type"]) != "PodScheduled" || c.str_at(&["reason"]) != "SchedulingGated");
    }
}

/// `Guaranteed`, `Burstable` or `BestEffort`, by what the containers ask of CPU and memory.
pub(crate) fn qos_class(pod: &Document) -> &'static str {
    let spec = pod.get("spec");
    let lists = ["containers", "initContainers"];
    let of_pod = spec.and_then(|s| s.get("resources")).filter(|r| !r.is_empty());
    let containers: Vec<&Document> = match (of_pod, spec) {
        (Some(_), Some(spec)) => vec![spec],
        (None, Some(spec)) => lists.iter().flat_map(|list| spec.array_at(&[list])).collect(),
        (_, None) => Vec::new(),
    };
    let mut anything = false;
    let mut guaranteed = !containers.is_empty();
    for container in containers {
        let list = |which: &str| container.object_at(&["resources", which]);
        let (requests, limits) = (list("requests"), list("limits"));
        for name in ["cpu", "memory"] {
            let amount = |list: Option<&Map>| {
                list.and_then(|l| l.get(name))
                    .and_then(Quantity::from_document)?
                    .ok()
                    .filter(|q| !q.is_zero())
            };
            let (request, limit) = (amount(requests), amount(limits));
            anything |= request.is_some() || limit.is_some();
            guaranteed &= limit.is_some() && request.is_none_or(|r| Some(r) == limit);
        }
    }
    match (anything, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(resources: Document) -> &'static str {
        qos_class(&doc!({"spec": {"containers": [{"resources": resources}]}}))
    }

    #[test]
    fn the_quality_of_service_follows_requests_and_limits() {
        assert_eq!(class(doc!({})), "BestEffort");
        assert_eq!(class(doc!({"requests": {"cpu": "1"}})), "Burstable");
        let full = doc!({"cpu": "1", "memory": "1Gi"});
        assert_eq!(class(doc!({"requests": full.clone(), "limits": full.clone()})), "Guaranteed");
        assert_eq!(class(doc!({"limits": full})), "Guaranteed");
    }

    #[test]
    fn a_pod_without_a_node_is_deleted_at_once() {
        let mut pod = doc!({"spec": {"terminationGracePeriodSeconds": 20}});
        assert_eq!(Pod.grace_period(&pod, None), Some(0));
        pod.set(&["spec", "nodeName"], "n");
        assert_eq!(Pod.grace_period(&pod, None), Some(20));
        assert_eq!(Pod.grace_period(&pod, Some(0)), Some(0));
        pod.set(&["status", "phase"], "Succeeded");
        assert_eq!(Pod.grace_period(&pod, None), Some(0));
    }
}
