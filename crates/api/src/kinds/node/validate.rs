//! What is wrong with a node.

use super::config_source;
use crate::kinds::internal_form::{self, Field};
use crate::resource_list::ResourceList;
use crate::validation::{invalid, names, network, resources};
use ipnet::IpNet;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::collections::HashSet;

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
/// Upstream looks for taints in the metadata.
const TAINTS: &str = "metadata.taints";

const TAINT: &[Field] = &[
    Field::text("key", "Key"),
    Field::text("value", "Value"),
    Field::text("effect", "Effect"),
    Field::value("timeAdded", "TimeAdded"),
];
const ADDRESS: &[Field] = &[Field::text("type", "Type"), Field::text("address", "Address")];

/// What is wrong with a node.
pub(super) fn node(node: &Document) -> FieldErrors {
    let mut out = taints(node);
    out.extend(amounts(node));
    out.extend(swap(node));
    out.extend(pod_cidrs(node));
    out
}

/// What is wrong with a changed node; its status is changed by the same rules.
pub(super) fn update(new: &Document, old: &Document) -> FieldErrors {
    let mut out = amounts(new);
    out.extend(swap(new));
    out.extend(addresses(new));
    out.extend(settled_cidrs(new, old));
    let provider = |node: &Document| node.str_at(&["spec", "providerID"]).to_owned();
    if !provider(old).is_empty() && provider(old) != provider(new) {
        let why = "node updates may not change providerID except from \"\" to valid";
        out.push(FieldError::forbidden(&FieldPath::new("spec.providerID"), why));
    }
    out.extend(config_source::errors(new));
    out.extend(taints(new));
    let external = |node: &Document| node.str_at(&["spec", "externalID"]).to_owned();
    if external(new) != external(old) {
        out.push(FieldError::forbidden(&FieldPath::new("spec.externalID"), "may not be updated"));
    }
    out
}

fn taints(node: &Document) -> FieldErrors {
    let field = FieldPath::new(TAINTS);
    let mut out = FieldErrors::new();
    let mut seen = HashSet::new();
    for (i, taint) in node.array_at(&["spec", "taints"]).iter().enumerate() {
        let field = field.index(i);
        let [key, value, effect] = ["key", "value", "effect"].map(|name| taint.str_at(&[name]));
        out.extend(invalid(&field.child("key"), key, names::qualified_name(key)));
        let complaints = names::label_value(value);
        if !complaints.is_empty() {
            out.push(FieldError::invalid(&field.child("value"), value, complaints.join(";")));
        }
        if effect.is_empty() {
            out.push(FieldError::required(&field.child("effect"), ""));
        } else if !EFFECTS.contains(&effect) {
            out.push(FieldError::not_supported(&field.child("effect"), effect, &EFFECTS));
        }
        if !seen.insert((key, effect)) {
            let mut error = FieldError::duplicate(&field, internal_form::structure(taint, TAINT));
            error.detail = "taints must be unique by key and effect pair".to_owned();
            out.push(error);
        }
    }
    out
}

fn amounts(node: &Document) -> FieldErrors {
    let mut out = FieldErrors::new();
    for list in ["capacity", "allocatable"] {
        let field = FieldPath::new("status").child(list);
        for (name, amount) in ResourceList::read(node.object_at(&["status", list])).iter() {
            out.extend(resources::amount(&field.child(name), name, amount));
        }
    }
    out
}

fn swap(node: &Document) -> Option<FieldError> {
    let capacity = node.i64_at(&["status", "nodeInfo", "swap", "capacity"])?;
    let field = FieldPath::new("metadata.nodeSwapStatus.capacity");
    (capacity <= 0).then(|| FieldError::invalid(&field, capacity, "must be greater than zero"))
}

fn pod_cidrs(node: &Document) -> FieldErrors {
    let field = FieldPath::new("spec.podCIDRs");
    let cidrs = node.array_at(&["spec", "podCIDRs"]);
    let texts = || cidrs.iter().map(|cidr| cidr.as_str().unwrap_or(""));
    let mut out = FieldErrors::new();
    for (i, cidr) in texts().enumerate() {
        out.extend(network::cidr_error(&field.index(i), cidr));
    }
    if cidrs.len() < 2 {
        return out;
    }
    let parsed: Vec<Option<IpNet>> = texts().map(|cidr| cidr.parse().ok()).collect();
    if let Some(i) = parsed.iter().position(Option::is_none) {
        let text = texts().nth(i).unwrap_or("");
        let why = format!(
            "invalid PodCIDRs. failed to check with dual stack with error:invalid CIDR[{i}]: <nil> (invalid CIDR address: {text})"
        );
        out.push(FieldError::internal(&field, why));
    }
    let has = |four: bool| parsed.iter().flatten().any(|cidr| matches!(cidr, IpNet::V4(_)) == four);
    let dual = parsed.iter().all(Option::is_some) && has(true) && has(false);
    if !dual || cidrs.len() > 2 {
        let why = "may specify no more than one CIDR for each IP family";
        out.push(FieldError::invalid(&field, cidrs.to_vec(), why));
    }
    let mut seen = HashSet::new();
    for (i, cidr) in texts().enumerate() {
        if !seen.insert(cidr) {
            out.push(FieldError::duplicate(&field.index(i), cidr));
        }
    }
    out
}

