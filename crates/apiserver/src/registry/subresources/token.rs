//! `serviceaccounts/token`: issues a token for a service account.

use super::super::Registry;
use super::{Action, Context, Target};
use crate::authentication::service_account::ServiceAccountTokens;
use crate::authentication::token_request::Issued;
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, Status};

/// Issues service-account tokens.
pub trait TokenIssuer: Send + Sync + 'static {
    /// Answers a TokenRequest.
    ///
    /// # Errors
    /// If the account or the bound object is not there, or the request is invalid.
    fn issue(&self, namespace: &str, name: &str, request: Document) -> Result<Issued, Status>;
}

impl TokenIssuer for ServiceAccountTokens {
    fn issue(&self, namespace: &str, name: &str, request: Document) -> Result<Issued, Status> {
        Self::issue(self, namespace, name, request)
    }
}

/// The action.
pub(super) struct TokenAction;

impl Action for TokenAction {
    fn run<'a>(
        &'a self,
        registry: &'a Registry,
        context: &'a mut Context,
        target: &'a Target,
        sent: Document,
    ) -> BoxFuture<'a, Result<Document, Status>> {
        Box::pin(async move {
            let Some(tokens) = &registry.tokens else {
                return Err(Status::not_found(&target.group_resource(), &target.name));
            };
            // The issuer reads the cache; what was created a moment ago must be in it.
            if let Some(cache) = registry.cache(target) {
                cache.caught_up().await?;
            }
            let issued = tokens.issue(&target.namespace, &target.name, sent)?;
            context.warnings.extend(issued.warnings);
            Ok(issued.request)
        })
    }
}
