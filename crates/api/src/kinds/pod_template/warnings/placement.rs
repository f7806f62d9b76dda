//! Labels of nodes that have newer names, and selectors that select nothing.

use super::super::given;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, Map, names};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

fn deprecated_label(key: &str) -> Option<&'static str> {
    match key {
        "beta.kubernetes.io/arch" => Some(r#"deprecated since v1.14; use "kubernetes.io/arch" instead"#),
        "beta.kubernetes.io/os" => Some(r#"deprecated since v1.14; use "kubernetes.io/os" instead"#),
        "failure-domain.beta.kubernetes.io/region" => {
            Some(r#"deprecated since v1.17; use "topology.kubernetes.io/region" instead"#)
        }
        "failure-domain.beta.kubernetes.io/zone" => {
            Some(r#"deprecated since v1.17; use "topology.kubernetes.io/zone" instead"#)
        }
        "beta.kubernetes.io/instance-type" => {
            Some(r#"deprecated since v1.17; use "node.kubernetes.io/instance-type" instead"#)
        }
        _ => None,
    }
}

/// Node selector, node affinity and topology spread.
pub(super) fn of_nodes(spec: &Document, place: &Place<'_>, out: &mut Vec<String>) {
    for key in spec.object_at(&["nodeSelector"]).into_iter().flat_map(Map::keys) {
        if let Some(why) = deprecated_label(key) {
            out.push(format!("{}: {why}", place.child("nodeSelector").key(key).path()));
        }
    }
    if let Some(affinity) = spec.at(&["affinity", "nodeAffinity"]) {
        let place = place.child("affinity");
        node_affinity(affinity, &place.child("nodeAffinity"), out);
    }
    let list = &place.child("topologySpreadConstraints");
    for (i, constraint) in spec.array_at(&["topologySpreadConstraints"]).iter().enumerate() {
        let place = &list.index(i);
        let key = constraint.str_at(&["topologyKey"]);
        if let Some(why) = deprecated_label(key) {
            out.push(format!("{}: {key} is {why}", place.child("topologyKey").path()));
        }
        null_selector(Some(constraint), place, out);
    }
}

fn node_affinity(affinity: &Document, place: &Place<'_>, out: &mut Vec<String>) {
    let list = place.child(REQUIRED);
    let list = &list.child("nodeSelectorTerms");
    for (i, term) in affinity.array_at(&[REQUIRED, "nodeSelectorTerms"]).iter().enumerate() {
        node_term(term, &list.index(i), false, out);
    }
    let list = &place.child(PREFERRED);
    for (i, preferred) in affinity.array_at(&[PREFERRED]).iter().enumerate() {
        if let Some(term) = given(preferred, "preference") {
            node_term(term, &list.index(i).child("preference"), true, out);
        }
    }
}

/// Values that no label can have are only an error where the term is required.
fn node_term(term: &Document, place: &Place<'_>, check_values: bool, out: &mut Vec<String>) {
    let list = &place.child("matchExpressions");
    for (i, expression) in term.array_at(&["matchExpressions"]).iter().enumerate() {
        let place = &list.index(i);
        let values = expression.array_at(&["values"]).iter().filter_map(Document::as_str).enumerate();
        for (j, value) in values.filter(|_| check_values) {
            for why in names::label_value(value) {
                let at = place.child("values").index(j).path();
                out.push(format!("{at}: {value} is invalid, {why}"));
            }
        }
        let key = expression.str_at(&["key"]);
        if let Some(why) = deprecated_label(key) {
            out.push(format!("{}: {key} is {why}", place.child("key").path()));
        }
    }
}

/// Pod affinity and anti-affinity.
pub(super) fn of_pods(spec: &Document, place: &Place<'_>, out: &mut Vec<String>) {
    let Some(affinity) = given(spec, "affinity") else { return };
    let place = &place.child("affinity");
    for kind in ["podAffinity", "podAntiAffinity"] {
        let place = &place.child(kind);
        let list = &place.child(REQUIRED);
        for (i, term) in affinity.array_at(&[kind, REQUIRED]).iter().enumerate() {
            null_selector(Some(term), &list.index(i), out);
        }
        let list = &place.child(PREFERRED);
        for (i, term) in affinity.array_at(&[kind, PREFERRED]).iter().enumerate() {
            null_selector(term.get("podAffinityTerm"), &list.index(i).child("podAffinityTerm"), out);
        }
    }
}

fn null_selector(holder: Option<&Document>, place: &Place<'_>, out: &mut Vec<String>) {
    if holder.and_then(|holder| given(holder, "labelSelector")).is_none() {
        let at = place.child("labelSelector").path();
        out.push(format!("{at}: a null labelSelector results in matching no pod"));
    }
}
