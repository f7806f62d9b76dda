//! Security contexts of pods and containers.

pub(crate) mod app_armor;
mod seccomp;
mod sysctl;
mod windows;

pub(super) use seccomp::profile as seccomp_profile;
pub(super) use sysctl::has_host_sysctl;

use super::given;
use super::leniency::Leniency;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldError, FieldErrors, doc, names};

/// The `securityContext` of a pod.
pub(super) fn pod(spec: &Document, place: &Place<'_>, leniency: Leniency) -> FieldErrors {
    let mut out = FieldErrors::new();
    let Some(context) = given(spec, "securityContext") else { return out };
    for field in ["fsGroup", "runAsUser", "runAsGroup"] {
        out.extend(id(context.get(field), &place.child(field)));
    }
    let list = &place.child("supplementalGroups");
    for (i, group) in context.array_at(&["supplementalGroups"]).iter().enumerate() {
        out.extend(id(Some(group), &list.index(i)));
    }
    if spec.bool_at(&["shareProcessNamespace"]) == Some(true) && spec.bool_at(&["hostPID"]) == Some(true) {
        let why = "ShareProcessNamespace and HostPID cannot both be enabled";
        out.push(place.child("shareProcessNamespace").invalid(true, why));
    }
    out.extend(sysctl::validate(spec, context, &place.child("sysctls"), leniency));
    out.extend(policy(context, "fsGroupChangePolicy", &["Always", "OnRootMismatch"], place));
    out.extend(seccomp::field(context, &place.child("seccompProfile")));
    out.extend(windows::validate(context, &place.child("windowsOptions")));
    out.extend(app_armor::field(context, &place.child("appArmorProfile")));
    out.extend(policy(context, "supplementalGroupsPolicy", &["Merge", "Strict"], place));
    let changes: &[&str] =
        if leniency.selinux_policies { &["MountOption", "Recursive"] } else { &["Recursive"] };
    out.extend(policy(context, "seLinuxChangePolicy", changes, place));
    out
}

/// The `securityContext` of a container.
pub(super) fn container(container: &Document, place: &Place<'_>, host_users: bool) -> FieldErrors {
    let mut out = FieldErrors::new();
    let Some(context) = given(container, "securityContext") else { return out };
    for field in ["runAsUser", "runAsGroup"] {
        out.extend(id(context.get(field), &place.child(field)));
    }
    out.extend(policy(context, "procMount", &["Default", "Unmasked"], place));
    if host_users && context.str_at(&["procMount"]) == "Unmasked" {
        let why = "`hostUsers` must be false to use `Unmasked`";
        out.push(place.child("procMount").invalid("Unmasked", why));
    }
    out.extend(seccomp::field(context, &place.child("seccompProfile")));
    out.extend(escalation(context, place));
    out.extend(windows::validate(context, &place.child("windowsOptions")));
    out.extend(app_armor::field(context, &place.child("appArmorProfile")));
    out
}

/// The id of a user or group.
fn id(id: Option<&Document>, place: &Place<'_>) -> FieldErrors {
    let Some(id) = id.and_then(Document::as_i64) else { return FieldErrors::new() };
    names::user_or_group_id(id).into_iter().map(|why| place.invalid(id, why)).collect()
}

fn policy(context: &Document, field: &str, allowed: &[&str], place: &Place<'_>) -> Option<FieldError> {
    place.child(field).among(context.get(field)?.as_str()?, allowed)
}

/// Who may not gain privileges has none.
fn escalation(context: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    if context.bool_at(&["allowPrivilegeEscalation"]) != Some(false) {
        return out;
    }
    if context.bool_at(&["privileged"]) == Some(true) {
        let why = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
        out.push(place.invalid(shown(context), why));
    }
    let added = context.array_at(&["capabilities", "add"]).iter().filter_map(Document::as_str);
    for _ in added.filter(|capability| *capability == "CAP_SYS_ADMIN") {
        let why = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
        out.push(place.invalid(shown(context), why));
    }
    out
}

/// The context as upstream shows it: as its internal struct, whose fields have no names of the API.
fn shown(context: &Document) -> Document {
    let part = |field: &str, list: &[(&str, &str)]| {
        let part = given(context, field)?;
        let fields = list.iter().map(|(shown, name)| (*shown, part.get(name).cloned().unwrap_or_default()));
        Some(fields.collect::<Document>())
    };
    let text = |field: &str, list: &[(&str, &str)]| {
        let part = given(context, field)?;
        Some(list.iter().map(|(shown, name)| (*shown, part.str_at(&[*name]))).collect::<Document>())
    };
    let own = |field: &str| context.get(field).cloned();
    let profile = [("Type", "type"), ("LocalhostProfile", "localhostProfile")];
    let selinux = [("User", "user"), ("Role", "role"), ("Type", "type"), ("Level", "level")];
    let windows = [
        ("GMSACredentialSpecName", "gmsaCredentialSpecName"),
        ("GMSACredentialSpec", "gmsaCredentialSpec"),
        ("RunAsUserName", "runAsUserName"),
        ("HostProcess", "hostProcess"),
    ];
    doc!({
        "Capabilities": part("capabilities", &[("Add", "add"), ("Drop", "drop")]),
        "Privileged": own("privileged"),
        "SELinuxOptions": text("seLinuxOptions", &selinux),
        "WindowsOptions": part("windowsOptions", &windows),
        "RunAsUser": own("runAsUser"),
        "RunAsGroup": own("runAsGroup"),
        "RunAsNonRoot": own("runAsNonRoot"),
        "ReadOnlyRootFilesystem": own("readOnlyRootFilesystem"),
        "AllowPrivilegeEscalation": own("allowPrivilegeEscalation"),
        "ProcMount": own("procMount"),
        "SeccompProfile": part("seccompProfile", &profile),
        "AppArmorProfile": part("appArmorProfile", &profile)
    })
}
