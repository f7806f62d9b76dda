//! Kubeconfig files that the server writes.

use crate::Issued;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A kubeconfig with one cluster, one user with a client certificate, and one context, all named `default`.
pub fn with_certificate(server: &str, ca_pem: &str, user: &Issued) -> String {
    let encode = |text: &str| STANDARD.encode(text);
    format!(
        "apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {ca}
    server: {server}
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
preferences: {{}}
users:
- name: default
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
",
        ca = encode(ca_pem),
        certificate = encode(&user.certificate_pem),
        key = encode(&user.key_pem),
    )
}
