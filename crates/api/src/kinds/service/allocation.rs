//! What a Service needs from the API server's allocators, and what an update keeps or gives back.
//!
//! The API server asks here, allocates, and writes `clusterIP(s)`, `ipFamilies`, `ipFamilyPolicy`, `nodePort`s and
//! `healthCheckNodePort` into the object before it is validated.

use super::addresses::texts;
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
    let Some(old) = old else {
        if !first.is_empty() && new.array_at(&["spec", "clusterIPs"]).is_empty() {
            new.set(&["spec", "clusterIPs"], vec![first]);
        }
        return;
    };
    let old_first = old.str_at(&["spec", "clusterIP"]);
    if first == old_first {
        if new.array_at(&["spec", "clusterIPs"]).is_empty() {
            copy(new, old, "clusterIPs");
        }
    } else if texts(new, "clusterIPs") == texts(old, "clusterIPs") {
        if first.is_empty() {
            new.remove(&["spec", "clusterIPs"]);
        } else {
            new.set(&["spec", "clusterIPs"], vec![first]);
        }
    }
}

/// Takes over what was allocated and the client left out, so that the manifest of a creation can be sent again.
pub fn keep_allocated(new: &mut Document, old: &Document) {
    if needs_cluster_ip(old) && needs_cluster_ip(new) {
        if new.str_at(&["spec", "clusterIP"]).is_empty() {
            copy(new, old, "clusterIP");
        }
        if new.array_at(&["spec", "clusterIPs"]).is_empty() {
            copy(new, old, "clusterIPs");
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

/// Ports of the same name keep their node ports, unless the client gave them to other ports.
fn keep_node_ports(new: &mut Document, old: &Document) {
    let used: Vec<i64> = node_ports(new).filter(|port| node_ports(old).any(|other| other == *port)).collect();
    let before = old.array_at(&["spec", "ports"]);
    for port in new.at_mut(&["spec", "ports"]).and_then(Document::as_array_mut).into_iter().flatten() {
        if port.i64_at(&["nodePort"]).unwrap_or(0) != 0 {
            continue;
        }
        let same = before.iter().rfind(|other| other.str_at(&["name"]) == port.str_at(&["name"]));
        let node_port = same.and_then(|same| same.i64_at(&["nodePort"])).unwrap_or(0);
        if node_port != 0 && !used.contains(&node_port) {
            port.insert("nodePort", node_port);
        }
    }
}

/// Drops what the old type needed and the new one does not, unless the client changed it on purpose (validation then
/// refuses it).
pub fn drop_unneeded(new: &mut Document, old: &Document) {
    if needs_cluster_ip(old) && !needs_cluster_ip(new) {
        drop_unchanged(new, old, &["clusterIP", "clusterIPs"]);
        drop_unchanged(new, old, &["ipFamilies"]);
        drop_unchanged(new, old, &["ipFamilyPolicy"]);
    }
    if may_have_node_ports(old) && !may_have_node_ports(new) {
        drop_node_ports(new, old);
    }
    if needs_health_check_node_port(old) && !needs_health_check_node_port(new) {
        drop_unchanged(new, old, &["healthCheckNodePort"]);
    }
    let balanced = |service: &Document| service.str_at(&["spec", "type"]) == "LoadBalancer";
    if balanced(old) && !balanced(new) {
        drop_unchanged(new, old, &["allocateLoadBalancerNodePorts"]);
        drop_unchanged(new, old, &["loadBalancerClass"]);
    }
    let reachable = |service: &Document| service.get("spec").is_some_and(is_externally_reachable);
    if reachable(old) && !reachable(new) {
        drop_unchanged(new, old, &["externalTrafficPolicy"]);
    }
    if !balanced(new) {
        new.set(&["status", "loadBalancer"], Document::object());
    }
}

/// Ports may change together with the type, as long as they ask for no node port that was not theirs.
fn drop_node_ports(new: &mut Document, old: &Document) {
    if node_ports(new).any(|port| node_ports(old).all(|other| other != port)) {
        return;
    }
    for port in new.at_mut(&["spec", "ports"]).and_then(Document::as_array_mut).into_iter().flatten() {
        port.remove(&["nodePort"]);
    }
}

/// The node ports that the Service has or asks for.
pub fn node_ports(service: &Document) -> impl Iterator<Item = i64> {
    let ports = service.array_at(&["spec", "ports"]).iter();
    ports.filter_map(|port| port.i64_at(&["nodePort"])).filter(|port| *port != 0)
}

fn copy(new: &mut Document, old: &Document, field: &str) {
    if let Some(value) = old.at(&["spec", field]) {
        new.set(&["spec", field], value);
    }
}

/// Drops fields that belong together if none of them changed.
fn drop_unchanged(new: &mut Document, old: &Document, fields: &[&str]) {
    let value = |service: &Document, field: &str| {
        service.at(&["spec", field]).filter(|value| !value.is_empty()).cloned()
    };
    if fields.iter().all(|field| value(new, field) == value(old, field)) {
        for field in fields {
            new.remove(&["spec", field]);
        }
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
            "ports": [
                {"name": "a", "port": 80, "protocol": "TCP", "nodePort": 30000},
                {"name": "b", "port": 81, "protocol": "TCP", "nodePort": 30001}
            ]
        }})
    }

    #[test]
    fn the_first_address_and_the_list_agree() {
        let of =
            |first: &str, list: &[&str]| doc!({"spec": {"clusterIP": first, "clusterIPs": list.to_vec()}});
        let cases: [(&str, Document, Option<Document>, &[&str]); 9] = [
            ("an old client's creation", of("10.0.0.1", &[]), None, &["10.0.0.1"]),
            ("nothing asked for", of("", &[]), None, &[]),
            ("a list alone is left to validation", of("", &["10.0.0.1"]), None, &["10.0.0.1"]),
            ("an old client's update", of("a", &[]), Some(of("a", &["a", "b"])), &["a", "b"]),
            ("an old client clears", of("", &["a"]), Some(of("a", &["a"])), &[]),
            ("an old client changes", of("b", &["a"]), Some(of("a", &["a"])), &["b"]),
            ("both change", of("b", &["b"]), Some(of("a", &["a"])), &["b"]),
            ("the list changes", of("a", &["b"]), Some(of("a", &["a"])), &["b"]),
            ("the first of a Service that had none", of("a", &[]), Some(of("", &[])), &["a"]),
        ];
        for (name, mut new, old, expected) in cases {
            normalize_cluster_ips(&mut new, old.as_ref());
            assert_eq!(texts(&new, "clusterIPs"), expected, "{name}");
        }
    }

    #[test]
    fn an_update_without_addresses_keeps_them() {
        let mut new = doc!({"spec": {"type": "NodePort", "ports": [{"name": "b", "port": 8080}]}});
        keep_allocated(&mut new, &stored());
        let expected = doc!({"spec": {
            "type": "NodePort", "ports": [{"name": "b", "port": 8080, "nodePort": 30001}],
            "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"]
        }});
        assert_eq!(new, expected);
    }

    #[test]
    fn a_node_port_that_was_given_away_is_not_kept() {
        let mut new = doc!({"spec": {
            "type": "LoadBalancer",
            "ports": [{"name": "a", "port": 80}, {"name": "b", "port": 81, "nodePort": 30000}]
        }});
        keep_allocated(&mut new, &stored());
        assert_eq!(node_ports(&new).collect::<Vec<_>>(), [30000]);
    }

    #[test]
    fn a_plain_service_gives_its_node_ports_back() {
        let mut new = stored();
        new.set(&["spec", "type"], "ClusterIP");
        drop_unneeded(&mut new, &stored());
        assert_eq!(node_ports(&new).count(), 0);
        assert_eq!(new.at(&["spec", "externalTrafficPolicy"]), None);
        assert_eq!(new.str_at(&["spec", "clusterIP"]), "10.0.0.1");
    }

    #[test]
    fn node_ports_that_are_asked_for_stay_to_be_refused() {
        let mut new = stored();
        new.set(&["spec", "type"], "ClusterIP");
        new.set(&["spec", "ports"], doc!([{"port": 80, "nodePort": 30000}, {"port": 81, "nodePort": 30009}]));
        drop_unneeded(&mut new, &stored());
        assert_eq!(node_ports(&new).collect::<Vec<_>>(), [30000, 30009]);
    }

    #[test]
    fn an_external_name_gives_its_addresses_back() {
        let mut new = stored();
        new.set(&["spec", "type"], "ExternalName");
        new.set(&["spec", "ipFamilies"], doc!(["IPv6"]));
        drop_unneeded(&mut new, &stored());
        assert_eq!(new.at(&["spec", "clusterIP"]), None);
        assert_eq!(new.at(&["spec", "clusterIPs"]), None);
        assert_eq!(texts(&new, "ipFamilies"), ["IPv6"]);
    }

    #[test]
    fn only_load_balancers_keep_their_status() {
        let mut old = stored();
        old.set(&["spec", "type"], "LoadBalancer");
        old.set(&["status"], doc!({"loadBalancer": {"ingress": [{"hostname": "a"}]}}));
        let mut new = old.clone();
        drop_unneeded(&mut new, &old);
        assert_eq!(new["status"], old["status"]);
        new.set(&["spec", "type"], "ClusterIP");
        drop_unneeded(&mut new, &old);
        assert_eq!(new["status"], doc!({"loadBalancer": {}}));
    }
}
