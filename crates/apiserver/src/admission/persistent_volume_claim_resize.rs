//! `PersistentVolumeClaimResize`: a claim grows only once it is bound and if its storage class allows that.

use super::{Operation, Plugin, Request};
use crate::objects::Objects;
use futures::future::BoxFuture;
use skiff_apimachinery::quantity::Quantity;
use skiff_apimachinery::{Document, GroupResource, Status};
use std::sync::Arc;

/// The annotation that named a claim's class before the field did.
const BETA_CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// The plugin.
pub struct PersistentVolumeClaimResize {
    objects: Arc<dyn Objects>,
}

impl PersistentVolumeClaimResize {
    /// Over current storage classes.
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects }
    }

    fn check(&self, request: &Request<'_>, claim: &Document) -> Result<(), Status> {
        if request.operation != Operation::Update || !request.is("", "persistentvolumeclaims") {
            return Ok(());
        }
        let Some(old) = request.old else { return Ok(()) };
        let size = |claim: &Document| Quantity::at(claim, &["spec", "resources", "requests", "storage"]);
        if size(claim) <= size(old) {
            return Ok(());
        }
        if old.str_at(&["status", "phase"]) != "Bound" {
            return Err(request.forbidden("Only bound persistent volume claims can be expanded"));
        }
        if self.may_grow(claim, old) {
            return Ok(());
        }
        let why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize";
        Err(request.forbidden(why))
    }

    fn may_grow(&self, claim: &Document, old: &Document) -> bool {
        let (name, before) = (class_of(claim), class_of(old));
        if name.is_empty() || name != before {
            return false;
        }
        let classes = GroupResource::new("storage.k8s.io", "storageclasses");
        let class = self.objects.get(&classes, "", name);
        class.is_some_and(|class| class.bool_at(&["allowVolumeExpansion"]) == Some(true))
    }
}

fn class_of(claim: &Document) -> &str {
    claim.annotation(BETA_CLASS).unwrap_or_else(|| claim.str_at(&["spec", "storageClassName"]))
}

impl Plugin for PersistentVolumeClaimResize {
    fn name(&self) -> &'static str {
        "PersistentVolumeClaimResize"
    }

    fn validate<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(self.check(request, object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::testing::{self, Write};
    use skiff_apimachinery::doc;

    fn claim(class: &str, size: &str, phase: &str) -> Document {
        doc!({
            "spec": {"storageClassName": class, "resources": {"requests": {"storage": size}}},
            "status": {"phase": phase}
        })
    }

    fn refusal(old: Document, new: &Document) -> String {
        let class =
            |name: &str, grows: bool| doc!({"metadata": {"name": name}, "allowVolumeExpansion": grows});
        let plugin = PersistentVolumeClaimResize::new(testing::objects(vec![
            ("storageclasses", class("grows", true)),
            ("storageclasses", class("stays", false)),
        ]));
        Write::update("", "persistentvolumeclaims", old).refusal(&plugin, new)
    }

    #[test]
    fn a_bound_claim_of_a_class_that_allows_it_grows() {
        assert_eq!(refusal(claim("grows", "1Gi", "Bound"), &claim("grows", "2Gi", "Bound")), "");
    }

    #[test]
    fn a_claim_that_does_not_grow_is_not_looked_at() {
        assert_eq!(refusal(claim("stays", "1Gi", "Pending"), &claim("stays", "1024Mi", "Pending")), "");
    }

    #[test]
    fn a_claim_that_is_not_bound_does_not_grow() {
        assert_eq!(
            refusal(claim("grows", "1Gi", "Pending"), &claim("grows", "2Gi", "Pending")),
            r#"persistentvolumeclaims "x" is forbidden: Only bound persistent volume claims can be expanded"#
        );
    }

    #[test]
    fn a_claim_of_another_class_does_not_grow() {
        for class in ["stays", "gone", ""] {
            assert_eq!(
                refusal(claim(class, "1Gi", "Bound"), &claim(class, "2Gi", "Bound")),
                r#"persistentvolumeclaims "x" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"#
            );
        }
    }
}
