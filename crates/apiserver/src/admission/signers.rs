//! Whether a user may act for a signer of certificates: shared by the certificate plugins.

use crate::authentication::UserInfo;
use crate::authorization::{Attributes, Authorizer, Decision};

/// Whether the user has the verb (`approve`, `sign`, `attest`) on the signer, or on all signers of its domain.
pub(super) fn is_authorized(authorizer: &dyn Authorizer, user: &UserInfo, verb: &str, signer: &str) -> bool {
    let domain = signer.split('/').next().unwrap_or_default();
    let whole_domain = format!("{domain}/*");
    [signer, whole_domain.as_str()].into_iter().any(|name| {
        let attributes = Attributes {
            user,
            verb,
            group: "certificates.k8s.io",
            version: "*",
            resource: "signers",
            subresource: "",
            namespace: "",
            name,
            path: "",
            field_selector: "",
        };
        matches!(authorizer.authorize(&attributes), Decision::Allow(_))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::testing::Allowing;

    #[test]
    fn a_domain_stands_for_its_signers() {
        let user = UserInfo::anonymous();
        let may = |allowed, signer: &str| is_authorized(&Allowing(allowed), &user, "sign", signer);
        assert!(may(&["sign signers example.com/a"], "example.com/a"));
        assert!(may(&["sign signers example.com/*"], "example.com/a"));
        assert!(!may(&["sign signers example.com/*"], "example.org/a"));
        assert!(!may(&["approve signers example.com/a"], "example.com/a"));
    }
}
