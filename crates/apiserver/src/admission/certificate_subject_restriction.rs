//! `CertificateSubjectRestriction`: nobody asks the signer of API clients for a certificate of the group `system:masters`.

use super::{Operation, Plugin, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, Status};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

/// The signer whose certificates the API server takes from clients.
const SIGNER: &str = "kubernetes.io/kube-apiserver-client";
/// The group that may do everything.
const MASTERS: &str = "system:masters";

/// The plugin.
pub struct CertificateSubjectRestriction;

fn check(request: &Request<'_>, object: &Document) -> Result<(), Status> {
    let concerned = request.operation == Operation::Create
        && request.is("certificates.k8s.io", "certificatesigningrequests")
        && object.str_at(&["spec", "signerName"]) == SIGNER;
    if !concerned {
        return Ok(());
    }
    let groups = organizations(object.str_at(&["spec", "request"]))
        .map_err(|why| request.forbidden(&format!("failed to parse CSR: {why}")))?;
    if groups.iter().any(|group| group == MASTERS) {
        let why = format!("use of {SIGNER} signer with {MASTERS} group is not allowed");
        return Err(request.forbidden(&why));
    }
    Ok(())
}

/// The organizations that a request (PEM in base64) asks for: groups, to the API server.
fn organizations(request: &str) -> Result<Vec<String>, String> {
    const WRONG_BLOCK: &str = "PEM block type must be CERTIFICATE REQUEST";
    let pem = STANDARD.decode(request).map_err(|error| error.to_string())?;
    let (_, block) = x509_parser::pem::parse_x509_pem(&pem).map_err(|_| WRONG_BLOCK)?;
    if block.label != "CERTIFICATE REQUEST" {
        return Err(WRONG_BLOCK.to_owned());
    }
    let (_, parsed) =
        X509CertificationRequest::from_der(&block.contents).map_err(|error| error.to_string())?;
    let subject = &parsed.certification_request_info.subject;
    Ok(subject.iter_organization().filter_map(|o| o.as_str().ok()).map(str::to_owned).collect())
}

impl Plugin for CertificateSubjectRestriction {
    fn name(&self) -> &'static str {
        "CertificateSubjectRestriction"
    }

    fn validate<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(check(request, object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::testing::Write;
    use skiff_apimachinery::doc;

    /// O=system:masters, CN=ann.
    const OF_MASTERS: &str = "-----BEGIN CERTIFICATE REQUEST-----
MIHiMIGJAgEAMCcxFzAVBgNVBAoMDnN5c3RlbTptYXN0ZXJzMQwwCgYDVQQDDANh
bm4wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATh5Jtg9JU2jLKZdszxTuwL/xhO
fdaDsLNBJ8oHURdLO3UU0xz8ZXFvrZWZOjz8RiY/NabDPKiftNfsr86n4/1koAAw
CgYIKoZIzj0EAwIDSAAwRQIgE6ok3386Xd9WJAQ6cOiXVEIfpjvU1DN5UI/Py7xR
WYcCIQDKmUAOsFUKXSDewD6kHEEaEFp/9wmR/NdJrnH7xpT0aA==
-----END CERTIFICATE REQUEST-----
";
    /// O=dev, CN=ann.
    const OF_DEV: &str = "-----BEGIN CERTIFICATE REQUEST-----
MIHVMH4CAQAwHDEMMAoGA1UECgwDZGV2MQwwCgYDVQQDDANhbm4wWTATBgcqhkjO
PQIBBggqhkjOPQMBBwNCAAQUL//nVxfrDWzGSD1BcpWR/KBX8XgrT9KJnv1SYuFU
sY2UpkGFaHewMAiPHrkVmps+G7xmVii9DWz4t7x+72gwoAAwCgYIKoZIzj0EAwID
RwAwRAIgPAiFakp4t8OdnoPSVYFPB7BHWyRwI/rFpx1Xsb3X6gkCIDOajI7wCuxb
2ZfhH6DZlvNklf6JRJRF/20lg3zin2V/
-----END CERTIFICATE REQUEST-----
";

    fn refusal(signer: &str, pem: &str) -> String {
        let object = doc!({"spec": {"signerName": signer, "request": STANDARD.encode(pem)}});
        Write::create("certificates.k8s.io", "certificatesigningrequests")
            .refusal(&CertificateSubjectRestriction, &object)
    }

    #[test]
    fn masters_are_not_made_by_the_signer_of_clients() {
        assert_eq!(
            refusal(SIGNER, OF_MASTERS),
            r#"certificatesigningrequests.certificates.k8s.io "x" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed"#
        );
        assert_eq!(refusal(SIGNER, OF_DEV), "");
        assert_eq!(refusal("example.com/other", OF_MASTERS), "");
    }

    #[test]
    fn what_is_no_request_is_refused() {
        assert_eq!(
            refusal(SIGNER, "hello"),
            r#"certificatesigningrequests.certificates.k8s.io "x" is forbidden: failed to parse CSR: PEM block type must be CERTIFICATE REQUEST"#
        );
    }
}
