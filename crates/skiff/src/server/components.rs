//! The parts that speak the API: controllers, scheduler; and the set that watches over all running parts.

use super::Config;
use super::control_plane::ControlPlane;
use crate::component::scheduler;
use anyhow::{Result, anyhow};
use skiff_controller_manager::{Clients, ControllerManager};
use skiff_scheduler::SchedulerConfig;
use std::future::Future;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How long parts may take to stop.
const PATIENCE: Duration = Duration::from_secs(5);

/// The running parts of a server.
#[derive(Default)]
pub(super) struct Parts(JoinSet<(&'static str, Result<()>)>);

impl Parts {
    /// Runs a part.
    pub(super) fn spawn(
        &mut self,
        name: &'static str,
        part: impl Future<Output = Result<()>> + Send + 'static,
    ) {
        self.0.spawn(async move { (name, part.await) });
    }

    /// Waits until a part fails or dies; for ever if none does.
    pub(super) async fn first_failure(&mut self) -> Result<()> {
        while let Some(ended) = self.0.join_next().await {
            match ended {
                Ok((_, Ok(()))) => {}
                Ok((name, Err(error))) => return Err(error.context(name)),
                Err(died) => return Err(anyhow!("a part of the server died: {died}")),
            }
        }
        std::future::pending().await
    }

    /// Waits for all parts to stop, but not for ever.
    pub(super) async fn finish(&mut self) {
        let all = async { while self.0.join_next().await.is_some() {} };
        if tokio::time::timeout(PATIENCE, all).await.is_err() {
            warn!(parts = self.0.len(), "some parts did not stop in time");
        }
    }
}

/// Starts controllers and scheduler.
pub(super) fn start(
    config: &Config,
    control_plane: &ControlPlane,
    shutdown: CancellationToken,
) -> Result<Parts> {
    let mut parts = Parts::default();
    if config.runs("kube-controller-manager") {
        let manager = controller_manager(config, control_plane)?;
        let stop = shutdown.clone().cancelled_owned();
        parts.spawn("controller manager", async move {
            manager.run(stop).await;
            Ok(())
        });
    }
    if config.runs("kube-scheduler") {
        let client = control_plane.client_of("system:kube-scheduler", &[]);
        let scheduler = scheduler::assemble(SchedulerConfig::default(), client, control_plane.metrics());
        parts.spawn("scheduler", async move {
            scheduler.run(shutdown.cancelled()).await;
            Ok(())
        });
    }
    Ok(parts)
}

fn controller_manager(config: &Config, control_plane: &ControlPlane) -> Result<ControllerManager> {
    let settings = skiff_controller_manager::Config {
        root_ca: control_plane.server_ca().to_owned(),
        cluster_cidrs: config.cluster_cidrs.clone(),
        ..skiff_controller_manager::Config::default()
    };
    let clients = Clients {
        own: control_plane.client_of("system:kube-controller-manager", &[]),
        of: control_plane.service_account_clients(),
    };
    Ok(ControllerManager::new(settings, clients)?.metrics(control_plane.metrics().clone()))
}
