//! The token of a controller's service account: the account is made if it is missing, the token renewed before it ends.

use futures::future::BoxFuture;
use skiff_apimachinery::{Status, doc};
use skiff_client::resources::SERVICE_ACCOUNTS;
use skiff_client::{Client, TokenSource};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::warn;

/// How long a token is asked for.
const LIFETIME: Duration = Duration::from_secs(3600);

/// Tokens of one account.
pub(super) struct AccountToken {
    client: Client,
    namespace: &'static str,
    account: String,
    current: Mutex<Option<(String, Instant)>>,
}

impl AccountToken {
    /// Asks through a client that may create service accounts and their tokens.
    pub(super) fn new(client: Client, namespace: &'static str, account: &str) -> Self {
        Self { client, namespace, account: account.to_owned(), current: Mutex::default() }
    }

    async fn request(&self) -> Result<String, Status> {
        let account = doc!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": self.account.as_str(), "namespace": self.namespace}
        });
        match self.client.create(&SERVICE_ACCOUNTS, self.namespace, account).await {
            Err(status) if !status.is_already_exists() => return Err(status),
            _ => {}
        }
        let request = doc!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"expirationSeconds": LIFETIME.as_secs()}
        });
        let granted = self
            .client
            .create_subresource(&SERVICE_ACCOUNTS, self.namespace, &self.account, "token", request)
            .await?;
        Ok(granted.str_at(&["status", "token"]).to_owned())
    }
}

impl TokenSource for AccountToken {
    fn token(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(async {
            let mut current = self.current.lock().await;
            if let Some((token, renew_at)) = &*current
                && Instant::now() < *renew_at
            {
                return Some(token.clone());
            }
            match self.request().await {
                Ok(token) => *current = Some((token, Instant::now() + LIFETIME / 5 * 4)),
                // The last one may still be good.
                Err(error) => warn!(account = self.account, %error, "cannot get a token"),
            }
            current.as_ref().map(|(token, _)| token.clone())
        })
    }
}
