//! Probes and lifecycle hooks.

use crate::validation::{invalid, network, not_negative, one_of};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, names};

/// What a probe or hook does.
const ACTIONS: [&str; 5] = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"];

/// The probes of a container.
pub(super) fn probes(container: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = container.get(name).filter(|p| !p.is_null()) else { continue };
        let at = field.child(name);
        out.extend(action(probe, &at));
        for number in
            ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
        {
            out.extend(not_negative(&at.child(number), probe.get(number)));
        }
        if name != "readinessProbe" && probe.i64_at(&["successThreshold"]).unwrap_or(1) != 1 {
            let value = probe.i64_at(&["successThreshold"]);
            out.push(FieldError::invalid(&at.child("successThreshold"), value, "must be 1"));
        }
        if let Some(grace) = probe.i64_at(&["terminationGracePeriodSeconds"]) {
            let at = at.child("terminationGracePeriodSeconds");
            if name == "readinessProbe" {
                out.push(FieldError::invalid(&at, grace, "must not be set for readinessProbes"));
            } else if grace <= 0 {
                out.push(FieldError::invalid(&at, grace, "must be greater than 0"));
            }
        }
    }
    out
}

/// The hooks of a container.
pub(super) fn hooks(container: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    for name in ["postStart", "preStop"] {
        if let Some(hook) = container.at(&["lifecycle", name]).filter(|h| !h.is_null()) {
            out.extend(action(hook, &field.child("lifecycle").child(name)));
        }
    }
    out
}

fn action(handler: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    let mut seen = false;
    for name in ACTIONS {
        let Some(action) = handler.get(name).filter(|a| !a.is_null()) else { continue };
        let at = field.child(name);
        if std::mem::replace(&mut seen, true) {
            out.push(FieldError::forbidden(&at, "may not specify more than 1 handler type"));
            continue;
        }
        match name {
            "exec" => {
                if action.array_at(&["command"]).is_empty() {
                    out.push(FieldError::required(&at.child("command"), ""));
                }
            }
            "httpGet" => out.extend(http_get(action, &at)),
            "tcpSocket" => out.extend(port(action, &at)),
            "grpc" => out.extend(port(action, &at)),
            _ => {
                if action.i64_at(&["seconds"]).unwrap_or(0) < 0 {
                    let value = action.i64_at(&["seconds"]);
                    out.push(FieldError::invalid(&at, value, "must be greater than or equal to 0"));
                }
            }
        }
    }
    if !seen {
        out.push(FieldError::required(field, "must specify a handler type"));
    }
    out
}

fn port(action: &Document, field: &FieldPath) -> FieldErrors {
    match action.get("port") {
        Some(port) => network::port_or_name(&field.child("port"), port),
        None => vec![FieldError::invalid(&field.child("port"), 0, "must be between 1 and 65535, inclusive")],
    }
}

fn http_get(get: &Document, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    if get.str_at(&["path"]).is_empty() {
        out.push(FieldError::required(&field.child("path"), ""));
    }
    out.extend(port(get, field));
    out.extend(one_of(&field.child("scheme"), get.str_at(&["scheme"]), &["HTTP", "HTTPS"]));
    for (i, header) in get.array_at(&["httpHeaders"]).iter().enumerate() {
        let name = header.str_at(&["name"]);
        let at = field.child("httpHeaders").index(i).child("name");
        out.extend(invalid(&at, name, names::http_header_name(name)));
    }
    out
}
