//! Devices that the pod claims (KEP-4381).

use super::annotations;
use super::given;
use super::spec::Within;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath, doc, names};
use std::collections::HashSet;

/// The names of a pod's claims.
pub(super) fn names(spec: &Document) -> HashSet<&str> {
    spec.array_at(&["resourceClaims"]).iter().map(|claim| claim.str_at(&["name"])).collect()
}

/// The claims of a pod.
pub(super) fn of_pod(spec: &Document, place: &Place<'_>, within: Within<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let claims = spec.array_at(&["resourceClaims"]);
    if claims.is_empty() {
        return out;
    }
    let is_static = matches!(within, Within::Pod(pod) if annotations::is_mirror(pod));
    let list = &place.child("resourceClaims");
    let mut seen = HashSet::new();
    for (i, claim) in claims.iter().enumerate() {
        if is_static {
            // Upstream names no field here.
            let nowhere = FieldPath::root().key("");
            out.push(FieldError::forbidden(&nowhere, "static pods do not support resource claims"));
        }
        let place = &list.index(i);
        let name = claim.str_at(&["name"]);
        if name.is_empty() {
            out.push(place.child("name").required(""));
        } else if !seen.insert(name) {
            out.push(place.child("name").duplicate(name));
        } else {
            out.extend(place.child("name").complaints(name, names::dns1123_label(name)));
        }
        out.extend(source(claim, place));
    }
    out
}

/// A claim that is there, or a template to make one of.
fn source(claim: &Document, place: &Place<'_>) -> FieldErrors {
    const FIELDS: [&str; 2] = ["resourceClaimName", "resourceClaimTemplateName"];
    let mut out = FieldErrors::new();
    let why = match FIELDS.map(|field| given(claim, field).is_some()) {
        [true, true] => {
            Some("at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified")
        }
        [false, false] => Some("must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"),
        _ => None,
    };
    if let Some(why) = why {
        let shown = doc!({
            "Name": claim.str_at(&["name"]),
            "ResourceClaimName": claim.get("resourceClaimName").cloned(),
            "ResourceClaimTemplateName": claim.get("resourceClaimTemplateName").cloned()
        });
        out.push(place.invalid(shown, why));
    }
    for field in FIELDS {
        if let Some(name) = claim.get(field).and_then(Document::as_str) {
            out.extend(place.child(field).complaints(name, names::dns1123_subdomain(name)));
        }
    }
    out
}
