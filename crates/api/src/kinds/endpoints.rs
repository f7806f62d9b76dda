//! Endpoints: the older, flat form of a Service's addresses.

use super::cells;
use crate::strategy::UpdateScope;
use crate::validation::{self, names, network};
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `v1 Endpoints`.
pub(crate) struct Endpoints;

/// How many addresses a row shows.
const SHOWN: usize = 3;
/// The label by which the server's own controller marks its Endpoints, and its value.
const MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";
const CONTROLLER: &str = "endpoint-controller";
/// Both lists of addresses that a subset has.
const LISTS: [&str; 2] = ["addresses", "notReadyAddresses"];

impl Strategy for Endpoints {
    fn default(&self, object: &mut Document) {
        for subset in object.get_mut("subsets").and_then(Document::as_array_mut).into_iter().flatten() {
            for port in subset.get_mut("ports").and_then(Document::as_array_mut).into_iter().flatten() {
                if port.str_at(&["protocol"]).is_empty() {
                    port.insert("protocol", "TCP");
                }
            }
        }
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let field = FieldPath::new("subsets");
        let subsets = object.array_at(&["subsets"]).iter().enumerate();
        subsets.flat_map(|(i, subset)| subset_errors(&field.index(i), subset)).collect()
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = self.validate_create(new);
        // What an older release took may stay.
        if !out.is_empty() && new.array_at(&["subsets"]) == old.array_at(&["subsets"]) {
            out.clear();
        }
        out
    }

    fn warnings(&self, new: &Document, _: Option<&Document>) -> Vec<String> {
        if new.label(MANAGED_BY) == Some(CONTROLLER) {
            return Vec::new();
        }
        let field = FieldPath::new("subsets");
        let subsets = new.array_at(&["subsets"]).iter().enumerate();
        subsets.flat_map(|(i, subset)| subset_warnings(&field.index(i), subset)).collect()
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Endpoints"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let shown = match object.array_at(&["subsets"]) {
            [] => cells::NONE.to_owned(),
            subsets => first_few(&addresses(subsets)),
        };
        vec![cells::name(object), shown.into(), cells::age(object, now)]
    }
}

fn subset_errors(field: &FieldPath, subset: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    if LISTS.iter().all(|list| subset.array_at(&[list]).is_empty()) {
        out.push(FieldError::required(field, "must specify `addresses` or `notReadyAddresses`"));
    }
    for list in LISTS {
        let field = field.child(list);
        let addresses = subset.array_at(&[list]).iter().enumerate();
        out.extend(addresses.flat_map(|(i, address)| address_errors(&field.index(i), address)));
    }
    let ports = subset.array_at(&["ports"]);
    let field = field.child("ports");
    let each = ports.iter().enumerate();
    out.extend(each.flat_map(|(i, port)| port_errors(&field.index(i), port, ports.len())));
    out
}

fn address_errors(field: &FieldPath, address: &Document) -> FieldErrors {
    let ip = address.str_at(&["ip"]);
    let ip_field = field.child("ip");
    let mut out: FieldErrors = network::ip_error(&ip_field, ip).into_iter().collect();
    let hostname = address.str_at(&["hostname"]);
    if !hostname.is_empty() {
        out.extend(validation::invalid(&field.child("hostname"), hostname, names::dns1123_label(hostname)));
    }
    if let Some(node) = address.get("nodeName").and_then(Document::as_str) {
        out.extend(validation::invalid(&field.child("nodeName"), node, names::dns1123_subdomain(node)));
    }
    out.extend(network::endpoint_ip(&ip_field, ip));
    out
}

fn port_errors(field: &FieldPath, port: &Document, ports: usize) -> FieldErrors {
    let mut out = FieldErrors::new();
    let name = port.str_at(&["name"]);
    if !name.is_empty() {
        out.extend(validation::invalid(&field.child("name"), name, names::dns1123_label(name)));
    } else if ports > 1 {
        out.push(FieldError::required(&field.child("name"), ""));
    }
    out.extend(network::port(&field.child("port"), port.i64_at(&["port"]).unwrap_or(0)));
    let protocol = port.str_at(&["protocol"]);
    out.extend(validation::one_of(&field.child("protocol"), protocol, &network::PROTOCOLS));
    if let Some(name) = port.get("appProtocol").and_then(Document::as_str) {
        out.extend(validation::invalid(&field.child("appProtocol"), name, names::qualified_name(name)));
    }
    out
}

fn subset_warnings(field: &FieldPath, subset: &Document) -> Vec<String> {
    let mut out = Vec::new();
    for list in LISTS {
        let field = field.child(list);
        let addresses = subset.array_at(&[list]).iter().enumerate();
        out.extend(addresses.filter_map(|(i, address)| {
            network::ip_warning(&field.index(i).child("ip"), address.str_at(&["ip"]))
        }));
    }
    out
}

