//! EndpointSlices: a part of a Service's addresses, all of one family.

mod validate;

use super::cells;
use super::endpoints::first_few;
use crate::strategy::UpdateScope;
use crate::validation::{self, names, network};
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors, FieldPath, Map};
use std::collections::HashSet;

/// `discovery.k8s.io/v1 EndpointSlice`.
pub(crate) struct EndpointSlice;

/// The label that says who keeps a slice, and the server's own controllers.
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const CONTROLLERS: [&str; 2] =
    ["endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"];
/// Where older versions kept the name of an endpoint's node.
const HOSTNAME: &str = "kubernetes.io/hostname";

impl Strategy for EndpointSlice {
    fn default(&self, object: &mut Document) {
        for port in object.get_mut("ports").and_then(Document::as_array_mut).into_iter().flatten() {
            port.set_default(&["name"], "");
            port.set_default(&["protocol"], "TCP");
        }
    }

    fn prepare_for_create(&self, object: &mut Document) {
        drop_topology(object, None);
    }

    fn prepare_for_update(&self, _: UpdateScope, new: &mut Document, old: &Document) {
        // Labels say which Service the endpoints belong to, so they count as content.
        if labels(new) != labels(old) {
            new.set(&["metadata", "generation"], old.generation() + 1);
        }
        if new.array_at(&["endpoints"]) != old.array_at(&["endpoints"]) {
            drop_topology(new, Some(old));
        }
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        validate::slice(object, None)
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = validate::slice(new, Some(old));
        let field = FieldPath::new("addressType");
        out.extend(validation::immutable(&field, new.get("addressType"), old.get("addressType")));
        out
    }

    fn warnings(&self, new: &Document, old: Option<&Document>) -> Vec<String> {
        let family = new.str_at(&["addressType"]);
        if family == "FQDN" {
            let told = old.is_none().then(|| "spec.addressType: FQDN endpoints are deprecated".to_owned());
            return told.into_iter().collect();
        }
        if new.label(MANAGED_BY).is_some_and(|keeper| CONTROLLERS.contains(&keeper)) {
            return Vec::new();
        }
        let field = FieldPath::new("endpoints");
        let endpoints = new.array_at(&["endpoints"]).iter().enumerate();
        endpoints.flat_map(|(i, endpoint)| address_warnings(&field.index(i), endpoint)).collect()
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::name(),
            Column::text("AddressType"),
            Column::text("Ports"),
            Column::text("Endpoints"),
            Column::age(),
        ]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let ports: Vec<String> = object.array_at(&["ports"]).iter().map(port_text).collect();
        let endpoints = object.array_at(&["endpoints"]).iter();
        let addresses = endpoints.flat_map(|endpoint| endpoint.array_at(&["addresses"]));
        let addresses: Vec<String> =
            addresses.filter_map(|address| address.as_str().map(str::to_owned)).collect();
        vec![
            cells::name(object),
            cells::text(object, &["addressType"]),
            or_unset(first_few(&ports)),
            or_unset(first_few(&addresses)),
            cells::age(object, now),
        ]
    }
}

fn labels(object: &Document) -> Option<&Map> {
    object.labels().filter(|labels| !labels.is_empty())
}

fn or_unset(text: String) -> Cell {
    if text.is_empty() { cells::UNSET.to_owned() } else { text }.into()
}

fn port_text(port: &Document) -> String {
    match (port.i64_at(&["port"]), port.str_at(&["name"])) {
        (Some(number), _) => number.to_string(),
        (None, "") => "*".to_owned(),
        (None, name) => name.to_owned(),
    }
}

/// Drops a field that this version only shows, after the node names that clients of older versions knew by it were put
/// where they belong.
fn drop_topology(new: &mut Document, old: Option<&Document>) {
    let before = old.map(|old| old.array_at(&["endpoints"])).unwrap_or_default();
    let known: HashSet<&str> = before.iter().filter_map(topology_node).collect();
    let endpoints = new.get_mut("endpoints").and_then(Document::as_array_mut);
    for endpoint in endpoints.into_iter().flatten() {
        let node = topology_node(endpoint).filter(|node| known.contains(node)).map(str::to_owned);
        if let Some(node) = node.filter(|node| names::dns1123_subdomain(node).is_empty()) {
            endpoint.set_default(&["nodeName"], node);
        }
        endpoint.remove(&["deprecatedTopology"]);
    }
}

