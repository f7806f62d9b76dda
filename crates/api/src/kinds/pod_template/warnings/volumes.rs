//! Volumes that no longer work, and files that hide one another.

use super::super::given;
use super::containers;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, Map};
use std::fmt;

/// Old types of volumes, in upstream's order.
const BEFORE_CLAIMS: [(&str, &str); 7] = [
    ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "deprecated in v1.11"),
    ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
];
const AFTER_CLAIMS: [(&str, &str); 2] = [
    ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

/// Types of volumes that are on their way out, and claims for parts of bytes.
pub(super) fn deprecated(spec: &Document, place: &Place<'_>, out: &mut Vec<String>) {
    let list = &place.child("volumes");
    for (i, volume) in spec.array_at(&["volumes"]).iter().enumerate() {
        let place = &list.index(i);
        old_types(volume, &BEFORE_CLAIMS, place, out);
        if let Some(claim) = volume.at(&["ephemeral", "volumeClaimTemplate", "spec"]) {
            let place = place.child("ephemeral");
            let place = place.child("volumeClaimTemplate");
            let place = place.child("spec");
            let place = place.child("resources");
            for list in ["requests", "limits"] {
                let amounts = claim.object_at(&["resources", list]);
                containers::fractions(amounts, &["storage"], &place.child(list), out);
            }
        }
        old_types(volume, &AFTER_CLAIMS, place, out);
    }
}

fn old_types(volume: &Document, types: &[(&str, &str)], place: &Place<'_>, out: &mut Vec<String>) {
    for (source, why) in types {
        if given(volume, source).is_some() {
            // Upstream names the Go field here.
            let shown = if *source == "storageos" { "storageOS" } else { *source };
            out.push(format!("{}: {why}", place.child(shown).path()));
        }
    }
}

/// A file, and whose it is.
#[derive(Debug, Clone)]
struct File<'a> {
    path: &'a str,
    source: String,
}

impl fmt::Display for File<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.path)?;
        if self.source.is_empty() { Ok(()) } else { write!(f, " ({})", self.source) }
    }
}

impl File<'_> {
    /// Whether both are one file, or one would be a directory that the other is in.
    fn overlaps(&self, other: &Self) -> bool {
        let leads_to = |path: &str, below: &str| {
            below.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let (one, two) = (self.path, other.path);
        !one.is_empty() && !two.is_empty() && (leads_to(one, two) || leads_to(two, one))
    }
}

/// Files of one volume that hide one another.
pub(super) fn overlapping_paths(spec: &Document, out: &mut Vec<String>) {
    for volume in spec.array_at(&["volumes"]) {
        let name = volume.str_at(&["name"]);
        for (kind, shown, of) in [
            ("configMap", "ConfigMap", "name"),
            ("secret", "Secret", "secretName"),
            ("downwardAPI", "DownwardAPI", ""),
        ] {
            let Some(source) = given(volume, kind) else { continue };
            let title =
                if of.is_empty() { shown.to_owned() } else { format!("{shown} {:?}", source.str_at(&[of])) };
            collisions(name, &title, files(source, ""), out);
        }
        if let Some(projected) = given(volume, "projected") {
            let sources = projected.array_at(&["sources"]);
            let blank = |source: &Document| source.as_object().is_none_or(Map::is_empty);
            for _ in sources.iter().filter(|source| blank(source)) {
                out.push(format!("volume {name:?} (Projected) has no sources provided"));
            }
            let files = sources.iter().flat_map(projected_files).collect();
            collisions(name, "Projected", files, out);
        }
    }
}

fn collisions(volume: &str, title: &str, files: Vec<File<'_>>, out: &mut Vec<String>) {
    for (i, file) in files.iter().enumerate() {
        for other in files.iter().take(i).filter(|other| file.overlaps(other)) {
            out.push(format!("volume {volume:?} ({title}): overlapping paths: {file} with {other}"));
        }
    }
}

/// The files that items of a source make.
fn files<'a>(source: &'a Document, title: &str) -> Vec<File<'a>> {
    let paths = source.array_at(&["items"]).iter().map(|item| item.str_at(&["path"]));
    paths.map(|path| file(path, title)).collect()
}

fn file<'a>(path: &'a str, source: &str) -> File<'a> {
    File { path: path.trim_end_matches('/'), source: source.to_owned() }
}

fn projected_files(projection: &Document) -> Vec<File<'_>> {
    let named = |kind: &str, source: &Document| format!("{kind} {:?}", source.str_at(&["name"]));
    if let Some(source) = given(projection, "configMap").filter(|source| given(source, "items").is_some()) {
        return files(source, &named("ConfigMap", source));
    }
    if let Some(source) = given(projection, "secret").filter(|source| given(source, "items").is_some()) {
        return files(source, &named("Secret", source));
    }
    if let Some(source) = given(projection, "downwardAPI").filter(|source| given(source, "items").is_some()) {
        return files(source, "DownwardAPI");
    }
    if let Some(source) = given(projection, "serviceAccountToken") {
        return vec![file(source.str_at(&["path"]), "ServiceAccountToken")];
    }
    if let Some(source) = given(projection, "clusterTrustBundle") {
        let field = if given(source, "name").is_some() { "name" } else { "signerName" };
        let title = format!("ClusterTrustBundle {:?}", source.str_at(&[field]));
        return vec![file(source.str_at(&["path"]), &title)];
    }
    Vec::new()
}
