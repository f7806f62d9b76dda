//! What a pod cannot have on the operating system that it names.

use super::{container, given};
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors};

const NOT_ON_WINDOWS: &str = "cannot be set for a windows pod";
const NOT_ON_LINUX: &str = "windows options cannot be set for a linux pod";

/// Where a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Spec,
    Context,
}

/// Fields of a pod that Windows does not know, in upstream's order.
const OF_POD: [(Of, &str); 15] = [
    (Of::Context, "appArmorProfile"),
    (Of::Context, "seLinuxOptions"),
    (Of::Spec, "hostUsers"),
    (Of::Spec, "hostPID"),
    (Of::Spec, "hostIPC"),
    (Of::Context, "seccompProfile"),
    (Of::Context, "fsGroup"),
    (Of::Context, "fsGroupChangePolicy"),
    (Of::Context, "sysctls"),
    (Of::Spec, "shareProcessNamespace"),
    (Of::Context, "runAsUser"),
    (Of::Context, "runAsGroup"),
    (Of::Context, "supplementalGroups"),
    (Of::Context, "supplementalGroupsPolicy"),
    (Of::Context, "seLinuxChangePolicy"),
];
/// Fields of a container's security context that Windows does not know, in upstream's order.
const OF_CONTAINER: [&str; 10] = [
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
];

/// The `os` of a pod, and what it rules out.
pub(super) fn validate(spec: &Document, place: &Place<'_>) -> FieldErrors {
    let Some(os) = given(spec, "os") else { return FieldErrors::new() };
    match os.str_at(&["name"]) {
        "" => vec![place.child("os").child("name").required("cannot be empty")],
        "linux" => linux(spec, place),
        "windows" => windows(spec, place),
        other => vec![place.child("os").not_supported(other, &["linux", "windows"])],
    }
}

fn linux(spec: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let mut check = |holder: &Document, place: &Place<'_>| {
        if given(holder, "securityContext").is_some_and(|context| given(context, "windowsOptions").is_some())
        {
            out.push(place.child("securityContext").child("windowsOptions").forbidden(NOT_ON_LINUX));
        }
    };
    check(spec, place);
    container::for_each(spec, place, check);
    out
}

fn windows(spec: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    if let Some(context) = given(spec, "securityContext") {
        let context_place = &place.child("securityContext");
        for (of, field) in OF_POD {
            let (holder, at) = if of == Of::Spec { (spec, place) } else { (context, context_place) };
            let is_set = match field {
                "hostPID" | "hostIPC" => holder.bool_at(&[field]) == Some(true),
                "sysctls" => !holder.array_at(&[field]).is_empty(),
                _ => given(holder, field).is_some(),
            };
            if is_set {
                out.push(at.child(field).forbidden(NOT_ON_WINDOWS));
            }
        }
    }
    container::for_each(spec, place, |container, place| {
        let Some(context) = given(container, "securityContext") else { return };
        let place = &place.child("securityContext");
        for field in OF_CONTAINER.into_iter().filter(|field| given(context, field).is_some()) {
            out.push(place.child(field).forbidden(NOT_ON_WINDOWS));
        }
    });
    out
}
