//! Pods.

mod app_armor;
mod columns;
pub(crate) mod ephemeral_containers;
mod gated;
mod label_selectors;
pub(crate) mod resize;
mod rules;
mod sameness;
mod spec_diff;
mod status;
mod update;

use super::pod_template::{self, Leniency, disabled};
use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::quantity::Quantity;
use skiff_apimachinery::{Document, FieldErrors, Map, doc};
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
        if let Some(spec) = object.get_mut("spec") {
            disabled::drop_from_spec(spec, None);
        }
        if !object.array_at(&["spec", "schedulingGates"]).is_empty() {
            let condition = gated_condition(object);
            object.set(&["status", "conditions"], vec![condition]);
        }
        label_selectors::fill_in(object);
        app_armor::fill_in(object);
    }

    fn prepare_for_update(&self, scope: UpdateScope, new: &mut Document, old: &Document) {
        match scope {
            UpdateScope::Main => {
                update::restore(new, old, "status");
                if let Some(spec) = new.get_mut("spec") {
                    disabled::drop_from_spec(spec, old.get("spec"));
                }
            }
            UpdateScope::Status => {
                let spec = old.get("spec").cloned().unwrap_or_default();
                new.insert("spec", spec);
                if let Some(metadata) = new.get_mut("metadata") {
                    let old_metadata = old.get("metadata").cloned().unwrap_or_default();
                    for field in ["deletionTimestamp", "ownerReferences"] {
                        update::restore(metadata, &old_metadata, field);
                    }
                }
                status::keep(new, old);
            }
        }
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        // Subresources that write part of a pod end up here too; they have judged the change before, so what the pod got
        // away with so far it goes on to.
        let is_new = object.generation() <= 1;
        let mut out = rules::metadata_and_spec(object, Leniency::default());
        if !is_new && !out.is_empty() {
            out = rules::metadata_and_spec(object, Leniency::towards(object));
        }
        if is_new {
            out.extend(rules::on_create(object));
        }
        out
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => update::validate(new, old),
            UpdateScope::Status => status::validate(new, old),
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

    fn row_conditions(&self, object: &Document) -> Vec<Document> {
        let (reason, message) = match object.str_at(&["status", "phase"]) {
            "Succeeded" => ("Succeeded", "The pod has completed successfully."),
            "Failed" => ("Failed", "The pod failed."),
            _ => return Vec::new(),
        };
        vec![doc!({"type": "Completed", "status": "True", "reason": reason, "message": message})]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        columns::cells(object, now)
    }
}

/// Tells why the scheduler does not look at the pod yet.
fn gated_condition(pod: &Document) -> Document {
    let since = Some(pod.creation_timestamp()).filter(|since| !since.is_empty());
    doc!({
        "type": "PodScheduled", "status": "False", "lastProbeTime": null, "lastTransitionTime": since,
        "reason": "SchedulingGated", "message": "Scheduling is blocked due to non-empty scheduling gates"
    })
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
mod tests;
