//! What AppArmor lets a container do: the field, and the annotation that it grew out of.

use super::super::given;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors, doc};

const TYPES: [&str; 3] = ["Localhost", "RuntimeDefault", "Unconfined"];
/// The longest path, without its end.
const MAX_PROFILE: usize = 4095;

/// The `appArmorProfile` of a security context.
pub(super) fn field(context: &Document, place: &Place<'_>) -> FieldErrors {
    let Some(profile) = given(context, "appArmorProfile") else { return FieldErrors::new() };
    let path = profile.get("localhostProfile").and_then(Document::as_str);
    let at = place.child("localhostProfile");
    match (profile.str_at(&["type"]), path) {
        ("Localhost", Some(path)) => local(path, &at),
        ("Localhost", None) => vec![at.required("must be set when AppArmor type is Localhost")],
        ("RuntimeDefault" | "Unconfined", Some(path)) => {
            vec![at.invalid(path, "can only be set when AppArmor type is Localhost")]
        }
        ("RuntimeDefault" | "Unconfined", None) => FieldErrors::new(),
        ("", _) => vec![place.child("type").required("type is required when appArmorProfile is set")],
        (other, _) => vec![place.child("type").not_supported(other, &TYPES)],
    }
}

fn local(path: &str, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    if path.trim() != path {
        out.push(place.invalid(path, "must not be padded with whitespace"));
    } else if path.is_empty() {
        out.push(place.required("must be set when AppArmor type is Localhost"));
    }
    if path.len() > MAX_PROFILE {
        out.push(place.too_long(MAX_PROFILE));
    }
    out
}

/// The field that says what an annotation does, if the annotation is valid.
pub(crate) fn of_annotation(value: &str) -> Option<Document> {
    match (value, value.strip_prefix("localhost/")) {
        ("unconfined", _) => Some(doc!({"type": "Unconfined"})),
        ("runtime/default", _) => Some(doc!({"type": "RuntimeDefault"})),
        (_, Some(path)) if !path.is_empty() => Some(doc!({"type": "Localhost", "localhostProfile": path})),
        _ => None,
    }
}
