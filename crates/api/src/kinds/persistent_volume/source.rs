//! Where the data of a persistent volume is: one source, with what it needs.
//!
//! To add a source: a rule here or beside, and a line in [`SOURCES`], whose order is that of upstream's checks.

use super::validate::given;
use super::{cloud_source as cloud, network_source as network};
use crate::kinds::csi_driver;
use crate::validation::{invalid, names};
use skiff_apimachinery::{Document, FieldError, FieldErrors, FieldPath};

/// What is wrong with a source; the name of the volume comes last.
type Rule = fn(&FieldPath, &Document, &str) -> FieldErrors;

struct Source {
    /// Its field in the API.
    name: &'static str,
    /// What upstream calls it when it is one too many.
    refused: &'static str,
    /// What upstream calls it otherwise.
    shown: &'static str,
    rule: Rule,
}

const fn source(name: &'static str, rule: Rule) -> Source {
    Source { name, refused: name, shown: name, rule }
}

const SOURCES: [Source; 22] = [
    source("hostPath", |field, source, _| host_path(field, source)),
    Source { shown: "persistentDisk", ..source("gcePersistentDisk", |f, s, _| cloud::disk(f, s, "pdName")) },
    source("awsElasticBlockStore", |field, source, _| cloud::disk(field, source, "volumeID")),
    source("glusterfs", |field, source, _| network::glusterfs(field, source)),
    source("flocker", |field, source, _| flocker(field, source)),
    source("nfs", |field, source, _| network::nfs(field, source)),
    source("rbd", |field, source, _| network::rbd(field, source)),
    source("quobyte", |field, source, _| network::quobyte(field, source)),
    Source { refused: "cephFS", ..source("cephfs", |f, s, _| network::cephfs(f, s)) },
    source("iscsi", network::iscsi),
    source("cinder", |field, source, _| cloud::cinder(field, source)),
    source("fc", |field, source, _| network::fc(field, source)),
    source("flexVolume", |field, source, _| flex_volume(field, source)),
    source("azureFile", |field, source, _| cloud::azure_file(field, source)),
    source("vsphereVolume", |field, source, _| needed_all(field, source, &["volumePath"])),
    source("photonPersistentDisk", |field, source, _| needed_all(field, source, &["pdID"])),
    source("portworxVolume", |field, source, _| needed_all(field, source, &["volumeID"])),
    source("azureDisk", |field, source, _| cloud::azure_disk(field, source)),
    source("scaleIO", |field, source, _| needed_all(field, source, &["gateway", "system", "volumeName"])),
    source("local", |field, source, _| local(field, source)),
    source("storageos", |field, source, _| storage_os(field, source)),
    source("csi", |field, source, _| csi(field, source)),
];

/// What is wrong with the sources of a specification: there is one, and it is complete.
pub(super) fn errors(field: &FieldPath, spec: &Document, volume: &str) -> FieldErrors {
    let mut out = FieldErrors::new();
    let mut found = false;
    for Source { name, refused, shown, rule } in &SOURCES {
        let Some(source) = given(spec, name) else { continue };
        // Upstream lets a flexVolume stand beside another source.
        if found && *name != "flexVolume" {
            out.push(FieldError::forbidden(&field.child(refused), "may not specify more than 1 volume type"));
            continue;
        }
        found = true;
        out.extend(rule(&field.child(shown), source, volume));
        if *name == "local" && given(spec, "nodeAffinity").is_none() {
            let why = "Local volume requires node affinity";
            out.push(FieldError::required(&field.child("nodeAffinity"), why));
        }
    }
    if !found {
        out.push(FieldError::required(field, "must specify a volume type"));
    }
    let recycled = spec.str_at(&["persistentVolumeReclaimPolicy"]) == "Recycle";
    if recycled && given(spec, "hostPath").is_some_and(|source| is_root(source.str_at(&["path"]))) {
        let why = "may not be 'recycle' for a hostPath mount of '/'";
        out.push(FieldError::forbidden(&field.child("persistentVolumeReclaimPolicy"), why));
    }
    out
}

/// `Required value` for a text that is not there.
pub(super) fn needed(field: &FieldPath, source: &Document, name: &str) -> Option<FieldError> {
    source.str_at(&[name]).is_empty().then(|| FieldError::required(&field.child(name), ""))
}

