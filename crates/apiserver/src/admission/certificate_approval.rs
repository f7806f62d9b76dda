//! `CertificateApproval`: who approves or denies a certificate signing request needs the verb `approve` on its signer.

use super::{Operation, Plugin, Request, signers};
use crate::authorization::Authorizer;
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, Status};
use std::sync::Arc;

/// The plugin.
pub struct CertificateApproval {
    authorizer: Arc<dyn Authorizer>,
}

impl CertificateApproval {
    /// Asks this authorizer.
    pub fn new(authorizer: Arc<dyn Authorizer>) -> Self {
        Self { authorizer }
    }

    fn check(&self, request: &Request<'_>) -> Result<(), Status> {
        let concerned = request.operation == Operation::Update
            && request.subresource == "approval"
            && request.resource.gvk.group == "certificates.k8s.io"
            && request.resource.plural == "certificatesigningrequests";
        // The signer as it is stored: naming another one in the same write does not help.
        let Some(stored) = request.old.filter(|_| concerned) else { return Ok(()) };
        let signer = stored.str_at(&["spec", "signerName"]);
        if signers::is_authorized(&*self.authorizer, request.user, "approve", signer) {
            return Ok(());
        }
        Err(request.forbidden(&format!("user not permitted to approve requests with signerName {signer:?}")))
    }
}

impl Plugin for CertificateApproval {
    fn name(&self) -> &'static str {
        "CertificateApproval"
    }

    fn validate<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        _: &'a Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(self.check(request)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::testing::{Allowing, Write};
    use skiff_apimachinery::doc;

    fn refusal(allowed: &'static [&'static str], subresource: &'static str) -> String {
        let plugin = CertificateApproval::new(Arc::new(Allowing(allowed)));
        let stored = doc!({"spec": {"signerName": "example.com/a"}});
        let claimed = doc!({"spec": {"signerName": "example.com/b"}});
        Write::update("certificates.k8s.io", "certificatesigningrequests", stored)
            .through(subresource)
            .refusal(&plugin, &claimed)
    }

    #[test]
    fn approval_needs_the_verb_on_the_stored_signer() {
        assert_eq!(refusal(&["approve signers example.com/a"], "approval"), "");
        assert_eq!(
            refusal(&["approve signers example.com/b"], "approval"),
            r#"certificatesigningrequests.certificates.k8s.io "x" is forbidden: user not permitted to approve requests with signerName "example.com/a""#
        );
    }

    #[test]
    fn other_writes_do_not_need_it() {
        assert_eq!(refusal(&[], "status"), "");
    }
}
