//! Names of those who sign certificates, such as `example.com/signer`, and of the ClusterTrustBundles they publish.

use crate::validation::place::Place;
use skiff_apimachinery::{FieldErrors, names};

/// The longest name of a signer: a domain, a slash, and a subdomain with a label before it.
const MAX_SIGNER: usize = names::MAX_SUBDOMAIN + 1 + names::MAX_SUBDOMAIN + names::MAX_LABEL + 1;

/// The name of a signer.
pub(super) fn name(signer: &str, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    if signer.is_empty() {
        out.push(place.required(""));
        return out;
    }
    let Some((domain, path)) = signer.split_once('/').filter(|(_, path)| !path.contains('/')) else {
        let why = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        out.push(place.invalid(signer, why));
        return out;
    };
    if domain.len() > names::MAX_SUBDOMAIN {
        out.push(place.too_long(names::MAX_SUBDOMAIN));
    }
    out.extend(first_wrong_label(domain, place, names::dns1123_label));
    if !domain.contains('.') {
        let why = "should be a domain with at least two segments separated by dots";
        out.push(place.invalid(domain, why));
    }
    out.extend(first_wrong_label(path, place, names::dns1123_subdomain));
    if signer.len() > MAX_SIGNER {
        out.push(place.too_long(MAX_SIGNER));
    }
    out
}

/// The complaints about one label are enough: those about the next would read the same.
fn first_wrong_label(segment: &str, place: &Place<'_>, rule: fn(&str) -> Vec<String>) -> FieldErrors {
    let mut wrong = segment.split('.').map(|label| (label, rule(label))).filter(|(_, why)| !why.is_empty());
    let Some((label, complaints)) = wrong.next() else { return FieldErrors::new() };
    let each = complaints.into_iter();
    each.map(|why| place.invalid(segment, format!("validating label {label:?}: {why}"))).collect()
}

/// Whether Kubernetes itself signs under that name.
pub(super) fn is_kubernetes(signer: &str) -> bool {
    let domain = signer.split('/').next().unwrap_or_default();
    domain == "kubernetes.io" || domain.ends_with(".kubernetes.io")
}

/// What is wrong with the name of a ClusterTrustBundle: one with a colon says whose it is.
pub(super) fn trust_bundle_name(name: &str) -> Vec<String> {
    let Some((of_signer, rest)) = name.rsplit_once(':') else { return names::dns1123_subdomain(name) };
    let signer = of_signer.replace(':', "/");
    let prefix = format!("{}:", signer.replace('/', ":"));
    if name.starts_with(&prefix) {
        return names::dns1123_subdomain(rest);
    }
    vec![format!("ClusterTrustBundle for signerName {signer} must be named with prefix {prefix}")]
}
