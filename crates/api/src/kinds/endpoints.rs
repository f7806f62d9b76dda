//! Endpoints: the older, flat form of a Service's addresses.

use super::cells;
use crate::validation::{self, names, network};
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// `v1 Endpoints`.
pub(crate) struct Endpoints;

/// How many addresses a row shows.
const SHOWN: usize = 3;

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

    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Endpoints"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), addresses(object).into(), cells::age(object, now)]
    }
}

fn subset_errors(field: &FieldPath, subset: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    if subset.array_at(&["addresses"]).is_empty() && subset.array_at(&["notReadyAddresses"]).is_empty() {
        out.push(FieldError::required(field, "must specify `addresses` or `notReadyAddresses`"));
    }
    for list in ["addresses", "notReadyAddresses"] {
        for (i, address) in subset.array_at(&[list]).iter().enumerate() {
            let field = field.child(list).index(i);
            out.extend(network::endpoint_ip(&field.child("ip"), address.str_at(&["ip"])));
            let hostname = address.str_at(&["hostname"]);
            if !hostname.is_empty() {
                out.extend(validation::invalid(
                    &field.child("hostname"),
                    hostname,
                    names::dns1123_label(hostname),
                ));
            }
        }
    }
    let ports = subset.array_at(&["ports"]);
    for (i, port) in ports.iter().enumerate() {
        let field = field.child("ports").index(i);
        let name = port.str_at(&["name"]);
        if name.is_empty() {
            if ports.len() > 1 {
                out.push(FieldError::required(&field.child("name"), ""));
            }
        } else {
            out.extend(validation::invalid(&field.child("name"), name, names::dns1123_label(name)));
        }
        out.extend(network::port(&field.child("port"), port.i64_at(&["port"]).unwrap_or(0)));
        let protocol = port.str_at(&["protocol"]);
        out.extend(validation::one_of(&field.child("protocol"), protocol, &network::PROTOCOLS));
    }
    out
}

fn addresses(object: &Document) -> String {
    let mut list = Vec::new();
    for subset in object.array_at(&["subsets"]) {
        for port in subset.array_at(&["ports"]) {
            for address in subset.array_at(&["addresses"]) {
                let ip = address.str_at(&["ip"]);
                let port = port.i64_at(&["port"]).unwrap_or(0);
                list.push(if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") });
            }
        }
    }
    match list.len() {
        0 => cells::NONE.to_owned(),
        1..=SHOWN => list.join(","),
        all => format!("{} + {} more...", list[..SHOWN].join(","), all - SHOWN),
    }
}
