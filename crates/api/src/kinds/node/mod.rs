//! Nodes: the kubelet creates them with their status; pod CIDRs are set once.
//!
//! Files: `validate` with `config_source`, `columns`.

mod columns;
mod config_source;
mod validate;

use crate::strategy::UpdateScope;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldErrors};
use std::borrow::Cow;

/// `v1 Node`.
pub(crate) struct Node;

/// `podCIDR` is the first of `podCIDRs`. Where both are given and disagree, the single one is what an old client changed.
fn join_cidrs(node: &mut Document) {
    let single = node.str_at(&["spec", "podCIDR"]).to_owned();
    let first = node.array_at(&["spec", "podCIDRs"]).first().and_then(Document::as_str).map(str::to_owned);
    match first {
        Some(first) if single.is_empty() => node.set(&["spec", "podCIDR"], first),
        Some(first) if first == single => {}
        _ if single.is_empty() => {}
        _ => node.set(&["spec", "podCIDRs"], vec![single]),
    }
}

impl Strategy for Node {
    fn default(&self, object: &mut Document) {
        if let Some(capacity) = object.at(&["status", "capacity"]).cloned() {
            object.set_default(&["status", "allocatable"], capacity);
        }
        join_cidrs(object);
    }

    fn prepare_for_create(&self, object: &mut Document) {
        // unlike other kinds: a kubelet registers its node with the status that it has measured
        config_source::drop_unused(object, None);
    }

    fn prepare_for_update(&self, scope: UpdateScope, new: &mut Document, old: &Document) {
        let kept = if scope == UpdateScope::Main { "status" } else { "spec" };
        match old.get(kept) {
            Some(value) => new.insert(kept, value),
            None => drop(new.remove(&[kept])),
        }
        config_source::drop_unused(new, Some(old));
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        validate::node(object)
    }

    fn validate_update(&self, scope: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = match scope {
            UpdateScope::Main => validate::node(new),
            UpdateScope::Status => FieldErrors::new(),
        };
        out.extend(validate::update(new, old));
        out
    }

    fn warnings(&self, new: &Document, _old: Option<&Document>) -> Vec<String> {
        let mut out = Vec::new();
        if new.at(&["spec", "configSource"]).is_some_and(|source| !source.is_null()) {
            out.push("spec.configSource: the feature is removed".to_owned());
        }
        if !new.str_at(&["spec", "externalID"]).is_empty() {
            let why = "spec.externalID: this field is deprecated, and is unused by Kubernetes";
            out.push(why.to_owned());
        }
        out
    }

    fn has_status(&self) -> bool {
        true
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn selectable_fields(&self) -> Vec<Cow<'static, str>> {
        vec!["spec.unschedulable".into()]
    }

    fn select_field(&self, object: &Document, field: &str) -> String {
        match field {
            "spec.unschedulable" => object.bool_at(&["spec", "unschedulable"]).unwrap_or(false).to_string(),
            _ => String::new(),
        }
    }

    fn columns(&self) -> Vec<Column> {
        columns::columns()
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        columns::cells(object, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn one_block_and_many_blocks_say_the_same() {
        let both = |single: &str| doc!({"spec": {"podCIDR": single, "podCIDRs": [single]}});
        let cases = [
            ("only one", doc!({"spec": {"podCIDR": "a"}}), both("a")),
            ("only many", doc!({"spec": {"podCIDRs": ["a"]}}), both("a")),
            ("another one", doc!({"spec": {"podCIDR": "b", "podCIDRs": ["a", "c"]}}), both("b")),
            ("none", doc!({"spec": {}}), doc!({"spec": {}})),
        ];
        for (name, mut node, expected) in cases {
            Node.default(&mut node);
            assert_eq!(node, expected, "{name}");
        }
    }

    #[test]
    fn a_node_is_created_with_its_status_and_changed_apart_from_it() {
        let given = doc!({"spec": {"providerID": "a"}, "status": {"phase": "x"}});
        let mut new = given.clone();
        Node.prepare_for_create(&mut new);
        assert_eq!(new, given);
        let sent =
            doc!({"metadata": {"labels": {"a": "b"}}, "spec": {"providerID": "b"}, "status": {"phase": "y"}});
        for (scope, kept, changed) in
            [(UpdateScope::Main, "status", "spec"), (UpdateScope::Status, "spec", "status")]
        {
            let mut new = sent.clone();
            Node.prepare_for_update(scope, &mut new, &given);
            assert_eq!((&new[kept], &new[changed]), (&given[kept], &sent[changed]));
            assert_eq!(new["metadata"], sent["metadata"]);
        }
    }
}
