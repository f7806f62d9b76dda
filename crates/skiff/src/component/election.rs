//! Of several processes of a component one acts, the others wait (`--leader-elect`).

use anyhow::{Result, bail};
use skiff_apimachinery::time::SystemClock;
use skiff_client::leader::{LeaderElection, Timings};
use skiff_client::{Client, EventRecorder};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tracing::info;

/// How a component elects its leader.
#[derive(Debug, Clone)]
pub(crate) struct Election {
    /// Namespace of the lease.
    pub(crate) namespace: String,
    /// Name of the lease.
    pub(crate) name: String,
    pub(crate) timings: Timings,
}

/// Runs the work once this process leads, or at once without an election, until it ends or the token is cancelled. A
/// leadership that is lost is an error: the process must end, so that nothing of it acts any more.
pub(crate) async fn lead<W>(
    election: Option<Election>,
    client: Client,
    shutdown: CancellationToken,
    work: impl FnOnce(CancellationToken) -> W,
) -> Result<()>
where
    W: Future<Output = Result<()>>,
{
    let Some(election) = election else { return work(shutdown).await };
    let clock = Arc::new(SystemClock);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    // Unique among processes, also on one machine.
    let identity = format!("{host}_{}", uuid::Uuid::new_v4());
    let events = EventRecorder::new(client.clone(), &election.name, &host, clock.clone());
    info!(lease = election.name, identity, "attempting to acquire leader lease");
    let candidate = LeaderElection::new(client, clock, events, &election.name, &identity)
        .namespace(&election.namespace)
        .timings(election.timings);
    let mut leadership = tokio::select! {
        leadership = candidate.acquire() => leadership,
        () = shutdown.cancelled() => return Ok(()),
    };
    tokio::select! {
        outcome = work(shutdown.clone()) => outcome?,
        () = leadership.lost() => bail!("leaderelection lost"),
    }
    leadership.release().await;
    Ok(())
}
