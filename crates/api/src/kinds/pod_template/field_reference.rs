//! What variables and files show of the pod they are in (the downward API).

use crate::validation::place::Place;
use skiff_apimachinery::quantity::Quantity;
use skiff_apimachinery::{Document, FieldErrors, names};

/// Who shows the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// An environment variable.
    Variable,
    /// A file in a volume.
    File,
}

/// Fields that a variable may show; labels and annotations only one by one.
const IN_VARIABLES: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
/// Fields that a file may show.
const IN_FILES: [&str; 5] =
    ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
/// Fields that a path may name at all, whoever shows them.
const KNOWN: [&str; 15] = [
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.host",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.phase",
    "status.podIP",
    "status.podIPs",
];
/// Resources whose amounts may be shown.
const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];
const CPU_UNITS: [&str; 2] = ["1m", "1"];
const BYTE_UNITS: [&str; 13] =
    ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

/// A reference to a field of the pod.
pub(super) fn field(reference: &Document, place: &Place<'_>, reader: Reader) -> FieldErrors {
    let (version, path) = (reference.str_at(&["apiVersion"]), reference.str_at(&["fieldPath"]));
    if version.is_empty() {
        return vec![place.child("apiVersion").required("")];
    }
    let at = place.child("fieldPath");
    if path.is_empty() {
        return vec![at.required("")];
    }
    if version != "v1" {
        let why = format!("error converting fieldPath: unsupported pod version: {version}");
        return vec![at.invalid(path, why)];
    }
    if let Some((parent, key)) = subscript(path) {
        return match parent {
            "metadata.annotations" => place.complaints(key, names::qualified_name(&key.to_lowercase())),
            "metadata.labels" => place.complaints(key, names::qualified_name(key)),
            _ => {
                let why =
                    format!("error converting fieldPath: field label does not support subscript: {path}");
                vec![at.invalid(path, why)]
            }
        };
    }
    if !KNOWN.contains(&path) {
        let why = format!("error converting fieldPath: field label not supported: {path}");
        return vec![at.invalid(path, why)];
    }
    let allowed: &[&str] = if reader == Reader::Variable { &IN_VARIABLES } else { &IN_FILES };
    // An old name of the node's field still counts.
    let path = if path == "spec.host" { "spec.nodeName" } else { path };
    at.among(path, allowed).into_iter().collect()
}

/// `metadata.labels['app']`, in two.
fn subscript(path: &str) -> Option<(&str, &str)> {
    path.strip_suffix("']")?.split_once("['").filter(|(parent, _)| !parent.is_empty())
}

/// A reference to what a container asks for, or may use.
pub(super) fn resource(reference: &Document, place: &Place<'_>, reader: Reader) -> FieldErrors {
    if reader == Reader::File && reference.str_at(&["containerName"]).is_empty() {
        return vec![place.child("containerName").required("")];
    }
    let resource = reference.str_at(&["resource"]);
    let at = place.child("resource");
    if resource.is_empty() {
        return vec![at.required("")];
    }
    let huge = ["limits.hugepages-", "requests.hugepages-"].iter().any(|start| resource.starts_with(start));
    let mut out = FieldErrors::new();
    if !huge {
        out.extend(at.among(resource, &RESOURCES));
    }
    out.extend(divisor(reference, resource, place));
    out
}

/// The unit that the amount is shown in.
fn divisor(reference: &Document, resource: &str, place: &Place<'_>) -> FieldErrors {
    let Some(Ok(divisor)) = reference.get("divisor").and_then(Quantity::from_document) else {
        return FieldErrors::new();
    };
    let bare = ["limits.", "requests."].iter().find_map(|start| resource.strip_prefix(start)).unwrap_or("");
    let (units, what): (&[&str], &str) = match bare {
        "cpu" => (&CPU_UNITS, "cpu resource"),
        "memory" => (&BYTE_UNITS, "memory resource"),
        "ephemeral-storage" => (&BYTE_UNITS, "local ephemeral storage resource"),
        _ if bare.starts_with("hugepages-") => (&BYTE_UNITS, "hugepages resource"),
        _ => return FieldErrors::new(),
    };
    if divisor.is_zero() || units.contains(&divisor.to_string().as_str()) {
        return FieldErrors::new();
    }
    let all = if bare == "cpu" { "1m and 1".to_owned() } else { units.join(", ") };
    let why = format!("only divisor's values {all} are supported with the {what}");
    vec![place.child("divisor").invalid(resource, why)]
}
