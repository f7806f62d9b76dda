//! What a Service needs from the API server's allocators, and what an update keeps or gives back.
//!
//! The API server asks here, allocates, and writes `clusterIP(s)`, `ipFamilies`, `ipFamilyPolicy`, `nodePort`s and
//! `healthCheckNodePort` into the object before it is validated.

use skiff_apimachinery::Document;

/// The cluster IP of a headless Service.
pub const HEADLESS: &str = "None";

/// Whether the Service is to have a cluster IP (or is headless): all types but ExternalName.
pub fn needs_cluster_ip(service: &Document) -> bool {
    service.str_at(&["spec", "type"]) != "ExternalName"
}

/// Whether the Service is headless.
pub fn is_headless(service: &Document) -> bool {
    service.str_at(&["spec", "clusterIP"]) == HEADLESS
}

/// Whether each port of the Service is to have a node port.
pub fn needs_node_ports(service: &Document) -> bool {
    match service.str_at(&["spec", "type"]) {
        "NodePort" => true,
        "LoadBalancer" => service.bool_at(&["spec", "allocateLoadBalancerNodePorts"]) != Some(false),
        _ => false,
    }
}

/// Whether ports of the Service may have node ports at all.
pub fn may_have_node_ports(service: &Document) -> bool {
    matches!(service.str_at(&["spec", "type"]), "NodePort" | "LoadBalancer")
}

/// Whether the Service is to have a port at which nodes tell load balancers if they have endpoints.
pub fn needs_health_check_node_port(service: &Document) -> bool {
    service.str_at(&["spec", "type"]) == "LoadBalancer"
        && service.str_at(&["spec", "externalTrafficPolicy"]) == "Local"
}

/// Whether a Service's spec says that it is reached from outside.
pub(crate) fn is_externally_reachable(spec: &Document) -> bool {
    match spec.str_at(&["type"]) {
        "NodePort" | "LoadBalancer" => true,
        "ClusterIP" => !spec.array_at(&["externalIPs"]).is_empty(),
        _ => false,
    }
}

/// Makes `clusterIP` and `clusterIPs` agree where a client that knows only the first has written.
pub fn normalize_cluster_ips(new: &mut Document, old: Option<&Document>) {
    let first = new.str_at(&["spec", "clusterIP"]).to_owned();
    let list = list(new);
    let Some(old) = old else {
        if !first.is_empty() && list.is_empty() {
            new.set(&["spec", "clusterIPs"], vec![first]);
        }
        return;
    };
    let old_first = old.str_at(&["spec", "clusterIP"]);
    let same_list = list == self::list(old);
    if old_first.is_empty() && !first.is_empty() && list.is_empty() {
        new.set(&["spec", "clusterIPs"], vec![first]);
    } else if !old_first.is_empty() && first.is_empty() && same_list {
        new.remove(&["spec", "clusterIPs"]);
    } else if !old_first.is_empty() && first != old_first && same_list {
        new.set(&["spec", "clusterIPs"], vec![first]);
    }
}

/// Takes over what was allocated and the client left out, as PUTs of older manifests do.
pub fn keep_allocated(new: &mut Document, old: &Document) {
    if needs_cluster_ip(old) && needs_cluster_ip(new) {
        if new.str_at(&["spec", "clusterIP"]).is_empty() {
            copy(new, old, "clusterIP");
        }
        if list(new).is_empty() && new.str_at(&["spec", "clusterIP"]) == old.str_at(&["spec", "clusterIP"]) {
            copy(new, old, "clusterIPs");
        }
        if new.array_at(&["spec", "ipFamilies"]).is_empty() {
            copy(new, old, "ipFamilies");
        }
        if new.str_at(&["spec", "ipFamilyPolicy"]).is_empty() {
            copy(new, old, "ipFamilyPolicy");
        }
    }
    if may_have_node_ports(old) && may_have_node_ports(new) {
        keep_node_ports(new, old);
    }
    if needs_health_check_node_port(old)
        && needs_health_check_node_port(new)
        && new.i64_at(&["spec", "healthCheckNodePort"]).unwrap_or(0) == 0
    {
        copy(new, old, "healthCheckNodePort");
    }
}

