//! What is wrong with a Service.

use super::allocation::{
    HEADLESS, is_externally_reachable, may_have_node_ports, needs_health_check_node_port,
};
use crate::validation::{self, labels, names, network};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashSet;
use std::net::IpAddr;

const TYPES: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const MAX_AFFINITY_SECONDS: i64 = 86_400;

pub(super) fn service(object: &Document) -> FieldErrors {
    let field = FieldPath::new("spec");
    let empty = Document::object();
    let spec = object.get("spec").unwrap_or(&empty);
    let ty = spec.str_at(&["type"]);
    let cluster_ip = spec.str_at(&["clusterIP"]);
    let mut out = FieldErrors::new();
    if spec.array_at(&["ports"]).is_empty() && cluster_ip != HEADLESS && ty != "ExternalName" {
        out.push(FieldError::required(&field.child("ports"), ""));
    }
    match ty {
        "LoadBalancer" if cluster_ip == HEADLESS => {
            let why = "may not be set to 'None' for LoadBalancer services";
            out.push(FieldError::invalid(&field.child("clusterIPs").index(0), HEADLESS, why));
        }
        "NodePort" if cluster_ip == HEADLESS => {
            let why = "may not be set to 'None' for NodePort services";
            out.push(FieldError::invalid(&field.child("clusterIPs").index(0), HEADLESS, why));
        }
        "ExternalName" => {
            if !spec.array_at(&["clusterIPs"]).is_empty() {
                let why = "may not be set for ExternalName services";
                out.push(FieldError::forbidden(&field.child("clusterIPs"), why));
            }
            let name = spec.str_at(&["externalName"]);
            let plain = name.strip_suffix('.').unwrap_or(name);
            if plain.is_empty() {
                out.push(FieldError::required(&field.child("externalName"), ""));
            } else {
                out.extend(validation::invalid(
                    &field.child("externalName"),
                    name,
                    names::dns1123_subdomain(plain),
                ));
            }
        }
        _ => {}
    }
    out.extend(port_errors(object, spec));
    out.extend(labels::labels(&field.child("selector"), spec.object_at(&["selector"])));
    out.extend(validation::one_of(
        &field.child("sessionAffinity"),
        spec.str_at(&["sessionAffinity"]),
        &["ClientIP", "None"],
    ));
    if spec.str_at(&["sessionAffinity"]) == "ClientIP" {
        let seconds = spec.i64_at(&["sessionAffinityConfig", "clientIP", "timeoutSeconds"]).unwrap_or(0);
        if !(1..=MAX_AFFINITY_SECONDS).contains(&seconds) {
            let field = field.child("sessionAffinityConfig.clientIP.timeoutSeconds");
            let why = format!("must be greater than 0 and less than {MAX_AFFINITY_SECONDS}");
            out.push(FieldError::invalid(&field, seconds, why));
        }
    }
    out.extend(cluster_ip_errors(&field, spec));
    for (i, ip) in spec.array_at(&["externalIPs"]).iter().enumerate() {
        out.extend(network::endpoint_ip(&field.child("externalIPs").index(i), ip.as_str().unwrap_or("")));
    }
    out.extend(validation::one_of(&field.child("type"), ty, &TYPES));
    out.extend(traffic_errors(object, spec, &field));
    out
}

fn port_errors(object: &Document, spec: &Document) -> FieldErrors {
    let field = FieldPath::new("spec.ports");
    let ports = spec.array_at(&["ports"]);
    let mut out = FieldErrors::new();
    let (mut seen_names, mut seen_ports, mut seen_node_ports) =
        (HashSet::new(), HashSet::new(), HashSet::new());
    for (i, port) in ports.iter().enumerate() {
        let field = field.index(i);
        let name = port.str_at(&["name"]);
        if name.is_empty() {
            if ports.len() > 1 {
                out.push(FieldError::required(&field.child("name"), ""));
            }
        } else {
            out.extend(validation::invalid(&field.child("name"), name, names::dns1123_label(name)));
            if !seen_names.insert(name) {
                out.push(FieldError::duplicate(&field.child("name"), name));
            }
        }
        let number = port.i64_at(&["port"]).unwrap_or(0);
        let protocol = port.str_at(&["protocol"]);
        out.extend(network::port(&field.child("port"), number));
        out.extend(validation::one_of(&field.child("protocol"), protocol, &network::PROTOCOLS));
        let target = &port["targetPort"];
        out.extend(network::port_or_name(&field.child("targetPort"), target));
        let node_port = port.i64_at(&["nodePort"]).unwrap_or(0);
        if node_port != 0 {
            if !may_have_node_ports(object) {
                let why = format!("may not be used when `type` is '{}'", spec.str_at(&["type"]));
                out.push(FieldError::forbidden(&field.child("nodePort"), why));
            } else if !seen_node_ports.insert((protocol, node_port)) {
                out.push(FieldError::duplicate(&field.child("nodePort"), node_port));
            }
        }
        if !seen_ports.insert((protocol, number)) {
            let value = skiff_apimachinery::doc!({"port": number, "protocol": protocol});
            out.push(FieldError::duplicate(&field, value));
        }
    }
    out
}

