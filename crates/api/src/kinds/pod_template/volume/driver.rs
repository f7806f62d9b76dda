//! Volumes that a driver of somebody's brings.

use super::super::given;
use super::required;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors, Map, names};

/// Most characters of a driver's name.
const MAX_DRIVER: usize = 63;

pub(super) fn csi(source: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = csi_driver(source.str_at(&["driver"]), &place.child("driver"));
    if let Some(secret) = given(source, "nodePublishSecretRef") {
        let name = secret.str_at(&["name"]);
        if name.is_empty() {
            out.push(place.child("nodePublishSecretRef").child("name").required(""));
        } else {
            // Upstream leaves the reference out of this path.
            out.extend(place.child("name").complaints(name, names::dns1123_subdomain(name)));
        }
    }
    out
}

fn csi_driver(driver: &str, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    if driver.is_empty() {
        out.push(place.required(""));
        return out;
    }
    if driver.len() > MAX_DRIVER {
        out.push(place.too_long(MAX_DRIVER));
    }
    out.extend(place.complaints(driver, names::dns1123_subdomain(&driver.to_lowercase())));
    out
}

pub(super) fn flex(source: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = required(source, &["driver"], place);
    let place = place.child("options");
    for key in source.object_at(&["options"]).into_iter().flat_map(Map::keys) {
        let domain = key.split_once('/').map_or(key, |(domain, _)| domain);
        let domain = format!(".{}", domain.to_lowercase());
        if domain.ends_with(".kubernetes.io") || domain.ends_with(".k8s.io") {
            let why = "kubernetes.io and k8s.io namespaces are reserved";
            out.push(place.key(key).invalid(key, why));
        }
    }
    out
}
