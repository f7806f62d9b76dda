//! What `kubectl get nodes` shows.

use crate::kinds::cells;
use crate::{Cell, Column};
use jiff::Timestamp;
use skiff_apimachinery::{Document, Map};
use std::collections::BTreeSet;

const ROLE_PREFIX: &str = "node-role.kubernetes.io/";
const ROLE: &str = "kubernetes.io/role";

pub(super) fn columns() -> Vec<Column> {
    vec![
        Column::name(),
        Column::text("Status"),
        Column::text("Roles"),
        Column::age(),
        Column::text("Version"),
        Column::text("Internal-IP").wide(),
        Column::text("External-IP").wide(),
        Column::text("OS-Image").wide(),
        Column::text("Kernel-Version").wide(),
        Column::text("Container-Runtime").wide(),
    ]
}

pub(super) fn cells(node: &Document, now: Timestamp) -> Vec<Cell> {
    let roles: Vec<&str> = roles(node).into_iter().collect();
    let info = |key: &str| -> Cell {
        let text = node.str_at(&["status", "nodeInfo", key]);
        if text.is_empty() { cells::UNKNOWN } else { text }.into()
    };
    vec![
        cells::name(node),
        status(node).into(),
        cells::or_none(&roles.join(",")),
        cells::age(node, now),
        cells::text(node, &["status", "nodeInfo", "kubeletVersion"]),
        address(node, "InternalIP"),
        address(node, "ExternalIP"),
        info("osImage"),
        info("kernelVersion"),
        info("containerRuntimeVersion"),
    ]
}

fn status(node: &Document) -> String {
    let ready = match cells::condition(node, "Ready").map(|ready| ready.str_at(&["status"])) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    let closed = node.bool_at(&["spec", "unschedulable"]) == Some(true);
    format!("{ready}{}", if closed { ",SchedulingDisabled" } else { "" })
}

fn roles(node: &Document) -> BTreeSet<&str> {
    let labels = node.labels().into_iter().flat_map(Map::iter);
    labels
        .filter_map(|(key, value)| match key.strip_prefix(ROLE_PREFIX) {
            Some(role) => Some(role),
            None if key == ROLE => value.as_str(),
            None => None,
        })
        .filter(|role| !role.is_empty())
        .collect()
}

fn address(node: &Document, ty: &str) -> Cell {
    let addresses = node.array_at(&["status", "addresses"]);
    let found = addresses.iter().find(|address| address.str_at(&["type"]) == ty);
    cells::or_none(found.map_or("", |address| address.str_at(&["address"])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn rows_tell_readiness_roles_and_addresses() {
        let node = doc!({
            "metadata": {"name": "n", "labels": {"node-role.kubernetes.io/b": "", "kubernetes.io/role": "a"}},
            "spec": {"unschedulable": true},
            "status": {
                "conditions": [{"type": "Ready", "status": "False"}],
                "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
                "nodeInfo": {"kubeletVersion": "v1.35.0", "osImage": "os"}
            }
        });
        let texts: Vec<String> = cells(&node, Timestamp::UNIX_EPOCH)
            .iter()
            .map(|cell| cell.as_str().unwrap_or("?").to_owned())
            .collect();
        assert_eq!(
            texts,
            [
                "n",
                "NotReady,SchedulingDisabled",
                "a,b",
                "<unknown>",
                "v1.35.0",
                "10.0.0.1",
                "<none>",
                "os",
                "<unknown>",
                "<unknown>"
            ]
        );
        assert_eq!(cells(&doc!({}), Timestamp::UNIX_EPOCH)[1], Document::from("Unknown"));
    }
}
