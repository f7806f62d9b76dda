//! Claims: their number and the storage they ask for, in all and by storage class.

use super::object_count::count_name;
use crate::quota::{Evaluator, Requirement, Write};
use crate::resource_list::ResourceList;
use jiff::Timestamp;
use skiff_apimachinery::Document;
use skiff_apimachinery::quantity::Quantity;

const CLAIMS: &str = "persistentvolumeclaims";
const STORAGE: &str = "requests.storage";
/// What stands between a class and a name above.
const OF_CLASS: &str = ".storageclass.storage.k8s.io/";
/// What classes were named by before they had a field.
const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";

/// Measures PersistentVolumeClaims.
pub(super) struct PersistentVolumeClaims;

impl Evaluator for PersistentVolumeClaims {
    fn handles(&self, write: &Write<'_>) -> bool {
        match (write.subresource, write.old) {
            ("", _) => true,
            ("status", Some(old)) => {
                let allocated = ["status", "allocatedResources", "storage"];
                write.object.at(&allocated) != old.at(&allocated)
                    || attributes_classes(write.object) != attributes_classes(old)
            }
            _ => false,
        }
    }

    fn tracks(&self, name: &str) -> bool {
        let name = name.split_once(OF_CLASS).map_or(name, |(_, name)| name);
        matches!(name, CLAIMS | STORAGE) || name == count_name("", CLAIMS)
    }

    fn is_in_scope(&self, scope: &Requirement, claim: &Document) -> bool {
        let names = attributes_classes(claim);
        match (scope.scope.as_str(), names.is_empty()) {
            ("VolumeAttributesClass", true) => scope.selects(None),
            ("VolumeAttributesClass", false) => names.iter().any(|name| scope.selects(Some(name))),
            _ => false,
        }
    }

    fn usage(&self, claim: &Document, _now: Timestamp) -> ResourceList {
        let one = Quantity::from_value(1);
        let mut used = ResourceList::default();
        used.set(count_name("", CLAIMS), one);
        used.set(CLAIMS, one);
        let class = class(claim);
        if !class.is_empty() {
            used.set(format!("{class}{OF_CLASS}{CLAIMS}"), one);
        }
        if let Some(amount) = storage(claim) {
            used.set(STORAGE, amount);
            if !class.is_empty() {
                used.set(format!("{class}{OF_CLASS}{STORAGE}"), amount);
            }
        }
        used
    }
}

fn class(claim: &Document) -> &str {
    let annotated = claim.str_at(&["metadata", "annotations", CLASS_ANNOTATION]);
    if annotated.is_empty() { claim.str_at(&["spec", "storageClassName"]) } else { annotated }
}

/// What is asked for, or what was allocated while a volume that grew shrinks again, in whole bytes.
fn storage(claim: &Document) -> Option<Quantity> {
    let read = |path: &[&str]| claim.at(path).and_then(Quantity::from_document)?.ok().map(rounded_up);
    let asked = read(&["spec", "resources", "requests", "storage"])?;
    Some(read(&["status", "allocatedResources", "storage"]).map_or(asked, |allocated| allocated.max(asked)))
}

fn rounded_up(amount: Quantity) -> Quantity {
    if amount.is_whole() { amount } else { Quantity::from_value(amount.value()) }
}

/// Names of volume attributes classes that the claim has, wants or is moving to.
fn attributes_classes(claim: &Document) -> Vec<&str> {
    let paths: [&[&str]; 3] = [
        &["spec", "volumeAttributesClassName"],
        &["status", "currentVolumeAttributesClassName"],
        &["status", "modifyVolumeStatus", "targetVolumeAttributesClassName"],
    ];
    let mut names: Vec<&str> =
        paths.into_iter().map(|path| claim.str_at(path)).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    #[test]
    fn storage_counts_in_all_and_by_class() {
        let claim =
            doc!({"spec": {"storageClassName": "gold", "resources": {"requests": {"storage": "1Gi"}}}});
        let used = PersistentVolumeClaims.usage(&claim, Timestamp::UNIX_EPOCH).to_string();
        assert_eq!(
            used,
            "count/persistentvolumeclaims=1,gold.storageclass.storage.k8s.io/persistentvolumeclaims=1,\
             gold.storageclass.storage.k8s.io/requests.storage=1Gi,persistentvolumeclaims=1,requests.storage=1Gi"
        );
        assert!(PersistentVolumeClaims.tracks("gold.storageclass.storage.k8s.io/requests.storage"));
    }

    #[test]
    fn more_that_was_allocated_counts() {
        let claim = doc!({
            "spec": {"resources": {"requests": {"storage": "1Gi"}}},
            "status": {"allocatedResources": {"storage": "2Gi"}}
        });
        assert_eq!(storage(&claim).unwrap().to_string(), "2Gi");
    }
}
