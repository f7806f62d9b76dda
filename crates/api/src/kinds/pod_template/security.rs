//! Security contexts of pods and containers.

use crate::validation::{invalid, one_of};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, names};

/// The `securityContext` of a pod.
pub(super) fn pod(spec: &Document, field: &FieldPath) -> FieldErrors {
    let Some(context) = spec.get("securityContext").filter(|c| !c.is_null()) else {
        return FieldErrors::new();
    };
    let mut out = ids(context, field, &["runAsUser", "runAsGroup", "fsGroup"]);
    for (i, group) in context.array_at(&["supplementalGroups"]).iter().enumerate() {
        out.extend(id(group, &field.child("supplementalGroups").index(i)));
    }
    out.extend(seccomp(context, field));
    let mut seen = Vec::new();
    for (i, sysctl) in context.array_at(&["sysctls"]).iter().enumerate() {
        let (name, at) = (sysctl.str_at(&["name"]), field.child("sysctls").index(i).child("name"));
        if name.is_empty() {
            out.push(FieldError::required(&at, ""));
        } else if !is_sysctl(name) {
            out.push(FieldError::invalid(&at, name, "must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"));
        } else if seen.contains(&name) {
            out.push(FieldError::duplicate(&at, name));
        }
        seen.push(name);
    }
    if let Some(policy) = context.get("fsGroupChangePolicy").and_then(Document::as_str) {
        out.extend(one_of(&field.child("fsGroupChangePolicy"), policy, &["Always", "OnRootMismatch"]));
    }
    if let Some(policy) = context.get("supplementalGroupsPolicy").and_then(Document::as_str) {
        out.extend(one_of(&field.child("supplementalGroupsPolicy"), policy, &["Merge", "Strict"]));
    }
    let host_namespaces = ["hostPID", "hostIPC"].iter().any(|f| spec.bool_at(&[f]) == Some(true));
    if spec.bool_at(&["shareProcessNamespace"]) == Some(true)
        && spec.bool_at(&["hostPID"]) == Some(true)
        && host_namespaces
    {
        let why = "ShareProcessNamespace and HostPID cannot both be enabled";
        out.push(FieldError::invalid(&field.child("shareProcessNamespace"), true, why));
    }
    out
}

/// The `securityContext` of a container.
pub(super) fn container(container: &Document, field: &FieldPath) -> FieldErrors {
    let Some(context) = container.get("securityContext").filter(|c| !c.is_null()) else {
        return FieldErrors::new();
    };
    let field = &field.child("securityContext");
    let mut out = ids(context, field, &["runAsUser", "runAsGroup"]);
    out.extend(seccomp(context, field));
    if let Some(mount) = context.get("procMount").and_then(Document::as_str) {
        out.extend(one_of(&field.child("procMount"), mount, &["Default", "Unmasked"]));
    }
    if context.bool_at(&["allowPrivilegeEscalation"]) == Some(false) {
        let why = |what: &str| format!("cannot set `allowPrivilegeEscalation` to false and `{what}`");
        if context.bool_at(&["privileged"]) == Some(true) {
            out.push(FieldError::invalid(field, context, why("privileged` to true").trim_end_matches('`')));
        }
        let adds_admin = context
            .array_at(&["capabilities", "add"])
            .iter()
            .any(|c| matches!(c.as_str(), Some("CAP_SYS_ADMIN")));
        if adds_admin {
            out.push(FieldError::invalid(
                field,
                context,
                why("capabilities.Add` CAP_SYS_ADMIN").trim_end_matches('`'),
            ));
        }
    }
    out
}

fn ids(context: &Document, field: &FieldPath, which: &[&str]) -> FieldErrors {
    which
        .iter()
        .filter_map(|name| context.get(name).map(|value| (name, value)))
        .flat_map(|(name, value)| id(value, &field.child(name)))
        .collect()
}

fn id(value: &Document, field: &FieldPath) -> FieldErrors {
    value.as_i64().map_or_else(FieldErrors::new, |number| {
        names::user_or_group_id(number)
            .into_iter()
            .map(|why| FieldError::invalid(field, number, why))
            .collect()
    })
}

fn seccomp(context: &Document, field: &FieldPath) -> FieldErrors {
    let Some(profile) = context.get("seccompProfile").filter(|p| !p.is_null()) else {
        return FieldErrors::new();
    };
    let field = field.child("seccompProfile");
    let (ty, local) = (profile.str_at(&["type"]), profile.get("localhostProfile").and_then(Document::as_str));
    let mut out = FieldErrors::new();
    match (ty, local) {
        ("Localhost", None | Some("")) => {
            let why = "must be set when seccomp type is Localhost";
            out.push(FieldError::required(&field.child("localhostProfile"), why));
        }
        ("Localhost", Some(path)) => {
            let at = field.child("localhostProfile");
            if path.starts_with('/') {
                out.push(FieldError::invalid(&at, path, "must be a relative path"));
            }
            if path.split('/').any(|part| part == "..") {
                out.push(FieldError::invalid(&at, path, "must not contain '..'"));
            }
        }
        (_, Some(local)) => {
            let why = "can only be set when seccomp type is Localhost";
            out.push(FieldError::invalid(&field.child("localhostProfile"), local, why));
        }
        _ => {}
    }
    out.extend(one_of(&field.child("type"), ty, &["Localhost", "RuntimeDefault", "Unconfined"]));
    out
}

fn is_sysctl(name: &str) -> bool {
    name.len() <= 253
        && name.split(['.', '/']).all(|part| {
            let inner =
                part.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"-_".contains(&c));
            inner && !part.is_empty() && !part.starts_with(['-', '_']) && !part.ends_with(['-', '_'])
        })
}

/// Names that a pod may have for itself in DNS.
pub(super) fn host_names(spec: &Document, field: &FieldPath) -> FieldErrors {
    ["hostname", "subdomain"]
        .into_iter()
        .filter(|name| !spec.str_at(&[name]).is_empty())
        .flat_map(|name| {
            let value = spec.str_at(&[name]);
            invalid(&field.child(name), value, names::dns1123_label(value))
        })
        .collect()
}
