//! What is wrong with the ports of a Service.

use super::addresses::is_headless;
use crate::validation::{self, names, network};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, doc};
use std::collections::HashSet;

/// What is wrong with each port alone, and whether there must be one.
pub(super) fn port_errors(service: &Document) -> FieldErrors {
    let field = field();
    let ports = service.array_at(&["spec", "ports"]);
    let mut seen = HashSet::new();
    let mut out = FieldErrors::new();
    for (i, port) in ports.iter().enumerate() {
        let field = field.index(i);
        let name = port.str_at(&["name"]);
        if !name.is_empty() {
            out.extend(validation::invalid(&field.child("name"), name, names::dns1123_label(name)));
            if !seen.insert(name) {
                out.push(FieldError::duplicate(&field.child("name"), name));
            }
        } else if ports.len() > 1 {
            out.push(FieldError::required(&field.child("name"), ""));
        }
        out.extend(one_port(&field, port));
    }
    out
}

fn one_port(field: &FieldPath, port: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    out.extend(network::port(&field.child("port"), port.i64_at(&["port"]).unwrap_or(0)));
    let protocol = port.str_at(&["protocol"]);
    out.extend(validation::one_of(&field.child("protocol"), protocol, &network::PROTOCOLS));
    out.extend(network::port_or_name(&field.child("targetPort"), &port["targetPort"]));
    if let Some(name) = port.get("appProtocol").and_then(Document::as_str) {
        out.extend(validation::invalid(&field.child("appProtocol"), name, names::qualified_name(name)));
    }
    out
}

/// Without ports only headless Services and those of another name make sense.
pub(super) fn missing_error(service: &Document) -> Option<FieldError> {
    let may_lack = is_headless(service) || service.str_at(&["spec", "type"]) == "ExternalName";
    let lacks = service.array_at(&["spec", "ports"]).is_empty();
    (lacks && !may_lack).then(|| FieldError::required(&field(), ""))
}

/// Ports that may not be together, or not with the type.
pub(super) fn collision_errors(service: &Document) -> FieldErrors {
    let field = field();
    let ports = service.array_at(&["spec", "ports"]);
    let given = ports.iter().enumerate().filter(|(_, port)| node_port(port) != 0);
    let mut out = FieldErrors::new();
    if service.str_at(&["spec", "type"]) == "ClusterIP" {
        let why = "may not be used when `type` is 'ClusterIP'";
        let forbidden = |i| FieldError::forbidden(&field.index(i).child("nodePort"), why);
        out.extend(given.clone().map(|(i, _)| forbidden(i)));
    }
    let mut node_ports = HashSet::new();
    for (i, port) in given {
        if !node_ports.insert((port.str_at(&["protocol"]), node_port(port))) {
            out.push(FieldError::duplicate(&field.index(i).child("nodePort"), node_port(port)));
        }
    }
    let mut numbers = HashSet::new();
    for (i, port) in ports.iter().enumerate() {
        let (protocol, number) = (port.str_at(&["protocol"]), port.i64_at(&["port"]).unwrap_or(0));
        if !numbers.insert((protocol, number)) {
            // Upstream shows its own struct, with what makes ports the same filled in.
            let shown = doc!({
                "Name": "", "Protocol": protocol, "AppProtocol": null, "Port": number, "TargetPort": 0, "NodePort": 0
            });
            out.push(FieldError::duplicate(&field.index(i), shown));
        }
    }
    out
}

fn node_port(port: &Document) -> i64 {
    port.i64_at(&["nodePort"]).unwrap_or(0)
}

fn field() -> FieldPath {
    FieldPath::new("spec").child("ports")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(ty: &str, ports: Document) -> Vec<String> {
        let mut service = doc!({"spec": {"type": ty, "ports": ports}});
        crate::Strategy::default(&super::super::Service, &mut service);
        let mut errors: FieldErrors = missing_error(&service).into_iter().collect();
        errors.extend(port_errors(&service));
        errors.extend(collision_errors(&service));
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn ports_are_named_numbered_and_apart() {
        let cases: [(&str, &str, Document, &[&str]); 9] = [
            ("one", "ClusterIP", doc!([{"port": 80}]), &[]),
            ("none", "ClusterIP", doc!([]), &["spec.ports: Required value"]),
            ("none of another name", "ExternalName", doc!([]), &[]),
            (
                "a name for each of many",
                "ClusterIP",
                doc!([{"port": 80}, {"port": 81, "name": "b"}, {"port": 82, "name": "b"}]),
                &["spec.ports[0].name: Required value", r#"spec.ports[2].name: Duplicate value: "b""#],
            ),
            (
                "out of bounds",
                "ClusterIP",
                doc!([{"port": 0, "targetPort": 65536, "protocol": "ICMP"}]),
                &[
                    "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
                    r#"spec.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP""#,
                    "spec.ports[0].targetPort: Invalid value: 65536: must be between 1 and 65535, inclusive",
                ],
            ),
            (
                "an application protocol with a slash too many",
                "ClusterIP",
                doc!([{"port": 80, "appProtocol": "/http"}]),
                &[r#"spec.ports[0].appProtocol: Invalid value: "/http": prefix part must be non-empty"#],
            ),
            (
                "node ports inside",
                "ClusterIP",
                doc!([{"port": 80, "nodePort": 30000}]),
                &["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
            ),
            (
                "a node port twice",
                "NodePort",
                doc!([
                    {"name": "a", "port": 80, "nodePort": 30000}, {"name": "b", "port": 81, "nodePort": 30000},
                    {"name": "c", "port": 81, "nodePort": 30000, "protocol": "UDP"}
                ]),
                &["spec.ports[1].nodePort: Duplicate value: 30000"],
            ),
            (
                "a port twice",
                "ClusterIP",
                doc!([{"name": "a", "port": 80}, {"name": "b", "port": 80}]),
                &[
                    r#"spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}"#,
                ],
            ),
        ];
        for (name, ty, ports, expected) in cases {
            assert_eq!(errors(ty, ports), expected, "{name}");
        }
    }
}
