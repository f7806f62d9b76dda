//! What to tell the writer of a Service that is valid and yet hardly meant.

use super::allocation::{HEADLESS, is_headless};
use super::{HINTS, TOPOLOGY_MODE};
use crate::validation::network;
use skiff_apimachinery::{Document, FieldPath};

/// Warnings about a Service; a write of its status is only warned of its status.
pub(super) fn warnings(new: &Document, old: Option<&Document>) -> Vec<String> {
    match old {
        Some(old) if new.get("spec") == old.get("spec") && new.get("status") != old.get("status") => {
            status_warnings(new)
        }
        _ => spec_warnings(new),
    }
}

fn spec_warnings(service: &Document) -> Vec<String> {
    let ty = service.str_at(&["spec", "type"]);
    let mut out = Vec::new();
    if service.annotation(HINTS).is_some() {
        out.push(format!("annotation {HINTS} is deprecated, please use {TOPOLOGY_MODE} instead"));
    }
    let cluster_ip = service.str_at(&["spec", "clusterIP"]);
    if ty != "ExternalName" && !cluster_ip.is_empty() && cluster_ip != HEADLESS {
        out.extend(address_warnings(service, "clusterIPs"));
    }
    let external = !service.array_at(&["spec", "externalIPs"]).is_empty();
    let balancer_ip = service.str_at(&["spec", "loadBalancerIP"]);
    if ty == "ClusterIP" && is_headless(service) {
        let affinity = service.str_at(&["spec", "sessionAffinity"]) != "None";
        let ignored = [
            (!balancer_ip.is_empty(), "spec.loadBalancerIP"),
            (external, "spec.externalIPs"),
            (affinity, "spec.SessionAffinity"),
        ];
        let ignored = ignored.into_iter().filter(|(given, _)| *given);
        out.extend(ignored.map(|(_, field)| format!("{field} is ignored for headless services")));
    }
    out.extend(address_warnings(service, "externalIPs"));
    out.extend(network::ip_warning(&FieldPath::new("spec").child("loadBalancerIP"), balancer_ip));
    out.extend(source_warnings(service));
    if ty == "ExternalName" && external {
        out.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".to_owned());
    }
    if ty != "ExternalName" && !service.str_at(&["spec", "externalName"]).is_empty() {
        out.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".to_owned());
    }
    if service.str_at(&["spec", "trafficDistribution"]) == "PreferClose" {
        out.push(
            "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"".to_owned(),
        );
    }
    out
}

fn address_warnings(service: &Document, list: &str) -> Vec<String> {
    let field = FieldPath::new("spec").child(list);
    let addresses = service.array_at(&["spec", list]).iter().enumerate();
    addresses
        .filter_map(|(i, address)| network::ip_warning(&field.index(i), address.as_str().unwrap_or("")))
        .collect()
}

fn source_warnings(service: &Document) -> Vec<String> {
    let field = FieldPath::new("spec").child("loadBalancerSourceRanges");
    let ranges = service.array_at(&["spec", "loadBalancerSourceRanges"]).iter().enumerate();
    ranges
        .flat_map(|(i, range)| network::block_warnings(&field.index(i), range.as_str().unwrap_or("")))
        .collect()
}

fn status_warnings(service: &Document) -> Vec<String> {
    let field = FieldPath::new("status").child("loadBalancer").child("ingress");
    let points = service.array_at(&["status", "loadBalancer", "ingress"]).iter().enumerate();
    points.filter_map(|(i, point)| network::ip_warning(&field.index(i), point.str_at(&["ip"]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn what_has_no_effect_is_told() {
        let cases: [(&str, Document, &[&str]); 7] = [
            ("plain", doc!({"type": "ClusterIP", "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"]}), &[]),
            (
                "headless",
                doc!({
                    "type": "ClusterIP", "clusterIP": "None", "clusterIPs": ["None"], "sessionAffinity": "ClientIP",
                    "externalIPs": ["1.2.3.4"], "loadBalancerIP": "1.2.3.4"
                }),
                &[
                    "spec.loadBalancerIP is ignored for headless services",
                    "spec.externalIPs is ignored for headless services",
                    "spec.SessionAffinity is ignored for headless services",
                ],
            ),
            (
                "forms",
                doc!({
                    "type": "LoadBalancer", "clusterIP": "FD00::1", "clusterIPs": ["FD00::1"],
                    "externalIPs": ["1.2.3.04"], "loadBalancerSourceRanges": ["10.0.0.1/8"]
                }),
                &[
                    r#"spec.clusterIPs[0]: IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")"#,
                    r#"spec.externalIPs[0]: non-standard IP address "1.2.3.04" will be considered invalid in a future Kubernetes release: use "1.2.3.4""#,
                    r#"spec.loadBalancerSourceRanges[0]: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)"#,
                ],
            ),
            (
                "another name",
                doc!({"type": "ExternalName", "externalIPs": ["1.2.3.4"]}),
                &[r#"spec.externalIPs is ignored when spec.type is "ExternalName""#],
            ),
            (
                "a name for nothing",
                doc!({"type": "ClusterIP", "externalName": "a"}),
                &[r#"spec.externalName is ignored when spec.type is not "ExternalName""#],
            ),
            (
                "an older word",
                doc!({"type": "ClusterIP", "trafficDistribution": "PreferClose"}),
                &[r#"spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone""#],
            ),
            ("today's word", doc!({"type": "ClusterIP", "trafficDistribution": "PreferSameZone"}), &[]),
        ];
        for (name, spec, expected) in cases {
            let mut service = doc!({"spec": spec});
            service.set_default(&["spec", "sessionAffinity"], "None");
            assert_eq!(warnings(&service, None), expected, "{name}");
        }
        let annotated = doc!({"metadata": {"annotations": {(HINTS): "Auto"}}});
        assert_eq!(
            warnings(&annotated, None),
            [
                "annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead"
            ]
        );
    }

    #[test]
    fn a_write_of_the_status_is_told_of_addresses_there() {
        let old = doc!({"spec": {"type": "LoadBalancer", "trafficDistribution": "PreferClose"}});
        let mut new = old.clone();
        new.insert("status", doc!({"loadBalancer": {"ingress": [{"ip": "1.2.3.04"}]}}));
        assert_eq!(
            warnings(&new, Some(&old)),
            [
                r#"status.loadBalancer.ingress[0]: non-standard IP address "1.2.3.04" will be considered invalid in a future Kubernetes release: use "1.2.3.4""#
            ]
        );
    }
}
