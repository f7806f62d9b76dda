//! Environment variables: `env` and `envFrom`.

use crate::validation::invalid;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, Node, names};

/// Downward API fields that a variable may show.
const FIELDS: &[&str] = &[
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

/// Resources that a variable may show.
const RESOURCES: &[&str] = &[
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
];

pub(super) fn variables(container: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    for (i, variable) in container.array_at(&["env"]).iter().enumerate() {
        let at = field.child("env").index(i);
        let name = variable.str_at(&["name"]);
        if name.is_empty() {
            out.push(FieldError::required(&at.child("name"), ""));
        } else {
            out.extend(invalid(&at.child("name"), name, names::environment_name(name)));
        }
        out.extend(value_from(variable, &at.child("valueFrom")));
    }
    for (i, source) in container.array_at(&["envFrom"]).iter().enumerate() {
        out.extend(bulk_source(source, &field.child("envFrom").index(i)));
    }
    out
}

fn value_from(variable: &Document, field: &FieldPath) -> FieldErrors {
    let Some(source) = variable.get("valueFrom").and_then(Document::as_object) else {
        return FieldErrors::new();
    };
    let mut out = FieldErrors::new();
    let given = source.iter().filter(|(_, value)| !value.is_null()).count();
    if given == 0 {
        let all = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
        out.push(FieldError::invalid(field, "", all));
    } else if !variable.str_at(&["value"]).is_empty() {
        out.push(FieldError::invalid(field, "", "may not be specified when `value` is not empty"));
    } else if given > 1 {
        out.push(FieldError::invalid(field, "", "may not have more than one field specified at a time"));
    }
    for (kind, reference) in source.iter().filter(|(_, value)| !value.is_null()) {
        let at = field.child(kind);
        match kind {
            "fieldRef" => out.extend(field_reference(reference, &at, FIELDS)),
            "resourceFieldRef" => out.extend(resource_reference(reference, &at)),
            "configMapKeyRef" | "secretKeyRef" => out.extend(key_reference(reference, &at)),
            _ => {}
        }
    }
    out
}

/// A reference to a field of the pod itself.
pub(super) fn field_reference(reference: &Document, field: &FieldPath, allowed: &[&str]) -> FieldErrors {
    let (version, path) = (reference.str_at(&["apiVersion"]), reference.str_at(&["fieldPath"]));
    if version.is_empty() {
        return vec![FieldError::required(&field.child("apiVersion"), "")];
    }
    if path.is_empty() {
        return vec![FieldError::required(&field.child("fieldPath"), "")];
    }
    let at = field.child("fieldPath");
    if let Some((parent, key)) = path.strip_suffix("']").and_then(|p| p.split_once("['")) {
        return match parent {
            "metadata.annotations" => invalid(&at, key, names::qualified_name(&key.to_lowercase())),
            "metadata.labels" => invalid(&at, key, names::qualified_name(key)),
            _ => {
                vec![FieldError::invalid(&at, path, "does not support subscript")]
            }
        };
    }
    if allowed.contains(&path) { Vec::new() } else { vec![FieldError::not_supported(&at, path, allowed)] }
}

/// A reference to an amount that a container asks for.
pub(super) fn resource_reference(reference: &Document, field: &FieldPath) -> FieldErrors {
    let resource = reference.str_at(&["resource"]);
    let at = field.child("resource");
    if resource.is_empty() {
        vec![FieldError::required(&at, "")]
    } else if RESOURCES.contains(&resource)
        || resource.starts_with("limits.hugepages-")
        || resource.starts_with("requests.hugepages-")
    {
        Vec::new()
    } else {
        vec![FieldError::not_supported(&at, resource, RESOURCES)]
    }
}

fn key_reference(reference: &Document, field: &FieldPath) -> FieldErrors {
    let key = reference.str_at(&["key"]);
    let at = field.child("key");
    if key.is_empty() {
        vec![FieldError::required(&at, "")]
    } else {
        invalid(&at, key, names::config_map_key(key))
    }
}

fn bulk_source(source: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    let prefix = source.str_at(&["prefix"]);
    if !prefix.is_empty() {
        out.extend(invalid(&field.child("prefix"), prefix, names::environment_name(prefix)));
    }
    let given = |kind: &str| source.get(kind).is_some_and(|r| matches!(r.node(), Node::Object(_)));
    match (given("configMapRef"), given("secretRef")) {
        (false, false) => {
            out.push(FieldError::invalid(field, "", "must specify one of: `configMapRef` or `secretRef`"))
        }
        (true, true) => {
            out.push(FieldError::invalid(field, "", "may not have more than one field specified at a time"))
        }
        (map, _) => {
            let kind = if map { "configMapRef" } else { "secretRef" };
            let name = source.str_at(&[kind, "name"]);
            let at = field.child(kind).child("name");
            if name.is_empty() {
                out.push(FieldError::required(&at, ""));
            } else {
                out.extend(invalid(&at, name, names::dns1123_subdomain(name)));
            }
        }
    }
    out
}