fn keep_node_ports(new: &mut Document, old: &Document) {
    let key = |port: &Document| (port.str_at(&["protocol"]).to_owned(), port.i64_at(&["port"]));
    let number = |port: &Document| port.i64_at(&["nodePort"]).unwrap_or(0);
    let before = old.array_at(&["spec", "ports"]);
    let taken: Vec<i64> =
        new.array_at(&["spec", "ports"]).iter().map(number).filter(|port| *port != 0).collect();
    for port in new.at_mut(&["spec", "ports"]).and_then(Document::as_array_mut).into_iter().flatten() {
        if number(port) != 0 {
            continue;
        }
        let same = before.iter().find(|other| key(other) == key(port)).map(number);
        if let Some(node_port) = same.filter(|port| *port != 0 && !taken.contains(port)) {
            port.insert("nodePort", node_port);
        }
    }
}

/// Drops what the old type needed and the new one does not, unless the client changed it on purpose (validation then
/// refuses it).
pub fn drop_unneeded(new: &mut Document, old: &Document) {
    if needs_cluster_ip(old) && !needs_cluster_ip(new) {
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            drop_unchanged(new, old, field);
        }
    }
    if may_have_node_ports(old) && !may_have_node_ports(new) {
        let before: Vec<Option<i64>> =
            old.array_at(&["spec", "ports"]).iter().map(|port| port.i64_at(&["nodePort"])).collect();
        for port in new.at_mut(&["spec", "ports"]).and_then(Document::as_array_mut).into_iter().flatten() {
            if before.contains(&port.i64_at(&["nodePort"])) {
                port.remove(&["nodePort"]);
            }
        }
    }
    if needs_health_check_node_port(old) && !needs_health_check_node_port(new) {
        drop_unchanged(new, old, "healthCheckNodePort");
    }
    let balanced = |service: &Document| service.str_at(&["spec", "type"]) == "LoadBalancer";
    if balanced(old) && !balanced(new) {
        drop_unchanged(new, old, "allocateLoadBalancerNodePorts");
        drop_unchanged(new, old, "loadBalancerClass");
        new.set(&["status"], skiff_apimachinery::doc!({"loadBalancer": {}}));
    }
    let reachable = |service: &Document| service.get("spec").is_some_and(is_externally_reachable);
    if reachable(old) && !reachable(new) {
        drop_unchanged(new, old, "externalTrafficPolicy");
    }
    if old.str_at(&["spec", "type"]) != "ExternalName" && new.str_at(&["spec", "type"]) == "ExternalName" {
        drop_unchanged(new, old, "internalTrafficPolicy");
    }
}

fn list(service: &Document) -> Vec<&str> {
    service.array_at(&["spec", "clusterIPs"]).iter().filter_map(Document::as_str).collect()
}

fn copy(new: &mut Document, old: &Document, field: &str) {
    if let Some(value) = old.at(&["spec", field]) {
        new.set(&["spec", field], value);
    }
}

fn drop_unchanged(new: &mut Document, old: &Document, field: &str) {
    if new.at(&["spec", field]) == old.at(&["spec", field]) {
        new.remove(&["spec", field]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn stored() -> Document {
        doc!({"spec": {
            "type": "NodePort", "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack", "externalTrafficPolicy": "Cluster",
            "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30000}]
        }})
    }

    #[test]
    fn an_update_without_addresses_keeps_them() {
        let mut new = doc!({"spec": {"type": "NodePort", "ports": [{"port": 80, "protocol": "TCP"}]}});
        normalize_cluster_ips(&mut new, Some(&stored()));
        keep_allocated(&mut new, &stored());
        assert_eq!(new.str_at(&["spec", "clusterIP"]), "10.0.0.1");
        assert_eq!(new.array_at(&["spec", "clusterIPs"]).len(), 1);
        assert_eq!(new.array_at(&["spec", "ports"])[0].i64_at(&["nodePort"]), Some(30000));
    }

    #[test]
    fn a_plain_service_gives_its_node_ports_back() {
        let mut new = stored();
        new.set(&["spec", "type"], "ClusterIP");
        drop_unneeded(&mut new, &stored());
        assert_eq!(new.array_at(&["spec", "ports"])[0].get("nodePort"), None);
        assert_eq!(new.at(&["spec", "externalTrafficPolicy"]), None);
        assert_eq!(new.str_at(&["spec", "clusterIP"]), "10.0.0.1");
    }

    #[test]
    fn an_external_name_gives_its_addresses_back() {
        let mut new = stored();
        new.set(&["spec", "type"], "ExternalName");
        drop_unneeded(&mut new, &stored());
        assert_eq!(new.at(&["spec", "clusterIP"]), None);
        assert_eq!(new.at(&["spec", "ipFamilies"]), None);
    }
}
