//! What only Services of type LoadBalancer have: allowed sources, a class, addresses in the status.

use crate::validation::{self, names, network};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// Where allowed sources were before there was a field.
const SOURCE_RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
const ONLY_BALANCERS: &str = "may only be used when `type` is 'LoadBalancer'";
const IP_MODES: [&str; 2] = ["Proxy", "VIP"];

fn is_balancer(service: &Document) -> bool {
    service.str_at(&["spec", "type"]) == "LoadBalancer"
}

/// What is wrong with the blocks that clients may come from.
pub(super) fn source_errors(service: &Document) -> FieldErrors {
    let ranges = service.array_at(&["spec", "loadBalancerSourceRanges"]);
    let annotation = service.annotation(SOURCE_RANGES);
    // Upstream spells the field like this in its errors.
    let (field, blocks): (FieldPath, Vec<(Option<usize>, &str)>) = match annotation {
        _ if !ranges.is_empty() => {
            let texts = ranges.iter().map(|range| range.as_str().unwrap_or(""));
            let blocks = texts.enumerate().map(|(i, text)| (Some(i), text)).collect();
            (FieldPath::new("spec").child("LoadBalancerSourceRanges"), blocks)
        }
        Some(text) => {
            let blocks = text.trim().split(',').filter(|_| !text.trim().is_empty());
            let field = FieldPath::new("metadata").child("annotations").key(SOURCE_RANGES);
            (field, blocks.map(|text| (None, text)).collect())
        }
        None => return FieldErrors::new(),
    };
    let mut out = FieldErrors::new();
    if !is_balancer(service) {
        out.push(FieldError::forbidden(&field, ONLY_BALANCERS));
    }
    for (index, text) in blocks {
        let field = index.map_or_else(|| field.clone(), |index| field.index(index));
        out.extend(network::cidr_error(&field, text.trim()));
    }
    out
}

/// Whether nodes have ports for a load balancer is a question of load balancers alone.
pub(super) fn allocation_error(service: &Document) -> Option<FieldError> {
    const FIELD: &str = "allocateLoadBalancerNodePorts";
    let given = service.bool_at(&["spec", FIELD]).is_some();
    match (is_balancer(service), given) {
        (false, true) => Some(FieldError::forbidden(&FieldPath::new("spec").child(FIELD), ONLY_BALANCERS)),
        (true, false) => Some(FieldError::required(&FieldPath::new(FIELD), "")),
        _ => None,
    }
}

/// What is wrong with the class of load balancer, and with changing it.
pub(super) fn class_errors(new: &Document, old: Option<&Document>) -> FieldErrors {
    let field = FieldPath::new("spec").child("loadBalancerClass");
    let given = class(new);
    let mut out = FieldErrors::new();
    let before = old.filter(|old| is_balancer(old) && is_balancer(new));
    if before.is_some_and(|old| class(old) != given) {
        out.push(FieldError::invalid(&field, given, "may not change once set"));
    }
    match given {
        Some(name) if is_balancer(new) => {
            out.extend(validation::invalid(&field, name, names::qualified_name(name)));
        }
        Some(_) => out.push(FieldError::forbidden(&field, ONLY_BALANCERS)),
        None => {}
    }
    out
}

fn class(service: &Document) -> Option<&str> {
    service.at(&["spec", "loadBalancerClass"]).and_then(Document::as_str)
}

/// What is wrong with the addresses that a load balancer is said to have.
pub(super) fn status_errors(service: &Document) -> FieldErrors {
    let field = FieldPath::new("status").child("loadBalancer").child("ingress");
    let points = service.array_at(&["status", "loadBalancer", "ingress"]);
    if !points.is_empty() && !is_balancer(service) {
        let why = "may only be used when `spec.type` is 'LoadBalancer'";
        return vec![FieldError::forbidden(&field, why)];
    }
    let points = points.iter().enumerate();
    points.flat_map(|(i, point)| point_errors(&field.index(i), point)).collect()
}

fn point_errors(field: &FieldPath, point: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    let ip = point.str_at(&["ip"]);
    if !ip.is_empty() {
        out.extend(network::ip_error(&field.child("ip"), ip));
    }
    let mode = field.child("ipMode");
    match point.get("ipMode").and_then(Document::as_str) {
        None if !ip.is_empty() => {
            out.push(FieldError::required(&mode, "must be specified when `ip` is set"));
        }
        Some(_) if ip.is_empty() => {
            out.push(FieldError::forbidden(&mode, "may not be specified when `ip` is not set"));
        }
        Some(given) if !IP_MODES.contains(&given) => {
            out.push(FieldError::not_supported(&mode, given, &IP_MODES));
        }
        _ => {}
    }
    out.extend(hostname_errors(field, point));
    out
}

