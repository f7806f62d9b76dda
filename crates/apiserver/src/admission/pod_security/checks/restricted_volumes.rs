//! `restrictedVolumes`: volumes come from the API, from the node's scratch space, or through a claim or a
//! driver.

use super::{Check, Level, Pod, Version, VersionedCheck, Violation, host_path_volumes};
use crate::admission::pod_security::pod::present;
use crate::admission::pod_security::words::{plural, quoted};
use std::collections::BTreeSet;

/// The check.
pub const CHECK: Check = Check {
    id: "restrictedVolumes",
    level: Level::Restricted,
    versions: &[VersionedCheck {
        minimum: Version::Minor(0),
        overrides: &[host_path_volumes::CHECK.id],
        check_pod: since_1_0,
    }],
};

const ALLOWED: &[&str] = &[
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// Types that are known and refused; any other is told as `unknown`.
const RESTRICTED: &[&str] = &[
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "gitRepo",
    "nfs",
    "iscsi",
    "glusterfs",
    "rbd",
    "flexVolume",
    "cinder",
    "cephfs",
    "flocker",
    "fc",
    "azureFile",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "storageos",
];

fn since_1_0(pod: Pod<'_>) -> Option<Violation> {
    let mut bad: Vec<&str> = Vec::new();
    let mut kinds: BTreeSet<&str> = BTreeSet::new();
    for volume in pod.spec().array_at(&["volumes"]) {
        let is_of = |kind: &str| present(volume, kind).is_some();
        if ALLOWED.iter().any(|kind| is_of(kind)) {
            continue;
        }
        bad.push(volume.str_at(&["name"]));
        kinds.insert(RESTRICTED.iter().copied().find(|kind| is_of(kind)).unwrap_or("unknown"));
    }
    (!bad.is_empty()).then(|| Violation {
        reason: "restricted volume types",
        detail: format!(
            "{} {} {} {} {}",
            plural(bad.len(), "volume", "volumes"),
            quoted(&bad),
            plural(bad.len(), "uses", "use"),
            plural(kinds.len(), "restricted volume type", "restricted volume types"),
            quoted(&kinds)
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::super::table::{LATEST, hold};
    use super::*;
    use skiff_apimachinery::{Document, doc};

    fn volumes(kinds: &[&str]) -> Document {
        let volumes: Vec<Document> = ('a'..='z')
            .zip(kinds)
            .map(|(name, kind)| doc!({"name": name.to_string(), (*kind): {}}))
            .collect();
        doc!({"spec": {"volumes": volumes}})
    }

    #[test]
    fn only_some_types_of_volumes_are_allowed() {
        hold(
            &CHECK,
            LATEST,
            &[
                (volumes(&[]), ""),
                (volumes(ALLOWED), ""),
                (
                    volumes(&["emptyDir", "hostPath"]),
                    "restricted volume types (volume \"b\" uses restricted volume type \"hostPath\")",
                ),
                (
                    volumes(&["nfs", "iscsi", "nfs"]),
                    "restricted volume types (volumes \"a\", \"b\", \"c\" use restricted volume types \
                     \"iscsi\", \"nfs\")",
                ),
                (
                    volumes(&["other"]),
                    "restricted volume types (volume \"a\" uses restricted volume type \"unknown\")",
                ),
            ],
        );
    }

    #[test]
    fn every_restricted_type_is_told_by_its_name() {
        for &kind in RESTRICTED {
            let text =
                format!("restricted volume types (volume \"a\" uses restricted volume type \"{kind}\")");
            hold(&CHECK, LATEST, &[(volumes(&[kind]), text.as_str())]);
        }
    }
}
