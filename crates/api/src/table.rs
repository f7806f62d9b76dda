//! The rows of the built-in kinds: generated facts (verbs, subresources, scope) joined with what each kind's file says.
//!
//! The form of the generated table is told in `xtask/src/codegen/resources.rs`.

use crate::kinds::{self, Entry};
use crate::{Resource, Scope, Subresource, Verbs, schemas};
use skiff_apimachinery::GroupVersionKind;
use skiff_apimachinery::gvk::Str;
use std::sync::{Arc, OnceLock};

const TABLE: &str = include_str!("generated/resources.txt");

/// One row for each built-in resource and version, those that are off by default included (`enabled` is false).
pub fn builtin() -> Vec<Arc<Resource>> {
    static ROWS: OnceLock<Vec<Arc<Resource>>> = OnceLock::new();
    ROWS.get_or_init(build).clone()
}

fn build() -> Vec<Arc<Resource>> {
    let mut rows: Vec<Resource> = Vec::new();
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix(' ') {
            Some(line) => {
                if let (Some(row), Some(subresource)) = (rows.last_mut(), subresource(line)) {
                    row.subresources.push(subresource);
                }
            }
            None => rows.extend(row(line)),
        }
    }
    rows.into_iter().map(Arc::new).collect()
}

fn row(line: &'static str) -> Option<Resource> {
    let mut words = line.split(' ');
    let (group, version) = words.next()?.split_once('/')?;
    let plural = words.next()?;
    let kind = words.next()?;
    let scope = if words.next()? == "namespaced" { Scope::Namespaced } else { Scope::Cluster };
    let verbs = verbs(words.next()?);
    let entry = kinds::entry(group, plural)?;
    let gvk = GroupVersionKind::new(group, version, kind);
    let stored = verbs.contains(Verbs::WATCH);
    let (hub, conversion) = kinds::hub(&gvk);
    Some(Resource {
        schema: schemas::lookup_kind(&gvk),
        plural: plural.into(),
        singular: kind.to_ascii_lowercase().into(),
        list_kind: format!("{kind}List").into(),
        short_names: texts(entry.short_names),
        categories: texts(entry.categories),
        scope,
        verbs,
        subresources: Vec::new(),
        storage_prefix: if stored { storage_prefix(entry) } else { Str::Borrowed("") },
        hub,
        conversion,
        strategy: kinds::strategy(entry, version),
        enabled: !version.contains("alpha") && !version.contains("beta"),
        gate: gate(group, plural),
        custom: false,
        gvk,
    })
}

/// The feature that a resource belongs to, if upstream has a gate for it.
fn gate(group: &str, plural: &str) -> Option<&'static str> {
    Some(match (group, plural) {
        ("admissionregistration.k8s.io", "mutatingadmissionpolicies" | "mutatingadmissionpolicybindings") => {
            "MutatingAdmissionPolicy"
        }
        ("certificates.k8s.io", "clustertrustbundles") => "ClusterTrustBundle",
        ("certificates.k8s.io", "podcertificaterequests") => "PodCertificateRequest",
        ("coordination.k8s.io", "leasecandidates") => "CoordinatedLeaderElection",
        ("internal.apiserver.k8s.io", "storageversions") => "StorageVersionAPI",
        ("resource.k8s.io", "devicetaintrules") => "DRADeviceTaintRules",
        ("resource.k8s.io", _) => "DynamicResourceAllocation",
        ("scheduling.k8s.io", "workloads") => "GenericWorkload",
        ("storage.k8s.io", "volumeattributesclasses") => "VolumeAttributesClass",
        ("storagemigration.k8s.io", _) => "StorageVersionMigrator",
        _ => return None,
    })
}

fn subresource(line: &'static str) -> Option<Subresource> {
    let mut words = line.split(' ');
    let name = words.next()?;
    let mut kind = words.next()?.split('/');
    let gvk = GroupVersionKind::new(kind.next()?, kind.next()?, kind.next()?);
    Some(Subresource { name: name.into(), gvk, verbs: verbs(words.next()?) })
}

fn verbs(names: &str) -> Verbs {
    names.split(',').fold(Verbs::NONE, |set, name| set.with(verb(name)))
}

fn verb(name: &str) -> Verbs {
    match name {
        "create" => Verbs::CREATE,
        "delete" => Verbs::DELETE,
        "deletecollection" => Verbs::DELETE_COLLECTION,
        "get" => Verbs::GET,
        "list" => Verbs::LIST,
        "patch" => Verbs::PATCH,
        "update" => Verbs::UPDATE,
        "watch" => Verbs::WATCH,
        _ => Verbs::NONE,
    }
}

fn texts(names: &'static [&'static str]) -> Vec<Str> {
    names.iter().copied().map(Str::Borrowed).collect()
}

/// Upstream's keys below `/registry/`: the plural, but for a few that kept older names or carry their group.
fn storage_prefix(entry: &Entry) -> Str {
    Str::Borrowed(match (entry.group, entry.plural) {
        ("", "replicationcontrollers") => "controllers",
        ("", "endpoints") => "services/endpoints",
        ("", "services") => "services/specs",
        ("", "nodes") => "minions",
        ("networking.k8s.io", "ingresses") => "ingress",
        ("apiextensions.k8s.io", _) => "apiextensions.k8s.io/customresourcedefinitions",
        ("apiregistration.k8s.io", _) => "apiregistration.k8s.io/apiservices",
        (_, plural) => plural,
    })
}
