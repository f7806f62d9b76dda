//! `CertificateSigning`: who writes a certificate, or what became of its request, needs the verb `sign` on the signer.

use super::{Operation, Plugin, Request, signers};
use crate::authorization::Authorizer;
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, Status};
use std::sync::Arc;

/// The plugin.
pub struct CertificateSigning {
    authorizer: Arc<dyn Authorizer>,
}

impl CertificateSigning {
    /// Asks this authorizer.
    pub fn new(authorizer: Arc<dyn Authorizer>) -> Self {
        Self { authorizer }
    }

    fn check(&self, request: &Request<'_>, object: &Document) -> Result<(), Status> {
        let concerned = request.operation == Operation::Update
            && request.subresource == "status"
            && request.resource.gvk.group == "certificates.k8s.io"
            && request.resource.plural == "certificatesigningrequests";
        let Some(stored) = request.old.filter(|_| concerned) else { return Ok(()) };
        let certificate = ["status", "certificate"];
        let conditions = ["status", "conditions"];
        if object.str_at(&certificate) == stored.str_at(&certificate)
            && object.array_at(&conditions) == stored.array_at(&conditions)
        {
            return Ok(());
        }
        let signer = stored.str_at(&["spec", "signerName"]);
        if signers::is_authorized(&*self.authorizer, request.user, "sign", signer) {
            return Ok(());
        }
        Err(request.forbidden(&format!("user not permitted to sign requests with signerName {signer:?}")))
    }
}

impl Plugin for CertificateSigning {
    fn name(&self) -> &'static str {
        "CertificateSigning"
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

    fn refusal(allowed: &'static [&'static str], status: Document) -> String {
        let plugin = CertificateSigning::new(Arc::new(Allowing(allowed)));
        let stored = doc!({"spec": {"signerName": "example.com/a"}, "status": {}});
        let new = doc!({"spec": {"signerName": "example.com/a"}, "status": status});
        Write::update("certificates.k8s.io", "certificatesigningrequests", stored)
            .through("status")
            .refusal(&plugin, &new)
    }

    #[test]
    fn a_certificate_needs_the_verb_on_the_signer() {
        let signed = doc!({"certificate": "Y2VydA=="});
        assert_eq!(refusal(&["sign signers example.com/a"], signed.clone()), "");
        assert_eq!(
            refusal(&[], signed),
            r#"certificatesigningrequests.certificates.k8s.io "x" is forbidden: user not permitted to sign requests with signerName "example.com/a""#
        );
    }

    #[test]
    fn conditions_need_it_and_no_change_does_not() {
        assert!(!refusal(&[], doc!({"conditions": [{"type": "Failed"}]})).is_empty());
        assert_eq!(refusal(&[], doc!({"conditions": []})), "");
    }
}
