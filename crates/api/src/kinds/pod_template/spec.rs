//! A PodSpec as a whole: the rules of its parts, in upstream's order (`ValidatePodSpec`).

use super::leniency::Leniency;
use super::{
    affinity, claims, container, dns, environment, given, host, os, pod_level, resources, security, spread,
    toleration, volume,
};
use crate::validation::place::Place;
use crate::validation::{labels, network};
use skiff_apimachinery::{Document, FieldErrors, FieldPath, names};
use std::collections::{HashMap, HashSet};

/// Where a PodSpec is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Within<'a> {
    /// In this pod.
    Pod(&'a Document),
    /// In a workload's template.
    Template,
}

/// What the parts of a PodSpec are held against.
pub(super) struct Around<'a> {
    /// What the object may do because it did so before.
    pub(super) leniency: Leniency,
    /// The pod's valid volumes by name.
    pub(super) volumes: HashMap<&'a str, &'a Document>,
    /// Names of the pod's resource claims.
    pub(super) claims: HashSet<&'a str>,
    /// The pod's restart policy.
    pub(super) restart_policy: &'a str,
    /// The operating system that the pod names.
    pub(super) os: Option<&'a str>,
    /// Seconds that the pod has to end.
    pub(super) grace_period: Option<i64>,
    /// Whether users of the pod are users of the host.
    pub(super) host_users: bool,
}

/// What is wrong with a PodSpec.
pub(crate) fn validate_spec(
    spec: &Document,
    field: &FieldPath,
    within: Within<'_>,
    leniency: Leniency,
) -> FieldErrors {
    let place = &Place::at(field);
    let mut out = FieldErrors::new();
    let grace_period = spec.i64_at(&["terminationGracePeriodSeconds"]);
    if grace_period.is_none() {
        out.push(place.child("terminationGracePeriodSeconds").required(""));
    }
    let (errors, volumes) = volume::validate(spec, place, within, leniency);
    out.extend(errors);
    out.extend(claims::of_pod(spec, place, within));
    let around = Around {
        leniency,
        volumes,
        claims: claims::names(spec),
        restart_policy: spec.str_at(&["restartPolicy"]),
        os: given(spec, "os").map(|os| os.str_at(&["name"])),
        grace_period,
        host_users: spec.bool_at(&["hostUsers"]) != Some(false),
    };
    out.extend(container::validate(spec, place, &around));
    out.extend(pod_level::validate(spec, place, &around));
    out.extend(host::ports(spec, place, within));
    out.extend(policies(spec, place));
    out.extend(security::pod(spec, &place.child("securityContext"), leniency));
    out.extend(affinity::validate(spec, &place.child("affinity"), leniency));
    out.extend(dns::validate(spec, place));
    out.extend(gates(spec, place));
    out.extend(spread::validate(spec, &place.child("topologySpreadConstraints"), leniency));
    out.extend(host::processes(spec, place));
    out.extend(host::users(spec, place, leniency));
    out.extend(host::name(spec, place));
    out.extend(names_of_others(spec, place));
    out.extend(toleration::validate(spec.array_at(&["tolerations"]), &place.child("tolerations")));
    out.extend(host_aliases(spec, &place.child("hostAliases")));
    out.extend(class_names(spec, place));
    out.extend(resources::overhead(spec, &place.child("overhead"), leniency));
    out.extend(os::validate(spec, place));
    out.extend(workload(spec, place));
    out.extend(environment::files(spec, place));
    out
}

/// When to restart, whom to ask for names, which nodes to run on.
fn policies(spec: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let policy = spec.str_at(&["restartPolicy"]);
    out.extend(place.child("restartPolicy").one_of(policy, &["Always", "OnFailure", "Never"]));
    let policy = spec.str_at(&["dnsPolicy"]);
    let allowed = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    out.extend(place.child("dnsPolicy").one_of(policy, &allowed));
    if let Some(selector) = spec.object_at(&["nodeSelector"]) {
        out.extend(labels::labels(&place.child("nodeSelector").path(), Some(selector)));
    }
    out
}

/// What has to hold before the pod is ready, and before it is scheduled.
fn gates(spec: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let ready = place.child("readinessGates");
    for (i, gate) in spec.array_at(&["readinessGates"]).iter().enumerate() {
        let ty = gate.str_at(&["conditionType"]);
        out.extend(ready.index(i).child("conditionType").complaints(ty, names::qualified_name(ty)));
    }
    let scheduling = place.child("schedulingGates");
    let mut seen = HashSet::new();
    for (i, gate) in spec.array_at(&["schedulingGates"]).iter().enumerate() {
        let (name, at) = (gate.str_at(&["name"]), scheduling.index(i));
        out.extend(at.complaints(name, names::qualified_name(name)));
        if !seen.insert(name) {
            out.push(at.duplicate(name));
        }
    }
    out
}

/// Names that the pod has, or gives to others.
fn names_of_others(spec: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    for field in ["serviceAccountName", "nodeName"] {
        let name = spec.str_at(&[field]);
        if !name.is_empty() {
            out.extend(place.child(field).complaints(name, names::dns1123_subdomain(name)));
        }
    }
    let longest = i64::from(i32::MAX);
    if let Some(deadline) = spec.i64_at(&["activeDeadlineSeconds"])
        && !(1..=longest).contains(&deadline)
    {
        out.push(place.child("activeDeadlineSeconds").invalid(deadline, names::range_text(1, longest)));
    }
    for field in ["hostname", "subdomain"] {
        let name = spec.str_at(&[field]);
        if !name.is_empty() {
            out.extend(place.child(field).complaints(name, names::dns1123_label(name)));
        }
    }
    out
}

fn host_aliases(spec: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    for (i, alias) in spec.array_at(&["hostAliases"]).iter().enumerate() {
        let at = place.index(i);
        let ip = alias.str_at(&["ip"]);
        if network::ip(ip).is_none() {
            out.extend(network::ip_error(&at.child("ip").path(), ip));
        }
        let at = at.child("hostnames");
        for (j, name) in alias.array_at(&["hostnames"]).iter().filter_map(Document::as_str).enumerate() {
            out.extend(at.index(j).complaints(name, names::dns1123_subdomain(name)));
        }
    }
    out
}

fn class_names(spec: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let name = spec.str_at(&["priorityClassName"]);
    if !name.is_empty() {
        out.extend(place.child("priorityClassName").complaints(name, names::dns1123_subdomain(name)));
    }
    if let Some(name) = spec.get("runtimeClassName").and_then(Document::as_str) {
        out.extend(place.child("runtimeClassName").complaints(name, names::dns1123_subdomain(name)));
    }
    if let Some(policy) = spec.get("preemptionPolicy").and_then(Document::as_str) {
        let allowed = ["PreemptLowerPriority", "Never"];
        out.extend(place.child("preemptionPolicy").one_of(policy, &allowed));
    }
    out
}

/// The workload that a pod belongs to (KEP-4671).
fn workload(spec: &Document, place: &Place<'_>) -> FieldErrors {
    let Some(workload) = given(spec, "workloadRef") else { return FieldErrors::new() };
    let place = place.child("workloadRef");
    let (name, group) = (workload.str_at(&["name"]), workload.str_at(&["podGroup"]));
    let mut out = place.child("name").complaints(name, names::dns1123_subdomain(name));
    out.extend(place.child("podGroup").complaints(group, names::dns1123_label(group)));
    let key = workload.str_at(&["podGroupReplicaKey"]);
    if !key.is_empty() {
        out.extend(place.child("podGroupReplicaKey").complaints(key, names::dns1123_label(key)));
    }
    out
}
