//! What a pod shares with its host: the network and its name, users, processes on Windows.

use super::leniency::Leniency;
use super::spec::Within;
use super::{container, given};
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors, names};

const MAX_HOSTNAME: usize = 64;

fn is_set(spec: &Document, field: &str) -> bool {
    spec.bool_at(&[field]) == Some(true)
}

/// On the host's network a container's port is the host's.
pub(super) fn ports(spec: &Document, place: &Place<'_>, within: Within<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    if !is_set(spec, "hostNetwork") {
        return out;
    }
    let list = &place.child("containers");
    for (i, container) in spec.array_at(&["containers"]).iter().enumerate() {
        let place = &list.index(i);
        let place = &place.child("ports");
        for (j, port) in container.array_at(&["ports"]).iter().enumerate() {
            let host = port.i64_at(&["hostPort"]).unwrap_or(0);
            // The port of the host is filled in when a pod is made of the template.
            let to_come = host == 0 && matches!(within, Within::Template);
            if !to_come && host != port.i64_at(&["containerPort"]).unwrap_or(0) {
                let why = "must match `containerPort` when `hostNetwork` is true";
                out.push(place.index(j).child("hostPort").invalid(host, why));
            }
        }
    }
    out
}

/// Containers that are processes of a Windows host: all or none, and on its network.
pub(super) fn processes(spec: &Document, place: &Place<'_>) -> FieldErrors {
    const FIELD: [&str; 3] = ["securityContext", "windowsOptions", "hostProcess"];
    let mut out = FieldErrors::new();
    let of_pod = spec.bool_at(&FIELD);
    let (mut some, mut all) = (false, true);
    container::for_each(spec, place, |container, place| {
        let own = container.bool_at(&FIELD);
        if let (Some(own), Some(of_pod)) = (own, of_pod)
            && own != of_pod
        {
            let why = format!("pod hostProcess value must be identical if both are specified, was {of_pod}");
            let [context, options, field] = FIELD;
            out.push(place.child(context).child(options).child(field).invalid(own, why));
        }
        let is_host = own.or(of_pod) == Some(true);
        some |= is_host;
        all &= is_host;
    });
    if !some {
        return out;
    }
    if !all {
        let why =
            "If pod contains any hostProcess containers then all containers must be HostProcess containers";
        out.push(place.invalid("", why));
    }
    if !is_set(spec, "hostNetwork") {
        let why = "hostNetwork must be true if pod contains any hostProcess containers";
        out.push(place.child("hostNetwork").invalid(false, why));
    }
    out
}

/// A pod with users of its own shares nothing with the host (KEP-127).
pub(super) fn users(spec: &Document, place: &Place<'_>, leniency: Leniency) -> FieldErrors {
    let mut out = FieldErrors::new();
    if spec.bool_at(&["hostUsers"]) != Some(false) {
        return out;
    }
    // Upstream writes two of the names as its structs do.
    for (field, shown) in [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
        if is_set(spec, field) {
            out.push(place.child(shown).forbidden("when `hostUsers` is false"));
        }
    }
    if !leniency.user_namespace_devices {
        container::for_each(spec, place, |container, place| {
            if !container.array_at(&["volumeDevices"]).is_empty() {
                out.push(place.child("volumeDevices").forbidden("when `hostUsers` is false"));
            }
        });
    }
    out
}

/// A name of the host's own choice (KEP-4762).
pub(super) fn name(spec: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let Some(name) = given(spec, "hostnameOverride").and_then(Document::as_str) else { return out };
    let at = place.child("hostnameOverride");
    for field in ["setHostnameAsFQDN", "hostNetwork"] {
        if is_set(spec, field) {
            out.push(at.forbidden(format!("may not be specified when {field} is true")));
        }
    }
    if name.len() > MAX_HOSTNAME {
        out.push(at.too_long(MAX_HOSTNAME));
    }
    out.extend(at.complaints(name, names::dns1123_subdomain(name)));
    out
}