/// What is wrong with the host name of a load balancer, here and in Ingresses.
pub(crate) fn hostname_errors(field: &FieldPath, point: &Document) -> FieldErrors {
    let name = point.str_at(&["hostname"]);
    if name.is_empty() {
        return FieldErrors::new();
    }
    let field = field.child("hostname");
    let mut out = validation::invalid(&field, name, names::dns1123_subdomain(name));
    if network::ip(name).is_some() {
        out.push(FieldError::invalid(&field, name, "must be a DNS name, not an IP address"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn shown(errors: FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_load_balancers_choose_sources_and_ports() {
        let annotated = |ranges: &str| {
            doc!({
                "metadata": {"annotations": {(SOURCE_RANGES): ranges}},
                "spec": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": true}
            })
        };
        let cases: [(&str, Document, &[&str]); 7] = [
            (
                "padded blocks",
                doc!({"spec": {
                    "type": "LoadBalancer", "allocateLoadBalancerNodePorts": true,
                    "loadBalancerSourceRanges": [" 10.0.0.0/8 "]
                }}),
                &[],
            ),
            (
                "no block",
                doc!({"spec": {
                    "type": "LoadBalancer", "allocateLoadBalancerNodePorts": false, "loadBalancerSourceRanges": ["10"]
                }}),
                &[
                    r#"spec.LoadBalancerSourceRanges[0]: Invalid value: "10": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"#,
                ],
            ),
            (
                "inside",
                doc!({"spec": {
                    "type": "ClusterIP", "allocateLoadBalancerNodePorts": false, "loadBalancerSourceRanges": ["::/0"]
                }}),
                &[
                    "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
                    "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
                ],
            ),
            ("annotated", annotated("10.0.0.0/8, fd00::/8"), &[]),
            ("annotated with nothing", annotated(" "), &[]),
            (
                "annotated with no block",
                annotated("10.0.0.0/8,x"),
                &[
                    r#"metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"#,
                ],
            ),
            (
                "not decided",
                doc!({"spec": {"type": "LoadBalancer"}}),
                &["allocateLoadBalancerNodePorts: Required value"],
            ),
        ];
        for (name, service, expected) in cases {
            let mut errors = source_errors(&service);
            errors.extend(allocation_error(&service));
            assert_eq!(shown(errors), expected, "{name}");
        }
    }

    #[test]
    fn the_class_of_a_load_balancer_stays() {
        let of = |ty: &str, class: Option<&str>| doc!({"spec": {"type": ty, "loadBalancerClass": class}});
        let balancer = |class| of("LoadBalancer", class);
        let cases: [(&str, Document, Option<Document>, &[&str]); 6] = [
            ("given at first", balancer(Some("a.test/b")), None, &[]),
            ("the type changes", balancer(Some("a.test/b")), Some(of("ClusterIP", None)), &[]),
            (
                "another",
                balancer(Some("b")),
                Some(balancer(Some("a"))),
                &[r#"spec.loadBalancerClass: Invalid value: "b": may not change once set"#],
            ),
            (
                "none any more",
                balancer(None),
                Some(balancer(Some("a"))),
                &["spec.loadBalancerClass: Invalid value: null: may not change once set"],
            ),
            (
                "no name",
                balancer(Some("/b")),
                None,
                &[r#"spec.loadBalancerClass: Invalid value: "/b": prefix part must be non-empty"#],
            ),
            (
                "of another type",
                of("NodePort", Some("a")),
                None,
                &["spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'"],
            ),
        ];
        for (name, new, old, expected) in cases {
            assert_eq!(shown(class_errors(&new, old.as_ref())), expected, "{name}");
        }
    }

    #[test]
    fn the_status_tells_addresses_and_how_they_are_meant() {
        let of = |ty: &str, point: Document| doc!({"spec": {"type": ty}, "status": {"loadBalancer": {"ingress": [point]}}});
        let cases: [(&str, Document, &[&str]); 7] = [
            ("an address", of("LoadBalancer", doc!({"ip": "1.2.3.4", "ipMode": "VIP"})), &[]),
            ("a name", of("LoadBalancer", doc!({"hostname": "a.test"})), &[]),
            (
                "another type",
                of("ClusterIP", doc!({"ip": "1.2.3.4", "ipMode": "VIP"})),
                &[
                    "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'",
                ],
            ),
            (
                "no mode",
                of("LoadBalancer", doc!({"ip": "1.2.3.4"})),
                &[
                    "status.loadBalancer.ingress[0].ipMode: Required value: must be specified when `ip` is set",
                ],
            ),
            (
                "a mode of nothing",
                of("LoadBalancer", doc!({"ipMode": "VIP"})),
                &[
                    "status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set",
                ],
            ),
            (
                "an unknown mode of no address",
                of("LoadBalancer", doc!({"ip": "x", "ipMode": "Some"})),
                &[
                    r#"status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"#,
                    r#"status.loadBalancer.ingress[0].ipMode: Unsupported value: "Some": supported values: "Proxy", "VIP""#,
                ],
            ),
            (
                "an address for a name",
                of("LoadBalancer", doc!({"hostname": "1.2.3.4"})),
                &[
                    r#"status.loadBalancer.ingress[0].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address"#,
                ],
            ),
        ];
        for (name, service, expected) in cases {
            assert_eq!(shown(status_errors(&service)), expected, "{name}");
        }
    }
}
