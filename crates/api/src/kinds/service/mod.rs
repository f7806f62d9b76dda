//! Services: defaults, what an update takes over or drops, columns. [`allocation`] and [`addresses`] tell the API server
//! what a Service needs (addresses, node ports); the rest of validation is in files by what is checked.

pub mod addresses;
pub mod allocation;
mod balancer;
mod columns;
mod ports;
mod traffic;
mod validate;
mod warnings;

pub(crate) use balancer::hostname_errors;
pub(crate) use columns::balancer_addresses;

use crate::strategy::UpdateScope;
use crate::{Cell, Column, NameRule, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors};
use std::borrow::Cow;

/// `v1 Service`.
pub(crate) struct Service;

/// Session affinity lasts three hours.
const AFFINITY_SECONDS: i64 = 10_800;
/// The annotation by which traffic is kept near, and the one before it.
const TOPOLOGY_MODE: &str = "service.kubernetes.io/topology-mode";
const HINTS: &str = "service.kubernetes.io/topology-aware-hints";

impl Strategy for Service {
    fn default(&self, object: &mut Document) {
        let spec = object.ensure(&["spec"]);
        spec.make_object();
        default_text(spec, "sessionAffinity", "None");
        default_affinity(spec);
        default_text(spec, "type", "ClusterIP");
        for port in spec.get_mut("ports").and_then(Document::as_array_mut).into_iter().flatten() {
            default_port(port);
        }
        if allocation::is_externally_reachable(spec) {
            default_text(spec, "externalTrafficPolicy", "Cluster");
        }
        if matches!(spec.str_at(&["type"]), "ClusterIP" | "NodePort" | "LoadBalancer") {
            spec.set_default(&["internalTrafficPolicy"], "Cluster");
        }
        if spec.str_at(&["type"]) == "LoadBalancer" {
            spec.set_default(&["allocateLoadBalancerNodePorts"], true);
            default_modes(object);
        }
    }

    fn prepare_for_create(&self, object: &mut Document) {
        object.insert("status", skiff_apimachinery::doc!({"loadBalancer": {}}));
        allocation::normalize_cluster_ips(object, None);
    }

    fn prepare_for_update(&self, scope: UpdateScope, new: &mut Document, old: &Document) {
        match scope {
            UpdateScope::Main => {
                keep(new, old, "status");
                allocation::keep_allocated(new, old);
                allocation::normalize_cluster_ips(new, Some(old));
                allocation::drop_unneeded(new, old);
            }
            UpdateScope::Status => keep(new, old, "spec"),
        }
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        validate::service(object)
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        match scope {
            UpdateScope::Main => validate::update(new, old),
            UpdateScope::Status => balancer::status_errors(new),
        }
    }

    fn warnings(&self, new: &Document, old: Option<&Document>) -> Vec<String> {
        warnings::warnings(new, old)
    }

    fn name_rule(&self) -> NameRule {
        NameRule::Label1035
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn selectable_fields(&self) -> Vec<Cow<'static, str>> {
        vec!["spec.clusterIP".into(), "spec.type".into()]
    }

    fn columns(&self) -> Vec<Column> {
        columns::columns()
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        columns::cells(object, now)
    }
}

/// Affinity to clients has a time, and no affinity has none.
fn default_affinity(spec: &mut Document) {
    match spec.str_at(&["sessionAffinity"]) {
        "None" => drop(spec.remove(&["sessionAffinityConfig"])),
        "ClientIP" => {
            spec.set_default(&["sessionAffinityConfig", "clientIP", "timeoutSeconds"], AFFINITY_SECONDS);
        }
        _ => {}
    }
}

fn default_port(port: &mut Document) {
    default_text(port, "protocol", "TCP");
    if port.get("targetPort").is_none_or(Document::is_empty) {
        let number = port.get("port").cloned().unwrap_or_default();
        port.insert("targetPort", number);
    }
}

/// Addresses of load balancers are the balancer's own unless it says otherwise.
fn default_modes(object: &mut Document) {
    let points = object.at_mut(&["status", "loadBalancer", "ingress"]).and_then(Document::as_array_mut);
    for point in points.into_iter().flatten().filter(|point| !point.str_at(&["ip"]).is_empty()) {
        point.set_default(&["ipMode"], "VIP");
    }
}

fn default_text(object: &mut Document, field: &str, value: &str) {
    if object.str_at(&[field]).is_empty() {
        object.insert(field, value);
    }
}

fn keep(new: &mut Document, old: &Document, field: &str) {
    match old.get(field) {
        Some(value) => new.insert(field, value),
        None => drop(new.remove(&[field])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn defaults_are_upstreams() {
        let cases = [
            (
                "ports",
                doc!({"spec": {"ports": [
                    {"port": 80}, {"port": 53, "protocol": "UDP", "targetPort": "dns"}, {"port": 81, "targetPort": 0}
                ]}}),
                doc!({"spec": {
                    "ports": [
                        {"port": 80, "protocol": "TCP", "targetPort": 80},
                        {"port": 53, "protocol": "UDP", "targetPort": "dns"},
                        {"port": 81, "targetPort": 81, "protocol": "TCP"}
                    ],
                    "sessionAffinity": "None", "type": "ClusterIP", "internalTrafficPolicy": "Cluster"
                }}),
            ),
            (
                "affinity",
                doc!({"spec": {"type": "ExternalName", "sessionAffinity": "ClientIP"}}),
                doc!({"spec": {
                    "type": "ExternalName", "sessionAffinity": "ClientIP",
                    "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}}
                }}),
            ),
            (
                "no affinity",
                doc!({"spec": {
                    "type": "ExternalName", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 1}}
                }}),
                doc!({"spec": {"type": "ExternalName", "sessionAffinity": "None"}}),
            ),
            (
                "a load balancer",
                doc!({
                    "spec": {"type": "LoadBalancer"},
                    "status": {"loadBalancer": {"ingress": [
                        {"ip": "1.2.3.4"}, {"ip": "1.2.3.5", "ipMode": "Proxy"}, {"hostname": "a"}
                    ]}}
                }),
                doc!({
                    "spec": {
                        "type": "LoadBalancer", "sessionAffinity": "None", "externalTrafficPolicy": "Cluster",
                        "internalTrafficPolicy": "Cluster", "allocateLoadBalancerNodePorts": true
                    },
                    "status": {"loadBalancer": {"ingress": [
                        {"ip": "1.2.3.4", "ipMode": "VIP"}, {"ip": "1.2.3.5", "ipMode": "Proxy"}, {"hostname": "a"}
                    ]}}
                }),
            ),
        ];
        for (name, mut service, expected) in cases {
            Service.default(&mut service);
            assert_eq!(service, expected, "{name}");
            Service.default(&mut service);
            assert_eq!(service, expected, "{name}, twice");
        }
    }

    #[test]
    fn the_status_is_the_load_balancers() {
        let mut new =
            doc!({"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {"ingress": [{"ip": "x"}]}}});
        Service.prepare_for_create(&mut new);
        assert_eq!(new["status"], doc!({"loadBalancer": {}}));
    }
}
