//! Containers of all three lists.

use super::{environment, lifecycle, resources, security};
use crate::validation::{invalid, one_of};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, names};
use std::collections::HashSet;

/// The three lists of containers in a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    Containers,
    Init,
    Ephemeral,
}

/// What the containers of a pod share.
pub(super) struct Surroundings<'a> {
    /// Names of the pod's volumes.
    pub volumes: HashSet<&'a str>,
    /// Whether the pod is on the host's network.
    pub host_network: bool,
    /// The pod's restart policy.
    pub restart_policy: &'a str,
}

impl List {
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Containers => "containers",
            Self::Init => "initContainers",
            Self::Ephemeral => "ephemeralContainers",
        }
    }
}

/// All containers of a pod; names are unique over the three lists.
pub(super) fn validate(spec: &Document, field: &FieldPath, around: &Surroundings<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    if spec.array_at(&["containers"]).is_empty() {
        out.push(FieldError::required(&field.child("containers"), ""));
    }
    let mut names = HashSet::new();
    for list in [List::Containers, List::Init, List::Ephemeral] {
        let at = field.child(list.field());
        let mut host_ports = HashSet::new();
        for (i, container) in spec.array_at(&[list.field()]).iter().enumerate() {
            let at = at.index(i);
            let name = container.str_at(&["name"]);
            if !name.is_empty() && !names.insert(name) {
                out.push(FieldError::duplicate(&at.child("name"), name));
            }
            out.extend(one(container, &at, list, around, &mut host_ports));
        }
    }
    out
}

fn one<'a>(
    container: &'a Document,
    field: &FieldPath,
    list: List,
    around: &Surroundings<'_>,
    host_ports: &mut HashSet<(&'a str, &'a str, i64)>,
) -> FieldErrors {
    let mut out = FieldErrors::new();
    let name = container.str_at(&["name"]);
    if name.is_empty() {
        out.push(FieldError::required(&field.child("name"), ""));
    } else {
        out.extend(invalid(&field.child("name"), name, names::dns1123_label(name)));
    }
    let image = container.str_at(&["image"]);
    if image.is_empty() {
        out.push(FieldError::required(&field.child("image"), ""));
    } else if image.trim() != image {
        let why = "must not have leading or trailing whitespace";
        out.push(FieldError::invalid(&field.child("image"), image, why));
    }
    match list {
        List::Ephemeral => out.extend(ephemeral_rules(container, field)),
        List::Init => out.extend(init_rules(container, field)),
        List::Containers => {
            out.extend(lifecycle::probes(container, field));
            out.extend(lifecycle::hooks(container, field));
        }
    }
    out.extend(ports(container, field, around, host_ports));
    out.extend(environment::variables(container, field));
    out.extend(mounts(container, field, around));
    out.extend(one_of(
        &field.child("imagePullPolicy"),
        container.str_at(&["imagePullPolicy"]),
        &["Always", "IfNotPresent", "Never"],
    ));
    out.extend(one_of(
        &field.child("terminationMessagePolicy"),
        container.str_at(&["terminationMessagePolicy"]),
        &["FallbackToLogsOnError", "File"],
    ));
    out.extend(resources::requirements(container.get("resources"), &field.child("resources")));
    out.extend(security::container(container, field));
    out.extend(resize_policy(container, field, around));
    out
}

