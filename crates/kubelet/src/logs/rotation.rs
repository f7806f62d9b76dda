//! Looks at the logs of running containers and rotates those that have grown too large.
//!
//! A look every ten seconds, as upstream; only while a container runs.

use super::rotate;
use crate::agent::Agent;
use skiff_cri::v1::{ContainerFilter, ContainerState, ContainerStateValue};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const LOOK: Duration = Duration::from_secs(10);

/// Rotates until dropped.
pub async fn keep(agent: Arc<Agent>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let state = ContainerStateValue { state: ContainerState::ContainerRunning.into() };
        let filter = ContainerFilter { state: Some(state), ..ContainerFilter::default() };
        for container in agent.runtime.list_containers(filter).await.unwrap_or_default() {
            let Ok(status) = agent.runtime.container_status(container.id.clone()).await else { continue };
            if let Err(error) = rotate_one(&agent, status.log_path.into(), container.id).await {
                tracing::warn!(%error, "cannot rotate a container's log");
            }
        }
    }
}

async fn rotate_one(agent: &Agent, log: PathBuf, id: String) -> std::io::Result<()> {
    let (size, files, now) =
        (agent.config.container_log_max_size, agent.config.container_log_max_files, agent.clock.now());
    let path = log.clone();
    let rotated = tokio::task::spawn_blocking(move || rotate::rotate(&path, size, files, now));
    let Some(rotate::Rotated(target)) = rotated.await.map_err(std::io::Error::other)?? else { return Ok(()) };
    if let Err(error) = agent.runtime.reopen_container_log(id).await {
        // The runtime still writes to the renamed file: give it its name back.
        std::fs::rename(target, log)?;
        return Err(std::io::Error::other(error.message));
    }
    Ok(())
}
