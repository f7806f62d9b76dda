//! What is wrong with a Service, in upstream's order.

use super::addresses::{cluster_ip_changes, cluster_ip_errors, family_changes, is_headless};
use super::{HINTS, TOPOLOGY_MODE, balancer, ports, traffic};
use crate::validation::{self, labels, names, network};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

const TYPES: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];

/// What is wrong with a Service that lacks nothing.
pub(super) fn service(object: &Document) -> FieldErrors {
    let spec = FieldPath::new("spec");
    let mut out: FieldErrors = topology_error(object).into_iter().collect();
    out.extend(ports::missing_error(object));
    out.extend(type_errors(object));
    out.extend(ports::port_errors(object));
    out.extend(labels::labels(&spec.child("selector"), object.object_at(&["spec", "selector"])));
    out.extend(traffic::affinity_errors(object));
    out.extend(cluster_ip_errors(object));
    for (i, ip) in object.array_at(&["spec", "externalIPs"]).iter().enumerate() {
        let (field, ip) = (spec.child("externalIPs").index(i), ip.as_str().unwrap_or(""));
        out.extend(network::ip_error(&field, ip).or_else(|| network::endpoint_ip(&field, ip)));
    }
    out.extend(validation::one_of(&spec.child("type"), object.str_at(&["spec", "type"]), &TYPES));
    out.extend(ports::collision_errors(object));
    out.extend(balancer::source_errors(object));
    out.extend(balancer::allocation_error(object));
    out.extend(balancer::class_errors(object, None));
    out.extend(traffic::external_errors(object));
    out.extend(traffic::internal_error(object));
    out.extend(traffic::distribution_error(object));
    out
}

/// What is wrong with a changed Service.
pub(super) fn update(new: &Document, old: &Document) -> FieldErrors {
    let mut out = cluster_ip_changes(new, old);
    out.extend(family_changes(new, old));
    out.extend(balancer::class_errors(new, Some(old)));
    out.extend(traffic::health_check_change(new, old));
    out.extend(service(new));
    out
}

/// The annotation of today and the one before it must not disagree.
fn topology_error(object: &Document) -> Option<FieldError> {
    let (mode, hints) = (object.annotation(TOPOLOGY_MODE)?, object.annotation(HINTS)?);
    let field = FieldPath::new("metadata").child("annotations").key(TOPOLOGY_MODE);
    let why = format!("must match annotations[{HINTS}] when both are specified");
    (mode != hints).then(|| FieldError::invalid(&field, mode, why))
}

/// What the type rules out.
fn type_errors(object: &Document) -> FieldErrors {
    let field = FieldPath::new("spec");
    let first = &field.child("clusterIPs").index(0);
    match object.str_at(&["spec", "type"]) {
        ty @ ("LoadBalancer" | "NodePort") if is_headless(object) => {
            let why = format!("may not be set to 'None' for {ty} services");
            vec![FieldError::invalid(first, super::allocation::HEADLESS, why)]
        }
        "ExternalName" => external_name_errors(&field, object),
        _ => FieldErrors::new(),
    }
}

fn external_name_errors(field: &FieldPath, object: &Document) -> FieldErrors {
    let why = "may not be set for ExternalName services";
    let given = |name: &&str| object.at(&["spec", name]).is_some_and(|value| !value.is_empty());
    let not_allowed = ["clusterIPs", "ipFamilies", "ipFamilyPolicy"].into_iter().filter(given);
    let mut out: FieldErrors =
        not_allowed.map(|name| FieldError::forbidden(&field.child(name), why)).collect();
    let field = field.child("externalName");
    // A trailing dot says that the name is whole.
    let name = object.str_at(&["spec", "externalName"]);
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() {
        out.push(FieldError::required(&field, ""));
    } else {
        out.extend(validation::invalid(&field, name, names::dns1123_subdomain(name)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Strategy;
    use skiff_apimachinery::doc;

    fn defaulted(mut object: Document) -> Document {
        super::super::Service.default(&mut object);
        object
    }

    fn shown(errors: FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_a_service_may_be_depends_on_its_type() {
        let cases: [(&str, Document, &[&str]); 10] = [
            ("plain", doc!({"spec": {"ports": [{"port": 80}]}}), &[]),
            ("headless", doc!({"spec": {"clusterIP": "None", "clusterIPs": ["None"]}}), &[]),
            (
                "another name",
                doc!({"spec": {"type": "ExternalName", "externalName": "www.example.test."}}),
                &[],
            ),
            (
                "an unknown type",
                doc!({"spec": {"type": "Mesh", "ports": [{"port": 80}]}}),
                &[
                    r#"spec.type: Unsupported value: "Mesh": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort""#,
                ],
            ),
            (
                "a headless node port",
                doc!({"spec": {"type": "NodePort", "clusterIP": "None", "clusterIPs": ["None"]}}),
                &[
                    r#"spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for NodePort services"#,
                ],
            ),
            (
                "no other name",
                doc!({"spec": {"type": "ExternalName", "externalName": "."}}),
                &["spec.externalName: Required value"],
            ),
            (
                "another name with addresses",
                doc!({"spec": {
                    "type": "ExternalName", "externalName": "a", "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"],
                    "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"
                }}),
                &[
                    "spec.clusterIPs: Forbidden: may not be set for ExternalName services",
                    "spec.ipFamilies: Forbidden: may not be set for ExternalName services",
                    "spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services",
                ],
            ),
            (
                "external addresses that are none",
                doc!({"spec": {"ports": [{"port": 80}], "externalIPs": ["x", "127.0.0.1"]}}),
                &[
                    r#"spec.externalIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"#,
                    r#"spec.externalIPs[1]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)"#,
                ],
            ),
            (
                "a selector of no labels",
                doc!({"spec": {"ports": [{"port": 80}], "selector": {"/a": "b"}}}),
                &[r#"spec.selector: Invalid value: "/a": prefix part must be non-empty"#],
            ),
            (
                "annotations that disagree",
                doc!({
                    "metadata": {"annotations": {(TOPOLOGY_MODE): "Auto", (HINTS): "disabled"}},
                    "spec": {"ports": [{"port": 80}]}
                }),
                &[
                    r#"metadata.annotations[service.kubernetes.io/topology-mode]: Invalid value: "Auto": must match annotations[service.kubernetes.io/topology-aware-hints] when both are specified"#,
                ],
            ),
        ];
        for (name, object, expected) in cases {
            assert_eq!(shown(service(&defaulted(object))), expected, "{name}");
        }
    }

    #[test]
    fn an_update_is_checked_for_changes_first() {
        let of = |ip: &str, ports: Document| {
            let spec = doc!({"clusterIP": ip, "clusterIPs": [ip], "ports": ports});
            defaulted(doc!({"spec": spec}))
        };
        let errors = update(&of("10.0.0.2", doc!([])), &of("10.0.0.1", doc!([{"port": 80}])));
        assert_eq!(
            shown(errors),
            [
                r#"spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set"#,
                "spec.ports: Required value"
            ]
        );
    }
}
