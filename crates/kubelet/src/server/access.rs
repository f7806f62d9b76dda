//! Who asks the node server, and whether they may.

use futures::future::BoxFuture;
use http::Method;
use rustls_pki_types::CertificateDer;
use skiff_apimachinery::time::Clock;
use skiff_client::Client;
use skiff_client::delegated::{DelegatedAccess, Remembered, Wanted};
use std::sync::Arc;

pub use skiff_client::delegated::Identity;

/// Why someone may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// Refused, with the text for the client.
    Forbidden(String),
    /// It could not be found out.
    Unknown(String),
}

/// Decides who may do what on this node. The requests are checked as `nodes/<subresource>` of the API.
pub trait Access: Send + Sync + 'static {
    /// Who a bearer token belongs to.
    fn authenticate(&self, token: String) -> BoxFuture<'_, Option<Identity>>;
    /// Whether they may.
    fn authorize<'a>(
        &'a self,
        identity: &'a Identity,
        verb: &'static str,
        subresource: &'static str,
    ) -> BoxFuture<'a, Result<(), Denied>>;
}

/// Asks the API server.
pub struct ReviewAccess {
    delegated: DelegatedAccess,
    node: String,
}

/// The verb of a request.
pub fn verb(method: &Method) -> &'static str {
    match method.as_str() {
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "get",
    }
}

/// The identity that a client certificate names: common name and organizations.
pub fn identity(der: &CertificateDer<'_>) -> Option<Identity> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    let subject = certificate.subject();
    let user = subject.iter_common_name().next()?.as_str().ok()?.to_owned();
    let groups =
        subject.iter_organization().filter_map(|name| name.as_str().ok().map(str::to_owned)).collect();
    Some(Identity { user, groups })
}

impl ReviewAccess {
    /// Access by the API server's word.
    pub fn new(client: Client, node: &str, clock: Arc<dyn Clock>) -> Self {
        let delegated = DelegatedAccess::new(client, clock, Remembered::BY_KUBELETS);
        Self { delegated, node: node.to_owned() }
    }
}

impl Access for ReviewAccess {
    fn authenticate(&self, token: String) -> BoxFuture<'_, Option<Identity>> {
        Box::pin(self.delegated.authenticate(token))
    }

    fn authorize<'a>(
        &'a self,
        identity: &'a Identity,
        verb: &'static str,
        subresource: &'static str,
    ) -> BoxFuture<'a, Result<(), Denied>> {
        Box::pin(async move {
            // The finer subresource first, then the one that stands for all (KEP-2862).
            for subresource in [subresource, "proxy"] {
                let wanted = Wanted::Node { verb, name: self.node.clone(), subresource };
                if self.delegated.allows(identity, wanted).await.map_err(|s| Denied::Unknown(s.message))? {
                    return Ok(());
                }
            }
            Err(Denied::Forbidden(format!(
                "Forbidden (user={}, verb={verb}, resource=nodes, subresource(s)=[{subresource}])",
                identity.user
            )))
        })
    }
}
