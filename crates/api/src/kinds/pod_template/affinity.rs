//! Nodes and pods that a pod wants to be near to, or far from.

use super::leniency::Leniency;
use super::{given, label_keys};
use crate::validation::labels;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, names};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
static EMPTY: Document = Document::NULL;
const POD_KINDS: [&str; 2] = ["podAffinity", "podAntiAffinity"];

/// The `affinity` of a pod.
pub(super) fn validate(spec: &Document, place: &Place<'_>, leniency: Leniency) -> FieldErrors {
    let mut out = FieldErrors::new();
    let Some(affinity) = given(spec, "affinity") else { return out };
    if let Some(of_nodes) = given(affinity, "nodeAffinity") {
        out.extend(nodes(of_nodes, &place.child("nodeAffinity"), leniency.node_affinity_values));
    }
    for kind in POD_KINDS {
        if let Some(of_pods) = given(affinity, kind) {
            out.extend(pods(of_pods, &place.child(kind), leniency.affinity_selectors));
        }
    }
    out
}

fn nodes(affinity: &Document, place: &Place<'_>, any_value: bool) -> FieldErrors {
    let mut out = FieldErrors::new();
    if let Some(required) = given(affinity, REQUIRED) {
        let place = place.child(REQUIRED);
        let place = &place.child("nodeSelectorTerms");
        let terms = required.array_at(&["nodeSelectorTerms"]);
        if terms.is_empty() {
            out.push(place.required("must have at least one node selector term"));
        }
        for (i, term) in terms.iter().enumerate() {
            out.extend(node_term(term, &place.index(i), any_value));
        }
    }
    let place = &place.child(PREFERRED);
    for (i, preference) in affinity.array_at(&[PREFERRED]).iter().enumerate() {
        let place = &place.index(i);
        out.extend(weight(preference, place));
        if let Some(term) = given(preference, "preference") {
            // Upstream takes any value here: a cluster of one node cannot help but fit.
            out.extend(node_term(term, &place.child("preference"), true));
        }
    }
    out
}

fn weight(preference: &Document, place: &Place<'_>) -> Option<FieldError> {
    let weight = preference.i64_at(&["weight"]).unwrap_or(0);
    (!(1..=100).contains(&weight))
        .then(|| place.child("weight").invalid(weight, "must be in the range 1-100"))
}

/// A term of a node selector.
fn node_term(term: &Document, place: &Place<'_>, any_value: bool) -> FieldErrors {
    let mut out = FieldErrors::new();
    let list = &place.child("matchExpressions");
    for (i, requirement) in term.array_at(&["matchExpressions"]).iter().enumerate() {
        let place = &list.index(i);
        out.extend(node_operator(requirement, place));
        let key = requirement.str_at(&["key"]);
        out.extend(place.child("key").complaints(key, names::qualified_name(key)));
        if !any_value {
            out.extend(each_value(requirement, place, names::label_value));
        }
    }
    let list = &place.child("matchFields");
    for (i, requirement) in term.array_at(&["matchFields"]).iter().enumerate() {
        out.extend(node_field(requirement, &list.index(i)));
    }
    out
}

fn each_value(requirement: &Document, place: &Place<'_>, rule: fn(&str) -> Vec<String>) -> FieldErrors {
    let place = &place.child("values");
    let values = requirement.array_at(&["values"]).iter().filter_map(Document::as_str);
    values.enumerate().flat_map(|(i, value)| place.index(i).complaints(value, rule(value))).collect()
}

fn node_operator(requirement: &Document, place: &Place<'_>) -> Option<FieldError> {
    let count = requirement.array_at(&["values"]).len();
    let values = place.child("values");
    match requirement.str_at(&["operator"]) {
        "In" | "NotIn" => {
            let why = "must be specified when `operator` is 'In' or 'NotIn'";
            (count == 0).then(|| values.required(why))
        }
        "Exists" | "DoesNotExist" => {
            let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            (count > 0).then(|| values.forbidden(why))
        }
        "Gt" | "Lt" => {
            let why = "must be specified single value when `operator` is 'Lt' or 'Gt'";
            (count != 1).then(|| values.required(why))
        }
        other => Some(place.child("operator").invalid(other, "not a valid selector operator")),
    }
}

