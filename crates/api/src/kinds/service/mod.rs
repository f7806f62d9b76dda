//! Services: defaults, what an update takes over or drops, columns. [`allocation`] tells the API server what a Service
//! needs (addresses, node ports); validation is in its own file.

pub mod allocation;
mod validate;

use super::cells;
use crate::strategy::UpdateScope;
use crate::{Cell, Column, NameRule, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// `v1 Service`.
pub(crate) struct Service;

/// Session affinity lasts three hours.
const AFFINITY_SECONDS: i64 = 10_800;
/// Widest list of load balancer addresses in a row.
const BALANCER_WIDTH: usize = 16;

impl Strategy for Service {
    fn default(&self, object: &mut Document) {
        let spec = object.ensure(&["spec"]);
        spec.make_object();
        default_text(spec, "sessionAffinity", "None");
        match spec.str_at(&["sessionAffinity"]) {
            "None" => drop(spec.remove(&["sessionAffinityConfig"])),
            "ClientIP" => {
                spec.set_default(&["sessionAffinityConfig", "clientIP", "timeoutSeconds"], AFFINITY_SECONDS);
            }
            _ => {}
        }
        default_text(spec, "type", "ClusterIP");
        for port in spec.get_mut("ports").and_then(Document::as_array_mut).into_iter().flatten() {
            default_text(port, "protocol", "TCP");
            if port.get("targetPort").is_none_or(Document::is_empty) {
                let number = port.get("port").cloned().unwrap_or_default();
                port.insert("targetPort", number);
            }
        }
        if allocation::is_externally_reachable(spec) {
            default_text(spec, "externalTrafficPolicy", "Cluster");
        }
        if matches!(spec.str_at(&["type"]), "ClusterIP" | "NodePort" | "LoadBalancer") {
            spec.set_default(&["internalTrafficPolicy"], "Cluster");
        }
        if spec.str_at(&["type"]) == "LoadBalancer" {
            spec.set_default(&["allocateLoadBalancerNodePorts"], true);
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
                allocation::normalize_cluster_ips(new, Some(old));
                allocation::keep_allocated(new, old);
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
            UpdateScope::Status => FieldErrors::new(),
        }
    }

    fn name_rule(&self) -> NameRule {
        NameRule::Label
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
        vec![
            Column::name(),
            Column::text("Type"),
            Column::text("Cluster-IP"),
            Column::text("External-IP"),
            Column::text("Port(s)"),
            Column::age(),
            Column::text("Selector").wide(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![
            cells::name(object),
            cells::text(object, &["spec", "type"]),
            cells::or_none(object.str_at(&["spec", "clusterIP"])),
            external_addresses(object).into(),
            cells::or_none(&ports(object)),
            cells::age(object, now),
            cells::labels(object.object_at(&["spec", "selector"])),
        ]
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

fn external_addresses(service: &Document) -> String {
    let given = service.array_at(&["spec", "externalIPs"]).iter().filter_map(Document::as_str);
    let given: Vec<&str> = given.collect();
    match service.str_at(&["spec", "type"]) {
        "LoadBalancer" => {
            let balancer = balancer_addresses(service);
            let all: Vec<&str> =
                [balancer.as_str()].into_iter().filter(|text| !text.is_empty()).chain(given).collect();
            if all.is_empty() { "<pending>".to_owned() } else { all.join(",") }
        }
        "ExternalName" => service.str_at(&["spec", "externalName"]).to_owned(),
        _ if given.is_empty() => cells::NONE.to_owned(),
        _ => given.join(","),
    }
}

/// Addresses and host names of a load balancer, cut to the width of a row.
pub(crate) fn balancer_addresses(object: &Document) -> String {
    let set: BTreeSet<&str> = object
        .array_at(&["status", "loadBalancer", "ingress"])
        .iter()
        .map(|point| {
            let ip = point.str_at(&["ip"]);
            if ip.is_empty() { point.str_at(&["hostname"]) } else { ip }
        })
        .filter(|text| !text.is_empty())
        .collect();
    let mut text = set.into_iter().collect::<Vec<_>>().join(",");
    if text.len() > BALANCER_WIDTH {
        text.truncate(text.floor_char_boundary(BALANCER_WIDTH - 3));
        text.push_str("...");
    }
    text
}

fn ports(service: &Document) -> String {
    let texts: Vec<String> = service
        .array_at(&["spec", "ports"])
        .iter()
        .map(|port| {
            let (number, protocol) = (port.i64_at(&["port"]).unwrap_or(0), port.str_at(&["protocol"]));
            match port.i64_at(&["nodePort"]) {
                Some(node_port) if node_port > 0 => format!("{number}:{node_port}/{protocol}"),
                _ => format!("{number}/{protocol}"),
            }
        })
        .collect();
    texts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn defaults_are_upstreams() {
        let mut service =
            doc!({"spec": {"ports": [{"port": 80}, {"port": 53, "protocol": "UDP", "targetPort": "dns"}]}});
        Service.default(&mut service);
        let expected = doc!({"spec": {
            "ports": [
                {"port": 80, "protocol": "TCP", "targetPort": 80},
                {"port": 53, "protocol": "UDP", "targetPort": "dns"}
            ],
            "sessionAffinity": "None", "type": "ClusterIP", "internalTrafficPolicy": "Cluster"
        }});
        assert_eq!(service, expected);
        Service.default(&mut service);
        assert_eq!(service, expected);
    }

    #[test]
    fn rows_show_ports_and_addresses() {
        let service = doc!({
            "metadata": {"name": "web"},
            "spec": {
                "type": "NodePort", "clusterIP": "10.43.0.7",
                "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}], "selector": {"app": "web"}
            }
        });
        let cells = Service.cells(&service, Timestamp::UNIX_EPOCH);
        let texts: Vec<&str> = cells.iter().filter_map(Document::as_str).collect();
        assert_eq!(texts, ["web", "NodePort", "10.43.0.7", "<none>", "80:30080/TCP", "<unknown>", "app=web"]);
    }
}