fn ephemeral_rules(container: &Document, field: &FieldPath) -> FieldErrors {
    ["ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "restartPolicy"]
        .into_iter()
        .filter(|name| container.get(name).is_some_and(|v| !v.is_empty()))
        .map(|name| FieldError::forbidden(&field.child(name), "cannot be set for an Ephemeral Container"))
        .collect()
}

fn init_rules(container: &Document, field: &FieldPath) -> FieldErrors {
    match container.get("restartPolicy").and_then(Document::as_str) {
        // A sidecar: it may be probed like a container.
        Some("Always") => {
            let mut out = lifecycle::probes(container, field);
            out.extend(lifecycle::hooks(container, field));
            out
        }
        None | Some("OnFailure" | "Never") => {
            ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"]
                .into_iter()
                .filter(|name| container.get(name).is_some_and(|v| !v.is_null()))
                .map(|name| {
                    FieldError::forbidden(
                        &field.child(name),
                        "may not be set for init containers without restartPolicy=Always",
                    )
                })
                .collect()
        }
        Some(other) => {
            let allowed = ["Always", "OnFailure", "Never"];
            vec![FieldError::not_supported(&field.child("restartPolicy"), other, &allowed)]
        }
    }
}

fn ports<'a>(
    container: &'a Document,
    field: &FieldPath,
    around: &Surroundings<'_>,
    host_ports: &mut HashSet<(&'a str, &'a str, i64)>,
) -> FieldErrors {
    let mut out = FieldErrors::new();
    let mut seen = HashSet::new();
    for (i, port) in container.array_at(&["ports"]).iter().enumerate() {
        let at = field.child("ports").index(i);
        let name = port.str_at(&["name"]);
        if !name.is_empty() {
            let complaints = names::port_name(name);
            if complaints.is_empty() && !seen.insert(name) {
                out.push(FieldError::duplicate(&at.child("name"), name));
            }
            out.extend(invalid(&at.child("name"), name, complaints));
        }
        let number = port.i64_at(&["containerPort"]).unwrap_or(0);
        if number == 0 {
            out.push(FieldError::required(&at.child("containerPort"), ""));
        } else {
            out.extend(port_number(number, &at.child("containerPort")));
        }
        let host_port = port.i64_at(&["hostPort"]).unwrap_or(0);
        let protocol = port.str_at(&["protocol"]);
        if host_port != 0 {
            out.extend(port_number(host_port, &at.child("hostPort")));
            if around.host_network && host_port != number {
                let why = "must match `containerPort` when `hostNetwork` is true";
                out.push(FieldError::invalid(&at.child("hostPort"), host_port, why));
            }
            if !host_ports.insert((port.str_at(&["hostIP"]), protocol, host_port)) {
                let shown = format!("{}/{}/{host_port}", port.str_at(&["hostIP"]), protocol);
                out.push(FieldError::duplicate(&at.child("hostPort"), shown));
            }
        }
        out.extend(one_of(&at.child("protocol"), protocol, &["SCTP", "TCP", "UDP"]));
    }
    out
}

fn port_number(number: i64, field: &FieldPath) -> FieldErrors {
    names::port_number(number).into_iter().map(|why| FieldError::invalid(field, number, why)).collect()
}

fn mounts(container: &Document, field: &FieldPath, around: &Surroundings<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let mut paths = HashSet::new();
    for (i, mount) in container.array_at(&["volumeMounts"]).iter().enumerate() {
        let at = field.child("volumeMounts").index(i);
        let (name, path) = (mount.str_at(&["name"]), mount.str_at(&["mountPath"]));
        if name.is_empty() {
            out.push(FieldError::required(&at.child("name"), ""));
        } else if !around.volumes.contains(name) {
            out.push(FieldError::not_found(&at.child("name"), name));
        }
        if path.is_empty() {
            out.push(FieldError::required(&at.child("mountPath"), ""));
        } else if !paths.insert(path) {
            out.push(FieldError::invalid(&at.child("mountPath"), path, "must be unique"));
        }
        let (sub_path, expression) = (mount.str_at(&["subPath"]), mount.str_at(&["subPathExpr"]));
        for (name, value) in [("subPath", sub_path), ("subPathExpr", expression)] {
            out.extend(relative_path(value, &at.child(name)));
        }
        if !sub_path.is_empty() && !expression.is_empty() {
            let why = "subPathExpr and subPath are mutually exclusive";
            out.push(FieldError::invalid(&at.child("subPathExpr"), expression, why));
        }
        if let Some(propagation) = mount.get("mountPropagation").and_then(Document::as_str) {
            let at = at.child("mountPropagation");
            out.extend(one_of(&at, propagation, &["Bidirectional", "HostToContainer", "None"]));
            let privileged = container.bool_at(&["securityContext", "privileged"]) == Some(true);
            if propagation == "Bidirectional" && !privileged {
                let why = "Bidirectional mount propagation is available only to privileged containers";
                out.push(FieldError::forbidden(&at, why));
            }
        }
    }
    out
}

/// A path that stays below where it starts.
pub(super) fn relative_path(path: &str, field: &FieldPath) -> FieldErrors {
    let mut out = FieldErrors::new();
    if path.starts_with('/') {
        out.push(FieldError::invalid(field, path, "must be a relative path"));
    }
    if path.split('/').any(|part| part == "..") {
        out.push(FieldError::invalid(field, path, "must not contain '..'"));
    }
    out
}

fn resize_policy(container: &Document, field: &FieldPath, around: &Surroundings<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    for (i, policy) in container.array_at(&["resizePolicy"]).iter().enumerate() {
        let at = field.child("resizePolicy").index(i);
        let (name, restart) = (policy.str_at(&["resourceName"]), policy.str_at(&["restartPolicy"]));
        out.extend(one_of(&at.child("resourceName"), name, &["cpu", "memory"]));
        out.extend(one_of(&at.child("restartPolicy"), restart, &["NotRequired", "RestartContainer"]));
        if around.restart_policy == "Never" && restart != "NotRequired" {
            let why = "must be 'NotRequired' when `restartPolicy` is 'Never'";
            out.push(FieldError::invalid(&at.child("restartPolicy"), restart, why));
        }
    }
    out
}
