//! EndpointSlices: a part of a Service's addresses, all of one family.

use super::cells;
use crate::strategy::UpdateScope;
use crate::validation::{self, names, network};
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `discovery.k8s.io/v1 EndpointSlice`.
pub(crate) struct EndpointSlice;

const MAX_ENDPOINTS: usize = 1000;
const MAX_PORTS: usize = 20_000;
const MAX_ADDRESSES: usize = 100;

impl Strategy for EndpointSlice {
    fn default(&self, object: &mut Document) {
        for port in object.get_mut("ports").and_then(Document::as_array_mut).into_iter().flatten() {
            port.set_default(&["name"], "");
            port.set_default(&["protocol"], "TCP");
        }
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let mut out = FieldErrors::new();
        let family = object.str_at(&["addressType"]);
        out.extend(validation::one_of(&FieldPath::new("addressType"), family, &["FQDN", "IPv4", "IPv6"]));
        let endpoints = object.array_at(&["endpoints"]);
        let field = FieldPath::new("endpoints");
        if endpoints.len() > MAX_ENDPOINTS {
            out.push(FieldError::too_many(&field, endpoints.len(), MAX_ENDPOINTS));
            return out;
        }
        for (i, endpoint) in endpoints.iter().enumerate() {
            out.extend(endpoint_errors(&field.index(i), endpoint, family));
        }
        out.extend(port_errors(object.array_at(&["ports"])));
        out
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = self.validate_create(new);
        let field = FieldPath::new("addressType");
        out.extend(validation::immutable(&field, new.get("addressType"), old.get("addressType")));
        out
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
        let ports: Vec<String> = object
            .array_at(&["ports"])
            .iter()
            .map(|port| port.i64_at(&["port"]).map_or("*".to_owned(), |port| port.to_string()))
            .collect();
        let addresses: Vec<String> = object
            .array_at(&["endpoints"])
            .iter()
            .flat_map(|endpoint| endpoint.array_at(&["addresses"]))
            .filter_map(|address| address.as_str().map(str::to_owned))
            .collect();
        vec![
            cells::name(object),
            cells::text(object, &["addressType"]),
            shown(&ports, "<unset>").into(),
            shown(&addresses, "<unset>").into(),
            cells::age(object, now),
        ]
    }
}

fn shown(list: &[String], none: &str) -> String {
    match list.len() {
        0 => none.to_owned(),
        1..=3 => list.join(","),
        all => format!("{} + {} more...", list[..3].join(","), all - 3),
    }
}

fn endpoint_errors(field: &FieldPath, endpoint: &Document, family: &str) -> FieldErrors {
    let mut out = FieldErrors::new();
    let addresses = endpoint.array_at(&["addresses"]);
    let path = field.child("addresses");
    if addresses.is_empty() {
        out.push(FieldError::required(&path, "must contain at least 1 address"));
    } else if addresses.len() > MAX_ADDRESSES {
        out.push(FieldError::too_many(&path, addresses.len(), MAX_ADDRESSES));
    }
    for (i, address) in addresses.iter().enumerate() {
        let (path, text) = (path.index(i), address.as_str().unwrap_or(""));
        match (family, network::ip(text)) {
            ("IPv4", Some(ip)) if !ip.is_ipv4() => {
                out.push(FieldError::invalid(&path, text, "must be an IPv4 address"));
            }
            ("IPv6", Some(ip)) if !ip.is_ipv6() => {
                out.push(FieldError::invalid(&path, text, "must be an IPv6 address"));
            }
            ("IPv4" | "IPv6", _) => out.extend(network::endpoint_ip(&path, text)),
            ("FQDN", _) => {
                let name = text.strip_suffix('.').unwrap_or(text);
                out.extend(validation::invalid(&path, text, names::dns1123_subdomain(name)));
            }
            _ => {}
        }
    }
    if let Some(name) = endpoint.get("nodeName").and_then(Document::as_str) {
        out.extend(validation::invalid(&field.child("nodeName"), name, names::dns1123_subdomain(name)));
    }
    if let Some(name) = endpoint.get("hostname").and_then(Document::as_str) {
        out.extend(validation::invalid(&field.child("hostname"), name, names::dns1123_label(name)));
    }
    out
}

fn port_errors(ports: &[Document]) -> FieldErrors {
    let field = FieldPath::new("ports");
    let mut out = FieldErrors::new();
    if ports.len() > MAX_PORTS {
        out.push(FieldError::too_many(&field, ports.len(), MAX_PORTS));
        return out;
    }
    let mut seen = std::collections::HashSet::new();
    for (i, port) in ports.iter().enumerate() {
        let field = field.index(i);
        let name = port.str_at(&["name"]);
        if !name.is_empty() {
            out.extend(validation::invalid(&field.child("name"), name, names::dns1123_label(name)));
        }
        if !seen.insert(name) {
            out.push(FieldError::duplicate(&field.child("name"), name));
        }
        let protocol = port.str_at(&["protocol"]);
        out.extend(validation::one_of(&field.child("protocol"), protocol, &network::PROTOCOLS));
    }
    out
}
