//! The conditions of a node, and what becomes of them when it falls silent.

use jiff::Timestamp;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, doc};

/// The conditions that a kubelet reports and that are unknown without it.
const REPORTED: [&str; 4] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/// A condition.
pub(super) fn get<'n>(node: &'n Document, kind: &str) -> Option<&'n Document> {
    node.array_at(&["status", "conditions"]).iter().find(|condition| condition.str_at(&["type"]) == kind)
}

/// The status of a condition; empty if there is none.
pub(super) fn status<'n>(node: &'n Document, kind: &str) -> &'n str {
    get(node, kind).map_or("", |condition| condition.str_at(&["status"]))
}

/// The status of the Ready condition.
pub(super) fn readiness(node: &Document) -> &str {
    status(node, "Ready")
}

/// The node with all reported conditions unknown; `None` if they are already.
pub(super) fn unknown(node: &Document, now: Timestamp) -> Option<Document> {
    if REPORTED.iter().all(|kind| status(node, kind) == "Unknown") {
        return None;
    }
    let mut changed = node.clone();
    let conditions = changed.ensure(&["status", "conditions"]).make_array();
    for kind in REPORTED {
        match conditions.iter_mut().find(|condition| condition.str_at(&["type"]) == kind) {
            Some(condition) if condition.str_at(&["status"]) == "Unknown" => {}
            Some(condition) => {
                condition.insert("status", "Unknown");
                condition.insert("reason", "NodeStatusUnknown");
                condition.insert("message", "Kubelet stopped posting node status.");
                condition.insert("lastTransitionTime", format_time(now));
            }
            None => conditions.push(doc!({
                "type": kind,
                "status": "Unknown",
                "lastHeartbeatTime": node.creation_timestamp(),
                "lastTransitionTime": format_time(now),
                "reason": "NodeStatusNeverUpdated",
                "message": "Kubelet never posted node status."
            })),
        }
    }
    Some(changed)
}