/// Every address with every port; the addresses alone of subsets without ports, as headless Services may have.
fn addresses(subsets: &[Document]) -> Vec<String> {
    let mut out = Vec::new();
    for subset in subsets {
        let ips = subset.array_at(&["addresses"]).iter().map(|address| address.str_at(&["ip"]));
        let ports = subset.array_at(&["ports"]);
        if ports.is_empty() {
            out.extend(ips.clone().map(str::to_owned));
        }
        for port in ports {
            let number = port.i64_at(&["port"]).unwrap_or(0);
            out.extend(ips.clone().map(|ip| {
                if ip.contains(':') { format!("[{ip}]:{number}") } else { format!("{ip}:{number}") }
            }));
        }
    }
    out
}

/// As much of a list as a row has room for.
pub(super) fn first_few(list: &[String]) -> String {
    match list.get(..SHOWN) {
        Some(shown) if list.len() > SHOWN => {
            format!("{} + {} more...", shown.join(","), list.len() - SHOWN)
        }
        _ => list.join(","),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn shown(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn addresses_and_ports_are_checked_alone() {
        let cases: [(&str, Document, &[&str]); 8] = [
            ("no subsets", doc!([]), &[]),
            (
                "no ports",
                doc!([{"addresses": [{"ip": "10.0.0.1", "hostname": "a", "nodeName": "n.b"}]}]),
                &[],
            ),
            ("none ready", doc!([{"notReadyAddresses": [{"ip": "fd00::1"}], "ports": [{"port": 1}]}]), &[]),
            (
                "nothing in it",
                doc!([{"ports": [{"port": 80}]}]),
                &["subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"],
            ),
            (
                "no address",
                doc!([{"addresses": [{"ip": "10.0.0"}]}]),
                &[
                    r#"subsets[0].addresses[0].ip: Invalid value: "10.0.0": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"#,
                    r#"subsets[0].addresses[0].ip: Invalid value: "10.0.0": must be a valid IP address"#,
                ],
            ),
            (
                "an address of this machine",
                doc!([{"notReadyAddresses": [{"ip": "127.0.0.1", "hostname": "A", "nodeName": "_"}]}]),
                &[
                    r#"subsets[0].notReadyAddresses[0].hostname: Invalid value: "A": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"#,
                    r#"subsets[0].notReadyAddresses[0].nodeName: Invalid value: "_": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"#,
                    r#"subsets[0].notReadyAddresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)"#,
                ],
            ),
            (
                "ports without names",
                doc!([{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 1}, {"name": "a", "port": 2}]}]),
                &["subsets[0].ports[0].name: Required value"],
            ),
            (
                "a port that is none",
                doc!([{
                    "addresses": [{"ip": "10.0.0.1"}],
                    "ports": [{"port": 0, "protocol": "ICMP", "appProtocol": "/http"}]
                }]),
                &[
                    "subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
                    r#"subsets[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP""#,
                    r#"subsets[0].ports[0].appProtocol: Invalid value: "/http": prefix part must be non-empty"#,
                ],
            ),
        ];
        for (name, subsets, expected) in cases {
            let mut object = doc!({"subsets": subsets});
            Endpoints.default(&mut object);
            assert_eq!(shown(&Endpoints.validate_create(&object)), expected, "{name}");
        }
    }

    #[test]
    fn what_was_stored_may_stay() {
        let old = doc!({"subsets": [{"addresses": [{"ip": "127.0.0.1"}]}]});
        let mut new = old.clone();
        new.set(&["metadata", "labels", "a"], "b");
        assert!(Endpoints.validate_update(UpdateScope::Main, &new, &old).is_empty());
        new.set(&["subsets"], doc!([{"addresses": [{"ip": "127.0.0.2"}]}]));
        assert_eq!(Endpoints.validate_update(UpdateScope::Main, &new, &old).len(), 1);
    }

    #[test]
    fn users_are_told_of_forms_that_will_go() {
        let mut object =
            doc!({"subsets": [{"notReadyAddresses": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.01"}]}]});
        assert_eq!(
            Endpoints.warnings(&object, None),
            [
                r#"subsets[0].notReadyAddresses[1].ip: non-standard IP address "10.0.0.01" will be considered invalid in a future Kubernetes release: use "10.0.0.1""#
            ]
        );
        object.set(&["metadata", "labels", MANAGED_BY], CONTROLLER);
        assert!(Endpoints.warnings(&object, None).is_empty());
    }

    #[test]
    fn rows_show_the_first_addresses() {
        let four = doc!([{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}, {"ip": "10.0.0.3"}, {"ip": "10.0.0.4"}]);
        let cases = [
            (doc!([]), "<none>"),
            (doc!([{"notReadyAddresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}]), ""),
            (doc!([{"addresses": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}]}]), "10.0.0.1,fd00::1"),
            (
                doc!([{"addresses": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}], "ports": [{"port": 80}]}]),
                "10.0.0.1:80,[fd00::1]:80",
            ),
            (
                doc!([{"addresses": four, "ports": [{"port": 1}, {"port": 2}]}]),
                "10.0.0.1:1,10.0.0.2:1,10.0.0.3:1 + 5 more...",
            ),
        ];
        for (subsets, expected) in cases {
            let cells = Endpoints.cells(&doc!({"subsets": subsets}), Timestamp::UNIX_EPOCH);
            assert_eq!(cells.get(1).and_then(Document::as_str), Some(expected));
        }
    }
}