/// Of a node's fields only the name can be asked for.
fn node_field(requirement: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    match requirement.str_at(&["operator"]) {
        "In" | "NotIn" if requirement.array_at(&["values"]).len() == 1 => {}
        "In" | "NotIn" => {
            let why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
            out.push(place.child("values").required(why));
        }
        other => out.push(place.child("operator").invalid(other, "not a valid selector operator")),
    }
    let key = requirement.str_at(&["key"]);
    if key == "metadata.name" {
        out.extend(each_value(requirement, place, names::dns1123_subdomain));
    } else {
        out.push(place.child("key").invalid(key, "not a valid field selector key"));
    }
    out
}

fn pods(affinity: &Document, place: &Place<'_>, any_value: bool) -> FieldErrors {
    let mut out = FieldErrors::new();
    let list = &place.child(REQUIRED);
    for (i, term) in affinity.array_at(&[REQUIRED]).iter().enumerate() {
        out.extend(pod_term(term, &list.index(i), any_value));
    }
    let list = &place.child(PREFERRED);
    for (i, preference) in affinity.array_at(&[PREFERRED]).iter().enumerate() {
        let place = &list.index(i);
        out.extend(weight(preference, place));
        let term = preference.get("podAffinityTerm").unwrap_or(&EMPTY);
        out.extend(pod_term(term, &place.child("podAffinityTerm"), any_value));
    }
    out
}

/// Pods, and what is near to them.
fn pod_term(term: &Document, place: &Place<'_>, any_value: bool) -> FieldErrors {
    let mut out = FieldErrors::new();
    for field in ["labelSelector", "namespaceSelector"] {
        if let Some(selector) = given(term, field) {
            let errors = labels::selector(&place.child(field).path(), Some(selector));
            out.extend(errors.into_iter().filter(|error| !any_value || !is_about_value(error)));
        }
    }
    for namespace in term.array_at(&["namespaces"]).iter().filter_map(Document::as_str) {
        // Upstream names the field in the singular, and no element.
        out.extend(place.child("namespace").complaints(namespace, names::dns1123_label(namespace)));
    }
    out.extend(label_keys::merged(term, place));
    let (key, place) = (term.str_at(&["topologyKey"]), place.child("topologyKey"));
    if key.is_empty() {
        out.push(place.required("can not be empty"));
    }
    out.extend(place.complaints(key, names::qualified_name(key)));
    out
}

/// Whether the error is about one of the values of an expression.
fn is_about_value(error: &FieldError) -> bool {
    error.field.as_str().contains("].values[")
}

/// Whether a selector of pod affinity holds what upstream once let pass.
pub(super) fn has_invalid_selector(spec: &Document) -> bool {
    let Some(affinity) = given(spec, "affinity") else { return false };
    let root = FieldPath::root();
    let is_invalid = |term: &Document| {
        ["labelSelector", "namespaceSelector"]
            .iter()
            .any(|field| !labels::selector(&root, given(term, field)).is_empty())
    };
    POD_KINDS.into_iter().any(|kind| {
        let required = affinity.array_at(&[kind, REQUIRED]).iter();
        let preferred = affinity.array_at(&[kind, PREFERRED]).iter();
        required.chain(preferred.filter_map(|preference| preference.get("podAffinityTerm"))).any(is_invalid)
    })
}

/// Whether required node affinity holds a value that no label can have.
pub(super) fn has_invalid_node_value(spec: &Document) -> bool {
    let terms = spec.array_at(&["affinity", "nodeAffinity", REQUIRED, "nodeSelectorTerms"]).iter();
    let requirements = terms.flat_map(|term| term.array_at(&["matchExpressions"]));
    let mut values = requirements.flat_map(|requirement| requirement.array_at(&["values"]));
    values.any(|value| value.as_str().is_some_and(|value| !names::label_value(value).is_empty()))
}
