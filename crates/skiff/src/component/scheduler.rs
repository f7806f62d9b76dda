//! The scheduler.

use super::election::Election;
use super::monitor::{AliveWithMetrics, Endpoint};
use super::{access, election, monitor};
use anyhow::Result;
use skiff_apimachinery::time::SystemClock;
use skiff_client::kubeconfig::Access;
use skiff_client::{Client, EventRecorder, SharedInformers};
use skiff_scheduler::{Scheduler, SchedulerConfig};
use skiff_telemetry::Registry;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// How a scheduler of its own is set up.
pub(crate) struct Config {
    pub(crate) access: Access,
    pub(crate) election: Option<Election>,
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) scheduler: SchedulerConfig,
}

/// A scheduler that speaks through this client.
pub(crate) fn assemble(config: SchedulerConfig, client: Client, metrics: &Registry) -> Scheduler {
    let clock = Arc::new(SystemClock);
    let recorder = EventRecorder::new(client.clone(), &config.name, "", clock.clone());
    Scheduler::new(config, client.clone(), SharedInformers::new(client), recorder, clock, metrics)
}

/// Runs until the token is cancelled.
pub(crate) async fn serve(config: Config, shutdown: CancellationToken) -> Result<()> {
    let metrics = Registry::new();
    let client = access::client(config.access, "kube-scheduler")?;
    if let Some(endpoint) = config.endpoint {
        let pages = Arc::new(AliveWithMetrics(metrics.clone()));
        monitor::open(endpoint, pages, client.clone(), shutdown.clone()).await?;
    }
    let (election, own) = (config.election, client.clone());
    election::lead(election, own, shutdown, |stop| async move {
        let scheduler = assemble(config.scheduler, client, &metrics);
        scheduler.run(stop.cancelled()).await;
        Ok(())
    })
    .await
}
