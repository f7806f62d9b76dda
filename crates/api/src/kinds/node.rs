//! Nodes: the kubelet creates them with their status; pod CIDRs are set once.

use super::cells;
use crate::strategy::UpdateScope;
use crate::validation::{self, names, network};
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// `v1 Node`.
pub(crate) struct Node;

const ROLE_PREFIX: &str = "node-role.kubernetes.io/";
const ROLE: &str = "kubernetes.io/role";

impl Strategy for Node {
    fn default(&self, object: &mut Document) {
        if let Some(capacity) = object.at(&["status", "capacity"]).cloned() {
            object.set_default(&["status", "allocatable"], capacity);
        }
        // podCIDR is the first of podCIDRs, whichever of the two was given
        let single = object.str_at(&["spec", "podCIDR"]).to_owned();
        let first =
            object.array_at(&["spec", "podCIDRs"]).first().and_then(Document::as_str).map(str::to_owned);
        match first {
            None if !single.is_empty() => object.set(&["spec", "podCIDRs"], vec![single]),
            Some(first) if single.is_empty() => object.set(&["spec", "podCIDR"], first),
            _ => {}
        }
    }

    fn prepare_for_create(&self, _object: &mut Document) {
        // unlike other kinds: a kubelet registers its node with the status that it has measured
    }

    fn prepare_for_update(&self, scope: UpdateScope, new: &mut Document, old: &Document) {
        let kept = if scope == UpdateScope::Main { "status" } else { "spec" };
        match old.get(kept) {
            Some(value) => new.insert(kept, value),
            None => drop(new.remove(&[kept])),
        }
    }

    fn validate_create(&self, object: &Document) -> FieldErrors {
        let mut out = taint_errors(object.array_at(&["spec", "taints"]));
        let field = FieldPath::new("spec.podCIDRs");
        for (i, cidr) in object.array_at(&["spec", "podCIDRs"]).iter().enumerate() {
            out.extend(network::cidr_error(&field.index(i), cidr.as_str().unwrap_or("")));
        }
        out
    }

    fn validate_update(&self, _: UpdateScope, new: &Document, old: &Document) -> FieldErrors {
        let mut out = self.validate_create(new);
        let cidrs = |node: &Document| node.array_at(&["spec", "podCIDRs"]).to_vec();
        if !cidrs(old).is_empty() && cidrs(new) != cidrs(old) {
            let why = "node updates may not change podCIDR except from \"\" to valid";
            out.push(FieldError::forbidden(&FieldPath::new("spec.podCIDRs"), why));
        }
        let provider = old.str_at(&["spec", "providerID"]);
        if !provider.is_empty() && new.str_at(&["spec", "providerID"]) != provider {
            let why = "node updates may not change providerID except from \"\" to valid";
            out.push(FieldError::forbidden(&FieldPath::new("spec.providerID"), why));
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

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        let mut status = match cells::condition(object, "Ready") {
            Some(ready) if ready.str_at(&["status"]) == "True" => "Ready".to_owned(),
            Some(_) => "NotReady".to_owned(),
            None => "Unknown".to_owned(),
        };
        if object.bool_at(&["spec", "unschedulable"]) == Some(true) {
            status.push_str(",SchedulingDisabled");
        }
        let roles: Vec<&str> = roles(object).into_iter().collect();
        let info = |key: &str| -> Cell {
            let text = object.str_at(&["status", "nodeInfo", key]);
            if text.is_empty() { cells::UNKNOWN } else { text }.into()
        };
        vec![
            cells::name(object),
            status.into(),
            cells::or_none(&roles.join(",")),
            cells::age(object, now),
            cells::text(object, &["status", "nodeInfo", "kubeletVersion"]),
            address(object, "InternalIP"),
            address(object, "ExternalIP"),
            info("osImage"),
            info("kernelVersion"),
            info("containerRuntimeVersion"),
        ]
    }
}

fn roles(node: &Document) -> BTreeSet<&str> {
    let labels = node.labels().into_iter().flat_map(skiff_apimachinery::Map::iter);
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

fn taint_errors(taints: &[Document]) -> FieldErrors {
    let field = FieldPath::new("spec.taints");
    let mut out = FieldErrors::new();
    let mut seen = std::collections::HashSet::new();
    for (i, taint) in taints.iter().enumerate() {
        let field = field.index(i);
        let [key, value, effect] = ["key", "value", "effect"].map(|name| taint.str_at(&[name]));
        out.extend(validation::invalid(&field.child("key"), key, names::qualified_name(key)));
        out.extend(validation::invalid(&field.child("value"), value, names::label_value(value)));
        let effects = ["NoExecute", "NoSchedule", "PreferNoSchedule"];
        out.extend(validation::one_of(&field.child("effect"), effect, &effects));
        if !seen.insert((key, effect)) {
            out.push(FieldError::duplicate(&field, taint));
        }
    }
    out
}
