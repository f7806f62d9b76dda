//! The strategic merge patch that takes a pod's status from what the API has to what the kubelet sees.
//!
//! Conditions of other owners are not named, so they stay; lists that the API replaces whole are sent whole.

use skiff_apimachinery::{Document, Map, Node, doc};

/// Fields that are removed when the kubelet no longer sets them.
const OPTIONAL: &[&str] = &["reason", "message"];
/// Lists that a strategic merge patch would merge by `ip`.
const MERGED_LISTS: &[&str] = &["podIPs", "hostIPs"];

/// The patch, or `None` if there is nothing to change.
pub fn patch(uid: &str, old: &Document, new: &Document) -> Option<Document> {
    let mut status = Document::object();
    for (key, value) in new.as_object()?.iter() {
        let before = &old[key];
        if same(before, value) {
            continue;
        }
        let change = match key {
            "conditions" => conditions(before.as_array().unwrap_or(&[]), value.as_array().unwrap_or(&[])),
            key if MERGED_LISTS.contains(&key) && !before.is_empty() => replaced(value),
            _ => Some(value.clone()),
        };
        if let Some(change) = change {
            status.insert(key, change);
        }
    }
    for key in OPTIONAL {
        if new.get(key).is_none() && old.get(key).is_some() {
            status.insert(*key, Document::NULL);
        }
    }
    if status.is_empty() { None } else { Some(doc!({"metadata": {"uid": uid}, "status": status})) }
}

/// Whether two values say the same: null is as good as absent.
fn same(a: &Document, b: &Document) -> bool {
    match (a.node(), b.node()) {
        (Node::Object(a), Node::Object(b)) => {
            let absent = Document::NULL;
            let value = |map: &Map, key: &str| map.get(key).cloned().unwrap_or(Document::NULL);
            a.iter().all(|(key, one)| same(one, &value(b, key)))
                && b.iter().all(|(key, other)| a.contains_key(key) || same(&absent, other))
        }
        (Node::Array(a), Node::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => a == b,
    }
}

/// The list with the directive that replaces instead of merging.
fn replaced(list: &Document) -> Option<Document> {
    let mut out = list.clone();
    out.push(doc!({"$patch": "replace"}));
    Some(out)
}

/// The conditions that differ, with null for keys that they lose.
fn conditions(old: &[Document], new: &[Document]) -> Option<Document> {
    let changed: Vec<Document> = new
        .iter()
        .filter_map(|condition| {
            let before = old.iter().find(|c| c.str_at(&["type"]) == condition.str_at(&["type"]));
            let Some(before) = before else { return Some(condition.clone()) };
            if same(before, condition) {
                return None;
            }
            let mut out = condition.clone();
            for key in ["reason", "message"] {
                if before.get(key).is_some() && condition.get(key).is_none() {
                    out.insert(key, Document::NULL);
                }
            }
            Some(out)
        })
        .collect();
    if changed.is_empty() { None } else { Some(changed.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_differences_are_sent() {
        let old = doc!({"phase": "Running", "message": "x", "podIPs": [{"ip": "1.1.1.1"}], "conditions": [
            {"type": "PodScheduled", "status": "True"},
            {"type": "Ready", "status": "False", "reason": "ContainersNotReady"},
            {"type": "Initialized", "status": "True"}
        ]});
        let new = doc!({"phase": "Running", "podIPs": [{"ip": "2.2.2.2"}], "conditions": [
            {"type": "Ready", "status": "True"}, {"type": "Initialized", "status": "True"}
        ]});
        assert_eq!(
            patch("u", &old, &new).unwrap(),
            doc!({"metadata": {"uid": "u"}, "status": {
                "podIPs": [{"ip": "2.2.2.2"}, {"$patch": "replace"}],
                "conditions": [{"type": "Ready", "status": "True", "reason": null}],
                "message": null
            }})
        );
        assert_eq!(patch("u", &new, &new), None);
    }
}
