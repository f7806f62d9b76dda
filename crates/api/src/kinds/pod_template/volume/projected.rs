//! Volumes that show several objects in one directory.

use super::super::given;
use super::super::leniency::Leniency;
use super::super::signer;
use super::{files, path, required};
use crate::validation::labels;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors, FieldPath, doc};
use std::collections::HashSet;

const KINDS: [&str; 6] =
    ["secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate"];
const KEY_TYPES: [&str; 6] = ["RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"];
const SHORTEST_TOKEN: i64 = 10 * 60;
const LONGEST_TOKEN: i64 = 1 << 32;
const SHORTEST_CERTIFICATE: i64 = 60 * 60;
const LONGEST_CERTIFICATE: i64 = 91 * 24 * 60 * 60;
/// Of a certificate that Kubernetes itself signs.
const LONGEST_OWN_CERTIFICATE: i64 = 24 * 60 * 60;

/// Paths that are taken, and where to say that one is taken twice.
struct Paths<'a, 'p> {
    taken: HashSet<&'a str>,
    volume: &'p Place<'p>,
}

impl<'a> Paths<'a, '_> {
    fn take(&mut self, path: &'a str, shown: &str, out: &mut FieldErrors) {
        if !self.taken.insert(path) {
            out.push(self.volume.invalid(shown, "conflicting duplicate paths"));
        }
    }
}

/// A projected volume.
pub(super) fn validate(source: &Document, place: &Place<'_>, leniency: Leniency) -> FieldErrors {
    let mut out: FieldErrors = files::mode(source, "defaultMode", place).into_iter().collect();
    let mut paths = Paths { taken: HashSet::new(), volume: place };
    let list = &place.child("sources");
    for (i, projection) in source.array_at(&["sources"]).iter().enumerate() {
        let place = &list.index(i);
        let mut count = 0;
        for kind in KINDS {
            let Some(source) = given(projection, kind) else { continue };
            count += 1;
            let place = &place.child(kind);
            match kind {
                "secret" | "configMap" => keyed(source, place, &mut paths, &mut out),
                "downwardAPI" => downward_api(source, place, &mut paths, &mut out),
                "serviceAccountToken" => out.extend(token(source, place, paths.volume, leniency)),
                "clusterTrustBundle" => trust_bundle(source, place, &mut paths, &mut out),
                _ => certificate(source, place, &mut paths, &mut out),
            }
        }
        if count > 1 {
            out.push(place.forbidden("may not specify more than 1 volume type per source"));
        }
    }
    out
}

fn keyed<'a>(source: &'a Document, place: &Place<'_>, paths: &mut Paths<'a, '_>, out: &mut FieldErrors) {
    out.extend(required(source, &["name"], place));
    let list = &place.child("items");
    for (i, item) in source.array_at(&["items"]).iter().enumerate() {
        out.extend(files::key_to_path(item, &list.index(i)));
        let path = item.str_at(&["path"]);
        if !path.is_empty() {
            paths.take(path, source.str_at(&["name"]), out);
        }
    }
}

fn downward_api<'a>(
    source: &'a Document,
    place: &Place<'_>,
    paths: &mut Paths<'a, '_>,
    out: &mut FieldErrors,
) {
    for file in source.array_at(&["items"]) {
        out.extend(files::downward_file(file, place));
        let path = file.str_at(&["path"]);
        if !path.is_empty() {
            paths.take(path, path, out);
        }
    }
}

fn token(source: &Document, place: &Place<'_>, volume: &Place<'_>, leniency: Leniency) -> FieldErrors {
    let mut out = FieldErrors::new();
    let (seconds, at) =
        (source.i64_at(&["expirationSeconds"]).unwrap_or(0), place.child("expirationSeconds"));
    if seconds < SHORTEST_TOKEN {
        out.push(at.invalid(seconds, "may not specify a duration less than 10 minutes"));
    }
    if seconds > LONGEST_TOKEN {
        out.push(at.invalid(seconds, "may not specify a duration larger than 2^32 seconds"));
    }
    // Upstream names the path as if it were the volume's.
    let (path, at) = (source.str_at(&["path"]), volume.child("path"));
    if path.is_empty() {
        out.push(at.required(""));
    } else if !leniency.token_paths {
        out.extend(path::non_reserved(path, &at));
    }
    out
}