fn topology_node(endpoint: &Document) -> Option<&str> {
    endpoint.at(&["deprecatedTopology", HOSTNAME]).and_then(Document::as_str)
}

fn address_warnings(field: &FieldPath, endpoint: &Document) -> Vec<String> {
    let field = field.child("addresses");
    let addresses = endpoint.array_at(&["addresses"]).iter().enumerate();
    addresses
        .filter_map(|(i, address)| network::ip_warning(&field.index(i), address.as_str().unwrap_or("")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn labels_count_as_content() {
        let old = doc!({"metadata": {"generation": 3, "labels": {"a": "b"}}, "endpoints": []});
        let cases = [
            ("unchanged", doc!({"generation": 3, "labels": {"a": "b"}}), 3),
            ("annotated", doc!({"generation": 3, "labels": {"a": "b"}, "annotations": {"c": "d"}}), 3),
            ("relabelled", doc!({"generation": 3, "labels": {"a": "c"}}), 4),
            ("without labels", doc!({"generation": 3}), 4),
        ];
        for (name, metadata, expected) in cases {
            let mut new = doc!({"metadata": metadata, "endpoints": []});
            EndpointSlice.prepare_for_update(UpdateScope::Main, &mut new, &old);
            assert_eq!(new.generation(), expected, "{name}");
        }
    }

    #[test]
    fn nodes_leave_the_older_field_for_their_own() {
        let endpoint = |topology: Document| doc!({"addresses": ["10.0.0.1"], "deprecatedTopology": topology});
        let old = doc!({"endpoints": [endpoint(doc!({(HOSTNAME): "n1"}))]});
        let mut same = old.clone();
        EndpointSlice.prepare_for_update(UpdateScope::Main, &mut same, &old);
        assert_eq!(same, old);
        let mut new = doc!({"endpoints": [
            endpoint(doc!({(HOSTNAME): "n1"})), endpoint(doc!({(HOSTNAME): "n2"})), endpoint(doc!({"a": "b"}))
        ]});
        let mut created = new.clone();
        EndpointSlice.prepare_for_update(UpdateScope::Main, &mut new, &old);
        let plain = doc!({"addresses": ["10.0.0.1"]});
        let named = doc!({"addresses": ["10.0.0.1"], "nodeName": "n1"});
        assert_eq!(new, doc!({"endpoints": [named, plain.clone(), plain.clone()]}));
        EndpointSlice.prepare_for_create(&mut created);
        assert_eq!(created, doc!({"endpoints": [plain.clone(), plain.clone(), plain]}));
    }

    #[test]
    fn users_are_told_of_forms_that_will_go() {
        let slice = |family: &str, keeper: &str| {
            doc!({
                "metadata": {"labels": {(MANAGED_BY): keeper}}, "addressType": family,
                "endpoints": [{"addresses": ["FD00::1"]}]
            })
        };
        let form = r#"endpoints[0].addresses[0]: IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")"#;
        let cases: [(Document, bool, &[&str]); 5] = [
            (slice("IPv6", "someone"), true, &[form]),
            (slice("IPv6", "someone"), false, &[form]),
            (slice("IPv6", "endpointslice-controller.k8s.io"), true, &[]),
            (slice("FQDN", "someone"), true, &["spec.addressType: FQDN endpoints are deprecated"]),
            (slice("FQDN", "someone"), false, &[]),
        ];
        for (slice, is_new, expected) in cases {
            let old = (!is_new).then_some(&slice);
            assert_eq!(EndpointSlice.warnings(&slice, old), expected);
        }
    }

    #[test]
    fn rows_show_ports_and_addresses() {
        let cases = [
            (doc!([]), doc!([]), ["<unset>", "<unset>"]),
            (
                doc!([{"port": 80, "name": "a"}, {"name": "b"}, {"name": ""}]),
                doc!(["a.b"]),
                ["80,b,*", "a.b"],
            ),
            (
                doc!([{"port": 1}, {"port": 2}, {"port": 3}, {"port": 4}]),
                doc!(["a", "b", "c", "d", "e"]),
                ["1,2,3 + 1 more...", "a,b,c + 2 more..."],
            ),
        ];
        for (ports, addresses, expected) in cases {
            let slice = doc!({"ports": ports, "endpoints": [{"addresses": addresses}]});
            let cells = EndpointSlice.cells(&slice, Timestamp::UNIX_EPOCH);
            let texts: Vec<&str> = cells.iter().skip(2).take(2).filter_map(Document::as_str).collect();
            assert_eq!(texts, expected);
        }
    }
}
