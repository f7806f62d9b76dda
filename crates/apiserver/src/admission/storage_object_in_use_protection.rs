//! `StorageObjectInUseProtection`: claims, volumes and volume attributes classes go only when nothing uses them any more.
//!
//! The plugin puts a finalizer on each new object; the protection controllers take it off.

use super::{Operation, Plugin, Request};
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, Status};

/// Group, plural and finalizer.
const FINALIZERS: [(&str, &str, &str); 3] = [
    ("", "persistentvolumeclaims", "kubernetes.io/pvc-protection"),
    ("", "persistentvolumes", "kubernetes.io/pv-protection"),
    ("storage.k8s.io", "volumeattributesclasses", "kubernetes.io/vac-protection"),
];

/// The plugin.
pub struct StorageObjectInUseProtection;

fn protect(request: &Request<'_>, object: &mut Document) {
    if request.operation != Operation::Create {
        return;
    }
    let found = FINALIZERS.into_iter().find(|(group, plural, _)| request.is(group, plural));
    let Some((_, _, finalizer)) = found else { return };
    if !object.finalizers().any(|held| held == finalizer) {
        object.ensure(&["metadata", "finalizers"]).push(finalizer);
    }
}

impl Plugin for StorageObjectInUseProtection {
    fn name(&self) -> &'static str {
        "StorageObjectInUseProtection"
    }

    fn admit<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a mut Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        protect(request, object);
        Box::pin(std::future::ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::testing::Write;
    use skiff_apimachinery::doc;

    #[test]
    fn each_kind_gets_its_finalizer_once() {
        for (group, plural, finalizer) in FINALIZERS {
            let create = Write::create(group, plural);
            let once = create.admit(&StorageObjectInUseProtection, doc!({"metadata": {}})).unwrap();
            assert_eq!(once, doc!({"metadata": {"finalizers": [finalizer]}}));
            assert_eq!(create.admit(&StorageObjectInUseProtection, once.clone()).unwrap(), once);
        }
    }

    #[test]
    fn other_kinds_and_updates_get_none() {
        let object = doc!({"metadata": {"name": "x"}});
        for write in [Write::create("", "pods"), Write::update("", "persistentvolumes", object.clone())] {
            assert_eq!(write.admit(&StorageObjectInUseProtection, object.clone()).unwrap(), object);
        }
    }
}
