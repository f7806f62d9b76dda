//! Rows of Services.

use crate::kinds::cells;
use crate::{Cell, Column};
use jiff::Timestamp;
use skiff_apimachinery::Document;
use std::collections::BTreeSet;

pub(super) fn columns() -> Vec<Column> {
    vec![
        Column::name(),
        Column::text("Type"),
        Column::text("Cluster-IP"),
        Column::text("External-IP"),
        Column::text("Port(s)"),
        Column::age(),
        Column::text("Selector").wide(),
    ]
}

pub(super) fn cells(service: &Document, now: Timestamp) -> Vec<Cell> {
    let first = service.array_at(&["spec", "clusterIPs"]).first().and_then(Document::as_str);
    vec![
        cells::name(service),
        cells::text(service, &["spec", "type"]),
        cells::or_none(first.unwrap_or("")),
        external_addresses(service).into(),
        cells::or_none(&ports(service)),
        cells::age(service, now),
        cells::labels(service.object_at(&["spec", "selector"])),
    ]
}

fn external_addresses(service: &Document) -> String {
    let given: Vec<&str> =
        service.array_at(&["spec", "externalIPs"]).iter().filter_map(Document::as_str).collect();
    match service.str_at(&["spec", "type"]) {
        "ClusterIP" | "NodePort" if given.is_empty() => cells::NONE.to_owned(),
        "ClusterIP" | "NodePort" => given.join(","),
        "LoadBalancer" => {
            let balancer = balancer_addresses(service);
            let all: Vec<&str> =
                [balancer.as_str()].into_iter().filter(|text| !text.is_empty()).chain(given).collect();
            if all.is_empty() { "<pending>".to_owned() } else { all.join(",") }
        }
        "ExternalName" => service.str_at(&["spec", "externalName"]).to_owned(),
        _ => cells::UNKNOWN.to_owned(),
    }
}

/// Addresses and host names of a load balancer. Servers show all of them; only clients cut rows.
pub(crate) fn balancer_addresses(object: &Document) -> String {
    let set: BTreeSet<&str> = object
        .array_at(&["status", "loadBalancer", "ingress"])
        .iter()
        .map(|point| {
            let ip = point.str_at(&["ip"]);
            if ip.is_empty() { point.str_at(&["hostname"]) } else { ip }
        })
        .filter(|text| !text.is_empty())
        .collect();
    set.into_iter().collect::<Vec<_>>().join(",")
}

fn ports(service: &Document) -> String {
    let texts: Vec<String> = service
        .array_at(&["spec", "ports"])
        .iter()
        .map(|port| {
            let (number, protocol) = (port.i64_at(&["port"]).unwrap_or(0), port.str_at(&["protocol"]));
            match port.i64_at(&["nodePort"]) {
                Some(node_port) if node_port > 0 => format!("{number}:{node_port}/{protocol}"),
                _ => format!("{number}/{protocol}"),
            }
        })
        .collect();
    texts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn rows_show_ports_and_addresses() {
        let cases = [
            (
                doc!({
                    "type": "NodePort", "clusterIP": "10.43.0.7", "clusterIPs": ["10.43.0.7"],
                    "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}], "selector": {"app": "web"}
                }),
                ["NodePort", "10.43.0.7", "<none>", "80:30080/TCP", "<unknown>", "app=web"],
            ),
            (
                doc!({"type": "LoadBalancer", "externalIPs": ["1.2.3.4"]}),
                [
                    "LoadBalancer",
                    "<none>",
                    "a.example.test,b.example.test,1.2.3.4",
                    "<none>",
                    "<unknown>",
                    "<none>",
                ],
            ),
            (
                doc!({"type": "ExternalName", "externalName": "example.test"}),
                ["ExternalName", "<none>", "example.test", "<none>", "<unknown>", "<none>"],
            ),
        ];
        let ingress = doc!([{"hostname": "b.example.test"}, {"hostname": "a.example.test"}]);
        for (spec, expected) in cases {
            let service = doc!({
                "metadata": {"name": "web"}, "spec": spec,
                "status": {"loadBalancer": {"ingress": ingress.clone()}}
            });
            let cells = cells(&service, Timestamp::UNIX_EPOCH);
            let texts: Vec<&str> = cells.iter().skip(1).filter_map(Document::as_str).collect();
            assert_eq!(texts, expected);
        }
    }

    #[test]
    fn a_load_balancer_without_an_address_is_pending() {
        let service = doc!({"spec": {"type": "LoadBalancer"}});
        assert_eq!(external_addresses(&service), "<pending>");
    }
}
