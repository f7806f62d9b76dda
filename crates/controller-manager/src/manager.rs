//! The controller manager: starts the controllers that were chosen, each under its own identity.

use crate::config::Config;
use crate::controller::Context;
use crate::controllers::{self, Registration};
use skiff_apimachinery::time::{Clock, SystemClock};
use skiff_client::{Client, SharedInformers};
use skiff_telemetry::Registry;
use std::sync::Arc;
use tokio::task::JoinSet;
use tracing::error;

/// Where controllers get their access to the API from.
#[derive(Clone)]
pub struct Clients {
    /// The controller manager's own, for the shared informers (`system:kube-controller-manager`).
    pub own: Client,
    /// The client of `system:serviceaccount:kube-system:NAME`.
    pub of: Arc<dyn Fn(&str) -> Client + Send + Sync>,
}

/// All controllers of a cluster.
pub struct ControllerManager {
    config: Arc<Config>,
    clients: Clients,
    clock: Arc<dyn Clock>,
    metrics: Registry,
}

/// A name in `--controllers` is no controller's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not in the list of known controllers")]
pub struct UnknownController(pub String);

impl ControllerManager {
    /// A controller manager that does not run yet.
    ///
    /// # Errors
    /// If the configuration names a controller that there is not.
    pub fn new(config: Config, clients: Clients) -> Result<Self, UnknownController> {
        let known = controllers::all();
        for name in &config.controllers {
            let bare = name.strip_prefix('-').unwrap_or(name);
            if bare != "*" && !known.iter().any(|controller| controller.name == bare) {
                return Err(UnknownController(name.clone()));
            }
        }
        Ok(Self { config: Arc::new(config), clients, clock: Arc::new(SystemClock), metrics: Registry::new() })
    }

    /// With another clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// With metrics registered here.
    #[must_use]
    pub fn metrics(mut self, metrics: Registry) -> Self {
        self.metrics = metrics;
        self
    }

    /// Runs the controllers until `shutdown` resolves.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let informers = SharedInformers::new(self.clients.own.clone());
        let mut running = JoinSet::new();
        let selected = |c: &&Registration| self.config.selects(c.name, c.on_by_default);
        for controller in controllers::all().iter().filter(selected) {
            let context = Context {
                config: self.config.clone(),
                informers: informers.clone(),
                client: (self.clients.of)(controller.identity),
                clock: self.clock.clone(),
                metrics: self.metrics.clone(),
            };
            running.spawn((controller.run)(context));
        }
        let ended = async {
            while let Some(end) = running.join_next().await {
                if let Err(failure) = end {
                    error!(%failure, "a controller died");
                }
            }
            std::future::pending().await
        };
        tokio::select! {
            () = shutdown => {}
            () = ended => {}
        }
        running.shutdown().await;
    }
}