/// Addresses of pods are given to a node once.
fn settled_cidrs(new: &Document, old: &Document) -> FieldErrors {
    let path = ["spec", "podCIDRs"];
    let (before, after) = (old.array_at(&path), new.array_at(&path));
    let changed = match (before.len(), after.len()) {
        (0, _) => 0,
        (old, new) if old != new => 1,
        _ => before.iter().zip(after).filter(|(old, new)| old != new).count(),
    };
    let why = "node updates may not change podCIDR except from \"\" to valid";
    vec![FieldError::forbidden(&FieldPath::new("spec.podCIDRs"), why); changed]
}

fn addresses(node: &Document) -> FieldErrors {
    let field = FieldPath::new("status.addresses");
    let mut seen = HashSet::new();
    let mut out = FieldErrors::new();
    for (i, address) in node.array_at(&["status", "addresses"]).iter().enumerate() {
        if !seen.insert(["type", "address"].map(|name| address.str_at(&[name]))) {
            let shown = internal_form::structure(address, ADDRESS);
            out.push(FieldError::duplicate(&field.index(i), shown));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(errors: &FieldErrors) -> Vec<String> {
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn taints_have_effects_and_come_once() {
        let with = |taints: Document| doc!({"spec": {"taints": taints}});
        let cases = [
            (
                "fine",
                doc!([{"key": "a", "effect": "NoExecute"}, {"key": "a", "effect": "NoSchedule"}]),
                vec![],
            ),
            ("no effect", doc!([{"key": "a"}]), vec!["metadata.taints[0].effect: Required value"]),
            (
                "effect",
                doc!([{"key": "a", "effect": "Never"}]),
                vec![
                    r#"metadata.taints[0].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute""#,
                ],
            ),
            (
                "twice",
                doc!([{"key": "a", "effect": "NoExecute"}, {"key": "a", "value": "b", "effect": "NoExecute"}]),
                vec![
                    r#"metadata.taints[1]: Duplicate value: {"Key":"a","Value":"b","Effect":"NoExecute","TimeAdded":null}: taints must be unique by key and effect pair"#,
                ],
            ),
        ];
        for (name, taints, expected) in cases {
            assert_eq!(texts(&node(&with(taints))), expected, "{name}");
        }
    }

    #[test]
    fn pods_have_one_block_of_each_family() {
        let with = |cidrs: &[&str]| texts(&node(&doc!({"spec": {"podCIDRs": cidrs.to_vec()}})));
        assert_eq!(with(&["10.0.0.0/24", "fd00::/64"]), Vec::<String>::new());
        assert_eq!(
            with(&["10.0.0.0/24", "10.0.0.0/24"]),
            [
                r#"spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.0.0.0/24"]: may specify no more than one CIDR for each IP family"#,
                r#"spec.podCIDRs[1]: Duplicate value: "10.0.0.0/24""#,
            ]
        );
        assert_eq!(
            with(&["10.0.0.0"]),
            [
                r#"spec.podCIDRs[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"#
            ]
        );
    }

    #[test]
    fn told_amounts_and_addresses_are_possible() {
        let node = doc!({"status": {
            "capacity": {"cpu": "-1", "pods": "1500m"},
            "addresses": [{"type": "InternalIP", "address": "a"}, {"type": "InternalIP", "address": "a"}],
            "nodeInfo": {"swap": {"capacity": 0}}
        }});
        assert_eq!(
            texts(&update(&node, &doc!({}))),
            [
                r#"status.capacity.cpu: Invalid value: "-1": must be greater than or equal to 0"#,
                r#"status.capacity.pods: Invalid value: "1500m": must be an integer"#,
                "metadata.nodeSwapStatus.capacity: Invalid value: 0: must be greater than zero",
                r#"status.addresses[1]: Duplicate value: {"Type":"InternalIP","Address":"a"}"#,
            ]
        );
    }

    #[test]
    fn what_a_node_is_given_once_stays() {
        let old = doc!({"spec": {"podCIDRs": ["10.0.0.0/24"], "providerID": "p", "externalID": "e"}});
        let new = doc!({"spec": {"podCIDRs": ["10.0.1.0/24"], "providerID": "q"}});
        assert_eq!(
            texts(&update(&new, &old)),
            [
                r#"spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid"#,
                r#"spec.providerID: Forbidden: node updates may not change providerID except from "" to valid"#,
                "spec.externalID: Forbidden: may not be updated",
            ]
        );
        assert_eq!(update(&doc!({"spec": {"podCIDRs": ["10.0.1.0/24"], "providerID": "q"}}), &doc!({})), []);
    }
}
