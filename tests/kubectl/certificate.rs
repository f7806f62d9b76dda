//! `kubectl certificate approve` and `deny`.

use crate::session::session;

#[test]
fn requests_are_approved_or_denied() {
    session(
        r#"
        $ openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key -out request -subj /O=team/CN=jane 2>/dev/null
        $ for name in $NS $NS-denied; do cat <<END; done | kubectl create -f -
        > apiVersion: certificates.k8s.io/v1
        > kind: CertificateSigningRequest
        > metadata: {name: $name}
        > spec: {signerName: example.com/$NS, usages: [client auth], request: $(base64 -w0 request), expirationSeconds: 3600}
        > ---
        > END
        certificatesigningrequest.certificates.k8s.io/$NS created
        certificatesigningrequest.certificates.k8s.io/$NS-denied created
        $ kubectl certificate approve $NS
        certificatesigningrequest.certificates.k8s.io/$NS approved
        $ kubectl certificate deny $NS-denied
        certificatesigningrequest.certificates.k8s.io/$NS-denied denied
        $ kubectl get csr $NS $NS-denied
        NAME         AGE     SIGNERNAME        REQUESTOR      REQUESTEDDURATION   CONDITION
        $NS          <age>   example.com/$NS   system:admin   <age>               Approved
        $NS-denied   <age>   example.com/$NS   system:admin   <age>               Denied
        $ kubectl get csr $NS $NS-denied -o jsonpath='{range .items[*].status.conditions[*]}{.type} {.status} {.reason} {.message}{"\n"}{end}'
        Approved True KubectlApprove This CSR was approved by kubectl certificate approve.
        Denied True KubectlDeny This CSR was denied by kubectl certificate deny.
        $ kubectl describe csr $NS
        Name:                $NS
        Labels:              <none>
        Annotations:         <none>
        CreationTimestamp:   <time>
        Requesting User:     system:admin
        Signer:              example.com/$NS
        Requested Duration:  60m
        Status:              Approved
        Subject:
                 Common Name:    jane
                 Serial Number:
                 Organization:   team
        Events:  <none>
        $ kubectl delete csr $NS $NS-denied
        certificatesigningrequest.certificates.k8s.io "$NS" deleted
        certificatesigningrequest.certificates.k8s.io "$NS-denied" deleted
        "#,
    );
}
