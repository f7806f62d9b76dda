//! Which system calls a container may make.

use super::super::given;
use super::super::volume::path;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors, doc};

const TYPES: [&str; 3] = ["Localhost", "RuntimeDefault", "Unconfined"];

/// The `seccompProfile` of a security context.
pub(super) fn field(context: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let Some(profile) = given(context, "seccompProfile") else { return out };
    let ty = profile.str_at(&["type"]);
    if ty.is_empty() {
        out.push(place.child("type").required("type is required when seccompProfile is set"));
    } else {
        out.extend(place.child("type").among(ty, &TYPES));
    }
    let path = profile.get("localhostProfile").and_then(Document::as_str);
    let place = place.child("localhostProfile");
    match path {
        Some(path) if ty == "Localhost" => out.extend(path::descending(path, &place)),
        None if ty == "Localhost" => {
            out.push(place.required("must be set when seccomp type is Localhost"));
        }
        Some(path) => {
            let shown = doc!({"Type": ty, "LocalhostProfile": path});
            out.push(place.invalid(shown, "can only be set when seccomp type is Localhost"));
        }
        None => {}
    }
    out
}

/// A profile as annotations name it.
pub(crate) fn profile(name: &str, place: &Place<'_>) -> FieldErrors {
    match (name, name.strip_prefix("localhost/")) {
        ("runtime/default" | "docker/default" | "unconfined", _) => FieldErrors::new(),
        (_, Some(path)) => path::descending(path, place),
        _ => vec![place.invalid(name, "must be a valid seccomp profile")],
    }
}
