//! Annotations of pods that mean something, most of them older than the field that says the same.

use super::leniency::Leniency;
use super::security::seccomp_profile;
use super::{container, given, toleration};
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldError, FieldErrors, Map, Node, json, names};

/// AppArmor profiles by container.
pub(crate) const PREFIX_APPARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
/// Seccomp profiles by container.
pub(super) const PREFIX_SECCOMP: &str = "container.seccomp.security.alpha.kubernetes.io/";
/// The seccomp profile of the whole pod.
pub(super) const SECCOMP: &str = "seccomp.security.alpha.kubernetes.io/pod";
/// What the kubelet runs the pod from.
pub(crate) const MIRROR: &str = "kubernetes.io/config.mirror";
const TOLERATIONS: &str = "scheduler.alpha.kubernetes.io/tolerations";
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";
/// Most bytes of all annotations together.
const MAX_BYTES: usize = 256 * 1024;

/// Whether the kubelet runs the pod from a file of its own.
pub(crate) fn is_mirror(pod: &Document) -> bool {
    pod.annotations().is_some_and(|annotations| annotations.contains_key(MIRROR))
}

/// Whether the deletion cost is a number, or is left out.
pub(super) fn has_deletion_cost(holder: &Document) -> bool {
    holder.annotation(DELETION_COST).is_none_or(|cost| {
        // The same number is written in one way only.
        let starts = cost.starts_with(['-', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
        (starts || cost == "0") && cost.parse::<i32>().is_ok()
    })
}

/// Keys and size of a template's annotations.
pub(super) fn entries(template: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let mut bytes = 0;
    for (key, value) in template.annotations().into_iter().flat_map(Map::iter) {
        // Upper case is allowed here.
        out.extend(place.complaints(key, names::qualified_name(&key.to_lowercase())));
        bytes += key.len() + value.as_str().map_or(0, str::len);
    }
    if bytes > MAX_BYTES {
        out.push(place.too_long(MAX_BYTES));
    }
    out
}

/// Annotations with rules of their own.
pub(crate) fn specific(
    holder: &Document,
    spec: &Document,
    place: &Place<'_>,
    leniency: Leniency,
) -> FieldErrors {
    let mut out = FieldErrors::new();
    let Some(annotations) = holder.annotations() else { return out };
    if annotations.contains_key(MIRROR) && spec.str_at(&["nodeName"]).is_empty() {
        let why = "must set spec.nodeName if mirror pod annotation is set";
        out.push(place.key(MIRROR).invalid(holder.annotation(MIRROR).unwrap_or_default(), why));
    }
    if let Some(text) = holder.annotation(TOLERATIONS).filter(|text| !text.is_empty()) {
        out.extend(tolerations(text, place));
    }
    if !leniency.deletion_costs && !has_deletion_cost(holder) {
        let cost = holder.annotation(DELETION_COST).unwrap_or_default();
        out.push(place.key(DELETION_COST).invalid(cost, "must be a 32bit integer"));
    }
    if let Some(profile) = holder.annotation(SECCOMP) {
        out.extend(seccomp_profile(profile, &place.child(SECCOMP)));
    }
    for (key, value) in annotations.iter().filter(|(key, _)| key.starts_with(PREFIX_SECCOMP)) {
        out.extend(seccomp_profile(value.as_str().unwrap_or_default(), &place.child(key)));
    }
    for (key, value) in annotations.iter() {
        if let Some(name) = key.strip_prefix(PREFIX_APPARMOR) {
            out.extend(app_armor_profile(name, value.as_str().unwrap_or_default(), spec, &place.key(key)));
        }
    }
    out
}

fn tolerations(text: &str, place: &Place<'_>) -> FieldErrors {
    let decoded = match json::decode(text.as_bytes()) {
        Ok(decoded) => decoded,
        Err(error) => return vec![place.invalid(TOLERATIONS, error.to_string())],
    };
    let kind = match decoded.node() {
        Node::Array(tolerations) => return toleration::validate(tolerations, &place.child(TOLERATIONS)),
        Node::Null => return FieldErrors::new(),
        Node::Bool(_) => "bool",
        Node::String(_) => "string",
        Node::Object(_) => "object",
        _ => "number",
    };
    let why = format!("json: cannot unmarshal {kind} into Go value of type []core.Toleration");
    vec![place.invalid(TOLERATIONS, why)]
}

fn app_armor_profile(container: &str, profile: &str, spec: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    if !container::any(spec, |other| other.str_at(&["name"]) == container) {
        out.push(place.invalid(container, "container not found"));
    }
    let is_known = matches!(profile, "" | "runtime/default" | "unconfined");
    if !is_known && !profile.starts_with("localhost/") {
        out.push(place.invalid(profile, format!("invalid AppArmor profile name: {profile:?}")));
    }
    out
}

/// An annotation and the field that took its place say the same.
pub(crate) fn field_matches(holder: &Document, spec: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let Some(annotations) = holder.annotations().filter(|annotations| !annotations.is_empty()) else {
        return out;
    };
    let text = |key: &str| annotations.get(key).and_then(Document::as_str);
    if let (Some(profile), Some(note)) = (profile_of(spec, "seccompProfile"), text(SECCOMP)) {
        out.extend(differs(note, profile, Kind::Seccomp, place));
    }
    container::for_each(spec, place, |container, place| {
        let note = text(&format!("{PREFIX_SECCOMP}{}", container.str_at(&["name"])));
        if let (Some(profile), Some(note)) = (profile_of(container, "seccompProfile"), note) {
            out.extend(differs(note, profile, Kind::Seccomp, place));
        }
    });
    if spec.str_at(&["os", "name"]) == "windows" {
        return out;
    }
    container::for_each(spec, place, |container, place| {
        let note = text(&format!("{PREFIX_APPARMOR}{}", container.str_at(&["name"])));
        let profile =
            profile_of(container, "appArmorProfile").or_else(|| profile_of(spec, "appArmorProfile"));
        if let (Some(profile), Some(note)) = (profile, note) {
            out.extend(differs(note, profile, Kind::AppArmor, place));
        }
    });
    out
}

fn profile_of<'a>(holder: &'a Document, field: &str) -> Option<&'a Document> {
    given(given(holder, "securityContext")?, field)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Seccomp,
    AppArmor,
}

fn differs(note: &str, profile: &Document, kind: Kind, place: &Place<'_>) -> Option<FieldError> {
    let (name, field) = match kind {
        Kind::Seccomp => ("seccomp", "seccompProfile"),
        Kind::AppArmor => ("apparmor", "appArmorProfile"),
    };
    let path = profile.get("localhostProfile").and_then(Document::as_str);
    let (what, sub_field) = match (profile.str_at(&["type"]), note.strip_prefix("localhost/")) {
        ("Unconfined", _) if note != "unconfined" => ("type", "type"),
        ("RuntimeDefault", _) if note == "docker/default" && kind == Kind::Seccomp => return None,
        ("RuntimeDefault", _) if note != "runtime/default" => ("type", "type"),
        ("Localhost", None) => ("type", "type"),
        ("Localhost", of_note) if of_note != path => ("profile", "localhostProfile"),
        _ => return None,
    };
    let why = format!("{name} {what} in annotation and field must match");
    Some(place.child("securityContext").child(field).child(sub_field).forbidden(why))
}
