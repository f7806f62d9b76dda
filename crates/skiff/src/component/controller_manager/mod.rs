//! The controller manager.

mod account_token;

use super::election::Election;
use super::monitor::{AliveWithMetrics, Endpoint};
use super::{access, election, monitor};
use account_token::AccountToken;
use anyhow::Result;
use skiff_client::kubeconfig::Access;
use skiff_client::{Client, HttpsTransport};
use skiff_controller_manager::{Clients, Config as Settings, ControllerManager};
use skiff_telemetry::Registry;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Namespace of the controllers' service accounts.
const NAMESPACE: &str = "kube-system";

/// How a controller manager of its own is set up.
pub(crate) struct Config {
    pub(crate) access: Access,
    pub(crate) election: Option<Election>,
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) settings: Settings,
    /// Whether each controller acts under its own service account (`--use-service-account-credentials`).
    pub(crate) own_accounts: bool,
}

/// Runs until the token is cancelled.
pub(crate) async fn serve(config: Config, shutdown: CancellationToken) -> Result<()> {
    let metrics = Registry::new();
    let own = access::client(config.access.clone(), "kube-controller-manager")?;
    if let Some(endpoint) = config.endpoint {
        let pages = Arc::new(AliveWithMetrics(metrics.clone()));
        monitor::open(endpoint, pages, own.clone(), shutdown.clone()).await?;
    }
    let of: Arc<dyn Fn(&str) -> Client + Send + Sync> = if config.own_accounts {
        // What can go wrong with a transport is found now, not when the first controller asks for its own.
        access::client(config.access.clone(), "kube-controller-manager")?;
        let (access, own) = (config.access, own.clone());
        Arc::new(move |account| as_account(&access, &own, account))
    } else {
        let own = own.clone();
        Arc::new(move |_| own.clone())
    };
    let manager = ControllerManager::new(config.settings, Clients { own: own.clone(), of })?;
    election::lead(config.election, own, shutdown, |stop| async move {
        manager.metrics(metrics).run(stop.cancelled_owned()).await;
        Ok(())
    })
    .await
}

/// A client as a service account, by tokens that the API server issues to the controller manager.
fn as_account(access: &Access, own: &Client, account: &str) -> Client {
    let tokens = Arc::new(AccountToken::new(own.clone(), NAMESPACE, account));
    let agent = format!("kube-controller-manager/{account}");
    match HttpsTransport::with_tokens(access.clone(), &agent, tokens) {
        Ok(transport) => Client::new(Arc::new(transport)),
        Err(error) => {
            // Not reached: the same access made a transport at the start.
            tracing::error!(%error, account, "controller runs under the controller manager's own identity");
            own.clone()
        }
    }
}