/// `Required value` for each text that is not there.
pub(super) fn needed_all(field: &FieldPath, source: &Document, names: &[&str]) -> FieldErrors {
    names.iter().filter_map(|name| needed(field, source, name)).collect()
}

/// What is missing of the secret that a source may name.
pub(super) fn secret(field: &FieldPath, source: &Document, needs: &[&str]) -> FieldErrors {
    let field = field.child("secretRef");
    given(source, "secretRef").map(|secret| needed_all(&field, secret, needs)).unwrap_or_default()
}

fn host_path(field: &FieldPath, source: &Document) -> FieldErrors {
    const TYPES: [&str; 8] =
        ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
    let mut out = path(field, source);
    let ty = source.str_at(&["type"]);
    if !source.str_at(&["path"]).is_empty() && !TYPES.contains(&ty) {
        out.push(FieldError::not_supported(&field.child("type"), ty, &TYPES));
    }
    out
}

fn local(field: &FieldPath, source: &Document) -> FieldErrors {
    path(field, source)
}

/// A path on the node that does not climb.
fn path(field: &FieldPath, source: &Document) -> FieldErrors {
    let path = source.str_at(&["path"]);
    let climbs = path.split('/').any(|part| part == "..");
    let climbing = climbs.then(|| FieldError::invalid(&field.child("path"), path, "must not contain '..'"));
    needed(field, source, "path").or(climbing).into_iter().collect()
}

/// Whether a path is the root of the file system, whatever it takes to get there.
fn is_root(path: &str) -> bool {
    let mut depth = 0_usize;
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        depth = if part == ".." { depth.saturating_sub(1) } else { depth + 1 };
    }
    path.starts_with('/') && depth == 0
}

fn flocker(field: &FieldPath, source: &Document) -> FieldErrors {
    let [name, uuid] = ["datasetName", "datasetUUID"].map(|field| source.str_at(&[field]));
    let mut out = FieldErrors::new();
    if name.is_empty() && uuid.is_empty() {
        out.push(FieldError::required(field, "one of datasetName and datasetUUID is required"));
    }
    if !name.is_empty() && !uuid.is_empty() {
        let why = "datasetName and datasetUUID can not be specified simultaneously";
        out.push(FieldError::invalid(field, "resource", why));
    }
    if name.contains('/') {
        out.push(FieldError::invalid(&field.child("datasetName"), name, "must not contain '/'"));
    }
    out
}

fn flex_volume(field: &FieldPath, source: &Document) -> FieldErrors {
    let mut out: FieldErrors = needed(field, source, "driver").into_iter().collect();
    let options = source.object_at(&["options"]).into_iter().flat_map(skiff_apimachinery::Map::keys);
    for option in options {
        let namespace = option.split_once('/').map_or(option, |(namespace, _)| namespace);
        let namespace = format!(".{}", namespace.to_lowercase());
        if [".kubernetes.io", ".k8s.io"].iter().any(|reserved| namespace.ends_with(reserved)) {
            let why = "kubernetes.io and k8s.io namespaces are reserved";
            out.push(FieldError::invalid(&field.child("options").key(option), option, why));
        }
    }
    out
}

fn storage_os(field: &FieldPath, source: &Document) -> FieldErrors {
    let label = |name: &str| {
        let text = source.str_at(&[name]);
        let complaints = if text.is_empty() { Vec::new() } else { names::dns1123_label(text) };
        invalid(&field.child(name), text, complaints)
    };
    let mut out: FieldErrors = needed(field, source, "volumeName").into_iter().collect();
    out.extend(label("volumeName"));
    out.extend(label("volumeNamespace"));
    out.extend(secret(field, source, &["name", "namespace"]));
    out
}

fn csi(field: &FieldPath, source: &Document) -> FieldErrors {
    const SECRETS: [&str; 4] = [
        "controllerPublishSecretRef",
        "controllerExpandSecretRef",
        "nodePublishSecretRef",
        "nodeExpandSecretRef",
    ];
    let mut out = csi_driver::name(&field.child("driver"), source.str_at(&["driver"]));
    out.extend(needed(field, source, "volumeHandle"));
    for name in SECRETS {
        if let Some(secret) = given(source, name) {
            out.extend(csi_secret(&field.child(name), secret));
        }
    }
    out
}