fn cluster_ip_errors(field: &FieldPath, spec: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let ips = spec.array_at(&["clusterIPs"]);
    let path = field.child("clusterIPs");
    let first = spec.str_at(&["clusterIP"]);
    if ips.is_empty() {
        if !first.is_empty() {
            out.push(FieldError::required(&path, ""));
        }
        return out;
    }
    if ips[0].as_str() != Some(first) {
        let why = "first value must match `clusterIP`";
        out.push(FieldError::invalid(&path, spec.get("clusterIPs").cloned(), why));
    }
    if ips.len() > 2 {
        out.push(FieldError::too_many(&path, ips.len(), 2));
    }
    let mut families: Vec<bool> = Vec::new();
    for (i, ip) in ips.iter().enumerate() {
        let text = ip.as_str().unwrap_or("");
        if text == HEADLESS {
            if ips.len() > 1 {
                out.push(FieldError::invalid(
                    &path.index(i),
                    text,
                    "'None' must be the first and only value",
                ));
            }
            continue;
        }
        match network::ip(text) {
            Some(address) => families.push(address.is_ipv4()),
            None => out.extend(network::ip_error(&path.index(i), text)),
        }
    }
    if families.len() == 2 && families[0] == families[1] {
        let why = "may specify no more than one IP for each IP family";
        out.push(FieldError::invalid(&path, spec.get("clusterIPs").cloned(), why));
    }
    out.extend(family_errors(field, spec));
    out
}

fn family_errors(field: &FieldPath, spec: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let path = field.child("ipFamilies");
    let families = spec.array_at(&["ipFamilies"]);
    for (i, family) in families.iter().enumerate() {
        let family = family.as_str().unwrap_or("");
        if !["IPv4", "IPv6"].contains(&family) {
            out.push(FieldError::not_supported(&path.index(i), family, &["IPv4", "IPv6"]));
            continue;
        }
        let text = spec.array_at(&["clusterIPs"]).get(i).and_then(Document::as_str).unwrap_or(HEADLESS);
        let fits = match network::ip(text) {
            Some(IpAddr::V4(_)) => family == "IPv4",
            Some(IpAddr::V6(_)) => family == "IPv6",
            None => true,
        };
        if !fits {
            let why = format!("expected an {family} value as indicated by `ipFamilies[{i}]`");
            out.push(FieldError::invalid(&field.child("clusterIPs").index(i), text, why));
        }
    }
    let policy = spec.str_at(&["ipFamilyPolicy"]);
    let policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
    if !policy.is_empty() && !policies.contains(&policy) {
        out.push(FieldError::not_supported(&field.child("ipFamilyPolicy"), policy, &policies));
    }
    out
}

fn traffic_errors(object: &Document, spec: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    let external = spec.str_at(&["externalTrafficPolicy"]);
    let path = field.child("externalTrafficPolicy");
    if is_externally_reachable(spec) {
        out.extend(validation::one_of(&path, external, &["Cluster", "Local"]));
    } else if !external.is_empty() {
        let why = "may only be set for externally-accessible services";
        out.push(FieldError::invalid(&path, external, why));
    }
    let internal = spec.str_at(&["internalTrafficPolicy"]);
    if !internal.is_empty() && !["Cluster", "Local"].contains(&internal) {
        out.push(FieldError::not_supported(
            &field.child("internalTrafficPolicy"),
            internal,
            &["Cluster", "Local"],
        ));
    }
    let health = spec.i64_at(&["healthCheckNodePort"]).unwrap_or(0);
    if health != 0 && !needs_health_check_node_port(object) {
        let why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        out.push(FieldError::invalid(&field.child("healthCheckNodePort"), health, why));
    }
    for name in ["allocateLoadBalancerNodePorts", "loadBalancerClass"] {
        if spec.get(name).is_some_and(|value| !value.is_null()) && spec.str_at(&["type"]) != "LoadBalancer" {
            let why = "may only be used when `type` is 'LoadBalancer'";
            out.push(FieldError::forbidden(&field.child(name), why));
        }
    }
    out
}

pub(super) fn update(new: &Document, old: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let external = |service: &Document| service.str_at(&["spec", "type"]) == "ExternalName";
    let (before, after) = (old.array_at(&["spec", "clusterIPs"]), new.array_at(&["spec", "clusterIPs"]));
    if !external(old)
        && !external(new)
        && let Some(first) = before.first()
        && after.first() != Some(first)
    {
        let value = after.first().cloned();
        let field = FieldPath::new("spec.clusterIPs").index(0);
        out.push(FieldError::invalid(&field, value, "may not change once set"));
    }
    let class = |service: &Document| service.str_at(&["spec", "loadBalancerClass"]).to_owned();
    let balanced = |service: &Document| service.str_at(&["spec", "type"]) == "LoadBalancer";
    if balanced(old) && balanced(new) && class(old) != class(new) {
        out.push(FieldError::invalid(
            &FieldPath::new("spec.loadBalancerClass"),
            class(new),
            "may not change once set",
        ));
    }
    out.extend(service(new));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Strategy;
    use skiff_apimachinery::doc;

    fn texts(mut object: Document) -> Vec<String> {
        super::super::Service.default(&mut object);
        service(&object).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_service_needs_ports_and_names_for_many() {
        assert_eq!(texts(doc!({"spec": {}})), ["spec.ports: Required value"]);
        assert_eq!(
            texts(doc!({"spec": {"clusterIP": "None", "clusterIPs": ["None"]}})),
            Vec::<String>::new()
        );
        assert_eq!(
            texts(doc!({"spec": {"ports": [{"port": 80}, {"port": 81, "name": "b"}]}})),
            ["spec.ports[0].name: Required value"]
        );
        assert_eq!(
            texts(doc!({"spec": {"ports": [{"port": 80, "nodePort": 30000}]}})),
            ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]
        );
    }

    #[test]
    fn the_cluster_ip_does_not_change() {
        let of = |ip: &str| doc!({"spec": {"type": "ClusterIP", "clusterIP": ip, "clusterIPs": [ip], "ports": [{"port": 1, "protocol": "TCP", "targetPort": 1}], "sessionAffinity": "None"}});
        let errors = update(&of("10.0.0.2"), &of("10.0.0.1"));
        assert_eq!(
            errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [r#"spec.clusterIPs[0]: Invalid value: "10.0.0.2": may not change once set"#]
        );
    }
}
