//! `ClusterTrustBundleAttest`: who writes a trust bundle of a signer needs the verb `attest` on the signer (KEP-3257).

use super::{Operation, Plugin, Request, signers};
use crate::authorization::Authorizer;
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, Status};
use std::sync::Arc;

/// The plugin.
pub struct ClusterTrustBundleAttest {
    authorizer: Arc<dyn Authorizer>,
}

impl ClusterTrustBundleAttest {
    /// Asks this authorizer.
    pub fn new(authorizer: Arc<dyn Authorizer>) -> Self {
        Self { authorizer }
    }

    fn check(&self, request: &Request<'_>, bundle: &Document) -> Result<(), Status> {
        let concerned = matches!(request.operation, Operation::Create | Operation::Update)
            && request.is("certificates.k8s.io", "clustertrustbundles");
        // Updates cannot change the signer, so that the new object tells it as well.
        let signer = bundle.str_at(&["spec", "signerName"]);
        if !concerned || signer.is_empty() {
            return Ok(());
        }
        // The garbage collector and storage migration write bundles without a change of meaning.
        if request.old.is_some_and(|old| meaning(old) == meaning(bundle)) {
            return Ok(());
        }
        if signers::is_authorized(&*self.authorizer, request.user, "attest", signer) {
            return Ok(());
        }
        Err(request.forbidden(&format!("user not permitted to attest for signerName {signer:?}")))
    }
}

/// The object without what the garbage collector and the server itself write.
fn meaning(object: &Document) -> Document {
    let mut object = object.clone();
    for field in ["ownerReferences", "finalizers", "managedFields", "resourceVersion"] {
        object.remove(&["metadata", field]);
    }
    object
}

impl Plugin for ClusterTrustBundleAttest {
    fn name(&self) -> &'static str {
        "ClusterTrustBundleAttest"
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
    use crate::admission::testing::{Allowing, Write};
    use skiff_apimachinery::doc;

    const GROUP: &str = "certificates.k8s.io";

    fn plugin(allowed: &'static [&'static str]) -> ClusterTrustBundleAttest {
        ClusterTrustBundleAttest::new(Arc::new(Allowing(allowed)))
    }

    fn bundle(signer: &str) -> Document {
        doc!({"metadata": {"name": "x"}, "spec": {"signerName": signer, "trustBundle": "pem"}})
    }

    #[test]
    fn a_bundle_of_a_signer_needs_the_verb() {
        let create = Write::create(GROUP, "clustertrustbundles");
        assert_eq!(create.refusal(&plugin(&["attest signers example.com/a"]), &bundle("example.com/a")), "");
        assert_eq!(create.refusal(&plugin(&[]), &bundle("")), "");
        assert_eq!(
            create.refusal(&plugin(&[]), &bundle("example.com/a")),
            r#"clustertrustbundles.certificates.k8s.io "x" is forbidden: user not permitted to attest for signerName "example.com/a""#
        );
    }

    #[test]
    fn a_write_of_owners_and_finalizers_does_not_need_it() {
        let update = Write::update(GROUP, "clustertrustbundles", bundle("example.com/a"));
        let mut held = bundle("example.com/a");
        held.set(&["metadata", "finalizers"], vec!["example.com/hold"]);
        assert_eq!(update.refusal(&plugin(&[]), &held), "");
        held.set(&["spec", "trustBundle"], "other");
        assert!(!update.refusal(&plugin(&[]), &held).is_empty());
    }
}