/// Certificates that a signer, or somebody, publishes (KEP-3257).
fn trust_bundle<'a>(
    source: &'a Document,
    place: &Place<'_>,
    paths: &mut Paths<'a, '_>,
    out: &mut FieldErrors,
) {
    let text = |field: &str| source.get(field).and_then(Document::as_str);
    let selector = given(source, "labelSelector");
    match (text("name"), text("signerName")) {
        (Some(name), Some(signer)) => {
            let shown = doc!({
                "Name": name, "SignerName": signer, "LabelSelector": selector.cloned(),
                "Optional": source.get("optional").cloned(), "Path": source.str_at(&["path"])
            });
            out.push(place.invalid(shown, "only one of name and signerName may be used"));
        }
        (Some(name), None) => {
            let at = place.child("name");
            if name.is_empty() {
                out.push(at.required("must be a valid object name"));
            }
            for why in signer::trust_bundle_name(name) {
                out.push(at.invalid(name, format!("not a valid clustertrustbundlename: {why}")));
            }
            if let Some(selector) = selector {
                let why = "labelSelector must be unset if name is specified";
                out.push(place.child("labelSelector").invalid(selector, why));
            }
        }
        (None, Some(name)) => {
            let at = place.child("signerName");
            if name.is_empty() {
                out.push(at.required("must be a valid signer name"));
            }
            out.extend(signer::name(name, &at));
            if let Some(selector) = selector {
                out.extend(labels::selector(&place.child("labelSelector").path(), Some(selector)));
            }
        }
        (None, None) => out.push(place.required("either name or signerName must be specified")),
    }
    out.extend(required(source, &["path"], place));
    let path = source.str_at(&["path"]);
    out.extend(path::non_reserved(path, &place.child("path")));
    paths.take(path, path, out);
}

/// A key and a certificate of the pod's own (KEP-4317).
fn certificate<'a>(
    source: &'a Document,
    place: &Place<'_>,
    paths: &mut Paths<'a, '_>,
    out: &mut FieldErrors,
) {
    const PATHS: [&str; 3] = ["credentialBundlePath", "keyPath", "certificateChainPath"];
    let signer_name = source.str_at(&["signerName"]);
    out.extend(signer::name(signer_name, &place.child("signerName")));
    out.extend(place.child("keyType").among(source.str_at(&["keyType"]), &KEY_TYPES));
    if let Some(seconds) = source.i64_at(&["maxExpirationSeconds"]) {
        let at = place.child("maxExpirationSeconds");
        let longest =
            if signer::is_kubernetes(signer_name) { LONGEST_OWN_CERTIFICATE } else { LONGEST_CERTIFICATE };
        if seconds < SHORTEST_CERTIFICATE {
            let why = format!("if provided, maxExpirationSeconds must be >= {SHORTEST_CERTIFICATE}");
            out.push(at.invalid(seconds, why));
        } else if seconds > longest {
            out.push(at.invalid(seconds, format!("if provided, maxExpirationSeconds must be <= {longest}")));
        }
    }
    let paths_of_source = PATHS.map(|field| (field, source.str_at(&[field])));
    for (field, path) in paths_of_source.into_iter().filter(|(_, path)| !path.is_empty()) {
        out.extend(path::non_reserved(path, &place.child(field)));
        paths.take(path, path, out);
    }
    if paths_of_source.iter().all(|(_, path)| path.is_empty()) {
        let why = "specify at least one of credentialBundlePath, keyPath, and certificateChainPath";
        out.push(place.required(why));
    }
}

/// Whether a token's path leads out of its volume, which upstream once let pass.
pub(in super::super) fn has_wild_token_path(spec: &Document) -> bool {
    let root = FieldPath::root();
    let place = Place::at(&root);
    let volumes = spec.array_at(&["volumes"]).iter();
    let mut sources = volumes.flat_map(|volume| volume.array_at(&["projected", "sources"]));
    sources.any(|source| {
        given(source, "serviceAccountToken")
            .is_some_and(|token| !path::non_reserved(token.str_at(&["path"]), &place).is_empty())
    })
}
