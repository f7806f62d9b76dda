//! `DefaultStorageClass`: a new claim that names no storage class gets the default one.

use super::{Operation, Plugin, Request, default_class};
use crate::objects::Objects;
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, GroupResource, Status};
use std::sync::Arc;

/// The annotation that named a claim's class before the field did.
const BETA_CLASS: &str = "volume.beta.kubernetes.io/storage-class";
/// The annotations that mark a class as the default one.
const DEFAULT: [&str; 2] =
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];

/// The plugin.
pub struct DefaultStorageClass {
    objects: Arc<dyn Objects>,
}

impl DefaultStorageClass {
    /// Over current storage classes.
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects }
    }

    fn fill(&self, request: &Request<'_>, claim: &mut Document) {
        // An empty name asks for no class at all, which is an answer too.
        let has_class = claim.annotation(BETA_CLASS).is_some()
            || claim.at(&["spec", "storageClassName"]).is_some_and(|name| !name.is_null());
        let concerned = request.operation == Operation::Create && request.is("", "persistentvolumeclaims");
        if !concerned || has_class {
            return;
        }
        let classes = GroupResource::new("storage.k8s.io", "storageclasses");
        if let Some(class) = default_class::newest(&*self.objects, &classes, &DEFAULT) {
            claim.set(&["spec", "storageClassName"], class.name());
        }
    }
}

impl Plugin for DefaultStorageClass {
    fn name(&self) -> &'static str {
        "DefaultStorageClass"
    }

    fn admit<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a mut Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        self.fill(request, object);
        Box::pin(std::future::ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::testing::{self, Write};
    use skiff_apimachinery::doc;

    fn class_of(claim: Document) -> Option<String> {
        let beta = "storageclass.beta.kubernetes.io/is-default-class";
        let class = doc!({"metadata": {"name": "fast", "annotations": {(beta): "true"}}});
        let plugin = DefaultStorageClass::new(testing::objects(vec![("storageclasses", class)]));
        let claim = Write::create("", "persistentvolumeclaims").admit(&plugin, claim).unwrap();
        claim.at(&["spec", "storageClassName"]).and_then(Document::as_str).map(str::to_owned)
    }

    #[test]
    fn a_claim_without_a_class_gets_the_default_one() {
        assert_eq!(class_of(doc!({"spec": {}})).as_deref(), Some("fast"));
    }

    #[test]
    fn a_claim_that_asks_for_no_class_keeps_none() {
        assert_eq!(class_of(doc!({"spec": {"storageClassName": ""}})).as_deref(), Some(""));
        let annotated = doc!({"metadata": {"annotations": {(BETA_CLASS): "slow"}}, "spec": {}});
        assert_eq!(class_of(annotated), None);
    }
}