fn csi_secret(field: &FieldPath, secret: &Document) -> FieldErrors {
    let checked = |name: &str, rule: fn(&str) -> Vec<String>| {
        let text = secret.str_at(&[name]);
        match needed(field, secret, name) {
            Some(missing) => vec![missing],
            None => invalid(&field.child(name), text, rule(text)),
        }
    };
    let mut out = checked("name", names::dns1123_subdomain);
    out.extend(checked("namespace", names::dns1123_label));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn texts(spec: &Document) -> Vec<String> {
        errors(&FieldPath::new("spec"), spec, "v").iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_volume_has_one_source() {
        let cases = [
            ("none", doc!({}), vec!["spec: Required value: must specify a volume type"]),
            (
                "two",
                doc!({"hostPath": {"path": "/a"}, "cephfs": {"monitors": ["m"]}}),
                vec!["spec.cephFS: Forbidden: may not specify more than 1 volume type"],
            ),
            ("flex beside", doc!({"hostPath": {"path": "/a"}, "flexVolume": {"driver": "d"}}), vec![]),
        ];
        for (name, spec, expected) in cases {
            assert_eq!(texts(&spec), expected, "{name}");
        }
    }

    #[test]
    fn sources_on_the_node_are_paths_that_do_not_climb() {
        let cases = [
            ("no path", doc!({"hostPath": {}}), vec!["spec.hostPath.path: Required value"]),
            (
                "climbing, of no type",
                doc!({"hostPath": {"path": "/a/../b", "type": "Hole"}}),
                vec![
                    r#"spec.hostPath.path: Invalid value: "/a/../b": must not contain '..'"#,
                    r#"spec.hostPath.type: Unsupported value: "Hole": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket""#,
                ],
            ),
            (
                "anywhere",
                doc!({"local": {"path": "/a"}}),
                vec!["spec.nodeAffinity: Required value: Local volume requires node affinity"],
            ),
            (
                "recycled root",
                doc!({"hostPath": {"path": "//a/.."}, "persistentVolumeReclaimPolicy": "Recycle"}),
                vec![
                    r#"spec.hostPath.path: Invalid value: "//a/..": must not contain '..'"#,
                    "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'",
                ],
            ),
        ];
        for (name, spec, expected) in cases {
            assert_eq!(texts(&spec), expected, "{name}");
        }
    }

    #[test]
    fn plugins_and_drivers_are_named() {
        let cases = [
            (
                "flocker",
                doc!({"flocker": {"datasetName": "a/b", "datasetUUID": "u"}}),
                vec![
                    r#"spec.flocker: Invalid value: "resource": datasetName and datasetUUID can not be specified simultaneously"#,
                    r#"spec.flocker.datasetName: Invalid value: "a/b": must not contain '/'"#,
                ],
            ),
            (
                "flex",
                doc!({"flexVolume": {"options": {"Kubernetes.io/x": "1"}}}),
                vec![
                    "spec.flexVolume.driver: Required value",
                    r#"spec.flexVolume.options[Kubernetes.io/x]: Invalid value: "Kubernetes.io/x": kubernetes.io and k8s.io namespaces are reserved"#,
                ],
            ),
            (
                "storageos",
                doc!({"storageos": {"volumeNamespace": "a.b", "secretRef": {"name": "s"}}}),
                vec![
                    "spec.storageos.volumeName: Required value",
                    r#"spec.storageos.volumeNamespace: Invalid value: "a.b": must not contain dots"#,
                    "spec.storageos.secretRef.namespace: Required value",
                ],
            ),
            (
                "csi",
                doc!({"csi": {"driver": "d.example", "nodePublishSecretRef": {"name": "n", "namespace": "a.b"}}}),
                vec![
                    "spec.csi.volumeHandle: Required value",
                    r#"spec.csi.nodePublishSecretRef.namespace: Invalid value: "a.b": must not contain dots"#,
                ],
            ),
            (
                "scaleIO",
                doc!({"scaleIO": {"gateway": "g", "system": "s"}}),
                vec!["spec.scaleIO.volumeName: Required value"],
            ),
        ];
        for (name, spec, expected) in cases {
            assert_eq!(texts(&spec), expected, "{name}");
        }
    }
}
