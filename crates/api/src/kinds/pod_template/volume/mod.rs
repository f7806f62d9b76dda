//! Volumes of a pod, of every type.

mod claim_template;
mod cloud;
mod driver;
mod files;
mod local;
pub(super) mod path;
mod projected;
mod san;
mod storage_system;

pub(super) use projected::has_wild_token_path;

use super::given;
use super::leniency::Leniency;
use super::spec::Within;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors, names};
use std::collections::{HashMap, HashSet};

/// The types, in the order in which upstream looks for them.
const KINDS: [&str; 30] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
];

/// What is wrong with the volumes of a pod, and those with which nothing is, by name.
pub(super) fn validate<'a>(
    spec: &'a Document,
    place: &Place<'_>,
    within: Within<'_>,
    leniency: Leniency,
) -> (FieldErrors, HashMap<&'a str, &'a Document>) {
    let mut out = FieldErrors::new();
    let mut valid = HashMap::new();
    let volumes = spec.array_at(&["volumes"]);
    let made = claims_to_make(volumes, within);
    let list = &place.child("volumes");
    for (i, volume) in volumes.iter().enumerate() {
        let place = &list.index(i);
        let name = volume.str_at(&["name"]);
        let mut errors = source(volume, place, within, leniency);
        if name.is_empty() {
            errors.push(place.child("name").required(""));
        } else {
            errors.extend(place.child("name").complaints(name, names::dns1123_label(name)));
        }
        if valid.contains_key(name) {
            errors.push(place.child("name").duplicate(name));
        }
        if errors.is_empty() {
            valid.insert(name, volume);
        }
        out.append(&mut errors);
        let claim = volume.str_at(&["persistentVolumeClaim", "claimName"]);
        if made.contains(claim) {
            let why = "must not reference a PVC that gets created for an ephemeral volume";
            out.push(place.child("persistentVolumeClaim").child("claimName").invalid(claim, why));
        }
    }
    (out, valid)
}

/// Names of the claims that are made for the pod's ephemeral volumes, if the pod has a name yet.
fn claims_to_make(volumes: &[Document], within: Within<'_>) -> HashSet<String> {
    let pod = match within {
        Within::Pod(pod) => pod.name(),
        Within::Template => "",
    };
    if pod.is_empty() {
        return HashSet::new();
    }
    let ephemeral = volumes.iter().filter(|volume| given(volume, "ephemeral").is_some());
    ephemeral.map(|volume| format!("{pod}-{}", volume.str_at(&["name"]))).collect()
}

/// Where the volume comes from: one type.
fn source(volume: &Document, place: &Place<'_>, within: Within<'_>, leniency: Leniency) -> FieldErrors {
    let mut out = FieldErrors::new();
    let mut seen = false;
    for kind in KINDS {
        let Some(source) = given(volume, kind) else { continue };
        if std::mem::replace(&mut seen, true) {
            // Upstream spells two of the names in its own way.
            let shown = match kind {
                "cephfs" => "cephFS",
                "downwardAPI" => "downwarAPI",
                other => other,
            };
            out.push(place.child(shown).forbidden("may not specify more than 1 volume type"));
        } else {
            let shown = if kind == "gcePersistentDisk" { "persistentDisk" } else { kind };
            out.extend(of_kind(kind, source, &place.child(shown), within, leniency));
            if kind == "ephemeral" {
                out.extend(name_of_claim(volume, place, within));
            }
        }
        if kind == "iscsi" {
            out.extend(san::name_and_portal(volume.str_at(&["name"]), source, place));
        }
    }
    if !seen {
        out.push(place.required("must specify a volume type"));
    }
    out
}

fn of_kind(
    kind: &str,
    source: &Document,
    place: &Place<'_>,
    within: Within<'_>,
    leniency: Leniency,
) -> FieldErrors {
    match kind {
        "emptyDir" => local::empty_dir(source, place),
        "hostPath" => local::host_path(source, place),
        "gitRepo" => local::git_repo(source, place),
        "image" => local::image(source, place, within),
        "secret" => files::secret(source, place),
        "configMap" => files::config_map(source, place),
        "downwardAPI" => files::downward_api(source, place),
        "projected" => projected::validate(source, place, leniency),
        "persistentVolumeClaim" => required(source, &["claimName"], place),
        "ephemeral" => claim_template::of_volume(source, place),
        "csi" => driver::csi(source, place),
        "flexVolume" => driver::flex(source, place),
        "iscsi" => san::iscsi(source, place),
        "fc" => san::fibre_channel(source, place),
        "gcePersistentDisk" => cloud::partitioned(source, "pdName", place),
        "awsElasticBlockStore" => cloud::partitioned(source, "volumeID", place),
        "azureFile" => required(source, &["secretName", "shareName"], place),
        "azureDisk" => cloud::azure_disk(source, place),
        "vsphereVolume" => required(source, &["volumePath"], place),
        "photonPersistentDisk" => required(source, &["pdID"], place),
        "portworxVolume" => required(source, &["volumeID"], place),
        "cinder" => cloud::cinder(source, place),
        "nfs" => storage_system::nfs(source, place),
        "glusterfs" => required(source, &["endpoints", "path"], place),
        "flocker" => storage_system::flocker(source, place),
        "rbd" => storage_system::rbd(source, place),
        "cephfs" => storage_system::monitors(source, place),
        "quobyte" => storage_system::quobyte(source, place),
        "storageos" => storage_system::storage_os(source, place),
        // ScaleIO is all that is left.
        _ => required(source, &["gateway", "system", "volumeName"], place),
    }
}

/// Texts that must not be empty.
fn required(source: &Document, fields: &[&str], place: &Place<'_>) -> FieldErrors {
    let empty = fields.iter().filter(|field| source.str_at(&[**field]).is_empty());
    empty.map(|field| place.child(field).required("")).collect()
}

/// A reference to a secret in the pod's namespace has a name.
fn secret_name(source: &Document, place: &Place<'_>) -> FieldErrors {
    match given(source, "secretRef") {
        Some(reference) => required(reference, &["name"], &place.child("secretRef")),
        None => FieldErrors::new(),
    }
}

/// The claim of an ephemeral volume is named after the pod and the volume.
fn name_of_claim(volume: &Document, place: &Place<'_>, within: Within<'_>) -> FieldErrors {
    let name = volume.str_at(&["name"]);
    let Within::Pod(pod) = within else { return FieldErrors::new() };
    if pod.name().is_empty() || name.is_empty() {
        return FieldErrors::new();
    }
    let claim = format!("{}-{name}", pod.name());
    let complaints = names::dns1123_subdomain(&claim).into_iter();
    complaints.map(|why| place.child("name").invalid(name, format!("PVC name {claim:?}: {why}"))).collect()
}
