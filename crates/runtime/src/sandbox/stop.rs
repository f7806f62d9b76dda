//! Stops and removes sandboxes. Both may be repeated, and both finish what a dead shim or server left half done.

use super::{Sandbox, SandboxStage};
use crate::embedded::Core;
use crate::error::{At, Outcome, RuntimeError};
use crate::events::EventKind;
use std::sync::Arc;
use std::time::Duration;

/// A killed process that is not gone after so long hangs in the kernel.
const GONE: Duration = Duration::from_secs(10);

impl Core {
    /// Stops a sandbox: containers, shim, network, cgroup.
    pub async fn stop_sandbox(self: Arc<Self>, id: &str) -> Outcome<()> {
        let Some(sandbox) = self.find_sandbox(id) else { return Ok(()) };
        let _operation = sandbox.operation.lock().await;
        if sandbox.stage() == SandboxStage::Stopped {
            return Ok(());
        }
        self.take_down(&sandbox).await?;
        sandbox.update(|_| {})
    }

    /// Removes a sandbox with its containers.
    pub async fn remove_sandbox(self: Arc<Self>, id: &str) -> Outcome<()> {
        let Some(sandbox) = self.find_sandbox(id) else { return Ok(()) };
        let _operation = sandbox.operation.lock().await;
        if sandbox.stage() != SandboxStage::Stopped {
            self.take_down(&sandbox).await?;
        }
        for container in self.containers_of(&sandbox.id) {
            self.clone().remove_container(&container.id).await?;
        }
        match tokio::fs::remove_dir_all(&sandbox.directory).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).at("remove", &sandbox.directory);
            }
            _ => {}
        }
        self.forget_sandbox(&sandbox.id);
        self.announce_sandbox(&sandbox, EventKind::ContainerDeletedEvent);
        Ok(())
    }

    /// Takes everything down but the record, which tells of it only in memory: whoever reads an older one from disk does the same again.
    async fn take_down(&self, sandbox: &Arc<Sandbox>) -> Outcome<()> {
        if sandbox.stage() != SandboxStage::Dead
            && let Err(error) = sandbox.shim.shut_down().await
        {
            tracing::debug!(sandbox = %sandbox.id, %error, "the shim cannot be asked to end");
        }
        self.bury_sandbox(sandbox).await?;
        if sandbox.record().networked {
            self.config
                .network
                .teardown(sandbox.id.clone())
                .await
                .map_err(|source| RuntimeError::Network { sandbox: sandbox.id.clone(), source })?;
        }
        sandbox.note(|record| {
            record.stage = SandboxStage::Stopped;
            record.networked = false;
        });
        self.announce_sandbox(sandbox, EventKind::ContainerStoppedEvent);
        Ok(())
    }

    /// Kills whatever of a sandbox without a shim still runs, and settles its containers' states.
    pub async fn bury_sandbox(&self, sandbox: &Arc<Sandbox>) -> Outcome<()> {
        sandbox.note(|record| {
            record.stage = SandboxStage::Dead;
            record.shim_pid = None;
        });
        let containers = self.containers_of(&sandbox.id);
        let mut cgroups: Vec<String> =
            containers.iter().map(|container| container.cgroup().to_owned()).collect();
        cgroups.push(sandbox.record().cgroup);
        for cgroup in &cgroups {
            if !self.clear_cgroup(cgroup, GONE).await {
                return Err(RuntimeError::Internal(format!("processes in cgroup {cgroup} cannot be killed")));
            }
        }
        for container in containers {
            self.settle_container(&container, &sandbox.directory)?;
        }
        Ok(())
    }
}
