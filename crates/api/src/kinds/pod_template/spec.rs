//! A PodSpec as a whole.

use super::container::{self, Surroundings};
use super::{placement, resources, security, volume};
use crate::validation::{invalid, network, not_negative, one_of};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, names};

/// Where a PodSpec is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Within {
    /// In a pod.
    Pod,
    /// In a workload's template.
    Template,
}

/// What is wrong with a PodSpec.
pub(crate) fn validate_spec(spec: &Document, field: &FieldPath, within: Within) -> FieldErrors {
    let (mut out, volumes) = volume::validate(spec, field);
    let around = Surroundings {
        volumes,
        host_network: spec.bool_at(&["hostNetwork"]) == Some(true),
        restart_policy: spec.str_at(&["restartPolicy"]),
    };
    out.extend(container::validate(spec, field, &around));
    out.extend(one_of(
        &field.child("restartPolicy"),
        around.restart_policy,
        &["Always", "Never", "OnFailure"],
    ));
    out.extend(one_of(
        &field.child("dnsPolicy"),
        spec.str_at(&["dnsPolicy"]),
        &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"],
    ));
    out.extend(dns_config(spec, field));
    out.extend(security::pod(spec, &field.child("securityContext")));
    out.extend(security::host_names(spec, field));
    out.extend(placement::validate(spec, field));
    for (name, rule) in [
        ("serviceAccountName", names::dns1123_subdomain as fn(&str) -> Vec<String>),
        ("nodeName", names::dns1123_subdomain),
        ("priorityClassName", names::dns1123_subdomain),
        ("runtimeClassName", names::dns1123_subdomain),
    ] {
        let value = spec.str_at(&[name]);
        if !value.is_empty() {
            out.extend(invalid(&field.child(name), value, rule(value)));
        }
    }
    if let Some(deadline) = spec.i64_at(&["activeDeadlineSeconds"])
        && !(1..=i64::from(i32::MAX)).contains(&deadline)
    {
        let why = names::range_text(1, i64::from(i32::MAX));
        out.push(FieldError::invalid(&field.child("activeDeadlineSeconds"), deadline, why));
    }
    out.extend(not_negative(
        &field.child("terminationGracePeriodSeconds"),
        spec.get("terminationGracePeriodSeconds"),
    ));
    if let Some(policy) = spec.get("preemptionPolicy").and_then(Document::as_str) {
        out.extend(one_of(&field.child("preemptionPolicy"), policy, &["Never", "PreemptLowerPriority"]));
    }
    out.extend(host_aliases(spec, field));
    out.extend(gates(spec, field, within));
    out.extend(resources::requirements(spec.get("resources"), &field.child("resources")));
    out
}

fn dns_config(spec: &Document, field: &FieldPath) -> FieldErrors {
    let field = field.child("dnsConfig");
    let mut out = FieldErrors::new();
    let servers = spec.array_at(&["dnsConfig", "nameservers"]);
    if spec.str_at(&["dnsPolicy"]) == "None" {
        if spec.at(&["dnsConfig"]).is_none_or(Document::is_null) {
            let why = "must provide `dnsConfig` when `dnsPolicy` is None";
            out.push(FieldError::required(&field, why));
            return out;
        }
        if servers.is_empty() {
            let why = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            out.push(FieldError::required(&field.child("nameservers"), why));
        }
    }
    if servers.len() > 3 {
        out.push(FieldError::invalid(
            &field.child("nameservers"),
            servers.to_vec(),
            "must not have more than 3 nameservers",
        ));
    }
    for (i, server) in servers.iter().filter_map(Document::as_str).enumerate() {
        out.extend(network::ip_error(&field.child("nameservers").index(i), server));
    }
    let searches = spec.array_at(&["dnsConfig", "searches"]);
    if searches.len() > 32 {
        let why = "must not have more than 32 search paths";
        out.push(FieldError::invalid(&field.child("searches"), searches.to_vec(), why));
    }
    for (i, search) in searches.iter().filter_map(Document::as_str).enumerate() {
        let trimmed = search.trim_end_matches('.');
        if search != "." {
            let complaints = names::dns1123_subdomain_with_underscore(trimmed);
            out.extend(invalid(&field.child("searches").index(i), search, complaints));
        }
    }
    for (i, option) in spec.array_at(&["dnsConfig", "options"]).iter().enumerate() {
        if option.str_at(&["name"]).is_empty() {
            out.push(FieldError::required(&field.child("options").index(i), "must not be empty"));
        }
    }
    out
}

fn host_aliases(spec: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    for (i, alias) in spec.array_at(&["hostAliases"]).iter().enumerate() {
        let at = field.child("hostAliases").index(i);
        out.extend(network::ip_error(&at.child("ip"), alias.str_at(&["ip"])));
        for (j, name) in alias.array_at(&["hostnames"]).iter().filter_map(Document::as_str).enumerate() {
            out.extend(invalid(&at.child("hostnames").index(j), name, names::dns1123_subdomain(name)));
        }
    }
    out
}

fn gates(spec: &Document, field: &FieldPath, within: Within) -> FieldErrors {
    let mut out = FieldErrors::new();
    let mut seen = Vec::new();
    let gates = spec.array_at(&["schedulingGates"]);
    for (i, gate) in gates.iter().enumerate() {
        let (name, at) = (gate.str_at(&["name"]), field.child("schedulingGates").index(i));
        out.extend(invalid(&at, name, names::qualified_name(name)));
        if seen.contains(&name) {
            out.push(FieldError::duplicate(&at, name));
        }
        seen.push(name);
    }
    if within == Within::Pod && !gates.is_empty() && !spec.str_at(&["nodeName"]).is_empty() {
        let why = "cannot be set until all schedulingGates have been cleared";
        out.push(FieldError::forbidden(&field.child("nodeName"), why));
    }
    for (i, gate) in spec.array_at(&["readinessGates"]).iter().enumerate() {
        let ty = gate.str_at(&["conditionType"]);
        let at = field.child("readinessGates").index(i).child("conditionType");
        out.extend(invalid(&at, ty, names::qualified_name(ty)));
    }
    out
}
