//! Stops a container: it is asked, then made to.

use super::Phase;
use crate::embedded::Core;
use crate::error::{Outcome, RuntimeError};
use skiff_cri::v1::{LinuxContainerResources, UpdateContainerResourcesRequest};
use skiff_shim::protocol::SignalTarget;
use std::sync::Arc;
use std::time::Duration;

const SIGKILL: i32 = 9;
/// A killed process that is not gone after so long hangs in the kernel.
const KILLED: Duration = Duration::from_secs(120);

impl Core {
    /// Stops a container: the stop signal, then after `timeout_seconds` the end of all its processes.
    pub async fn stop_container(self: Arc<Self>, id: &str, timeout_seconds: i64) -> Outcome<()> {
        let Some(container) = self.find_container(id) else { return Ok(()) };
        if !matches!(container.phase(), Phase::Starting | Phase::Running) {
            return Ok(());
        }
        let Some(sandbox) = self.find_sandbox(&container.sandbox) else { return Ok(()) };
        if let Ok(seconds @ 1..) = u64::try_from(timeout_seconds) {
            let signal = container.read(|record| record.stop_signal);
            sandbox.shim.signal(&container.id, signal, SignalTarget::Main).await?;
            if tokio::time::timeout(Duration::from_secs(seconds), container.ended()).await.is_ok() {
                return Ok(());
            }
        }
        sandbox.shim.signal(&container.id, SIGKILL, SignalTarget::All).await?;
        tokio::time::timeout(KILLED, container.ended()).await.map_err(|_| {
            RuntimeError::Deadline(format!(
                "an error occurs during waiting for container {:?} to be killed",
                container.id
            ))
        })
    }

    /// Changes the limits of a container; fields not given stay as they are.
    pub async fn update_resources(&self, request: UpdateContainerResourcesRequest) -> Outcome<()> {
        let container = self.container(&request.container_id)?;
        let Some(changes) = request.linux else { return Ok(()) };
        if container.phase() == Phase::Exited {
            return Err(RuntimeError::Precondition(format!("container {} has exited", container.id)));
        }
        // A container that has not started has no cgroup yet; it gets what is written down.
        if container.phase() != Phase::Created {
            self.cgroups.limit(container.cgroup(), &changes)?;
        }
        container.update(|record| {
            merge(&mut record.resources, changes);
            true
        })?;
        Ok(())
    }
}

fn merge(resources: &mut LinuxContainerResources, changes: LinuxContainerResources) {
    let number = |now: &mut i64, new: i64| {
        if new != 0 {
            *now = new;
        }
    };
    number(&mut resources.cpu_period, changes.cpu_period);
    number(&mut resources.cpu_quota, changes.cpu_quota);
    number(&mut resources.cpu_shares, changes.cpu_shares);
    number(&mut resources.memory_limit_in_bytes, changes.memory_limit_in_bytes);
    number(&mut resources.memory_swap_limit_in_bytes, changes.memory_swap_limit_in_bytes);
    number(&mut resources.oom_score_adj, changes.oom_score_adj);
    if !changes.cpuset_cpus.is_empty() {
        resources.cpuset_cpus = changes.cpuset_cpus;
    }
    if !changes.cpuset_mems.is_empty() {
        resources.cpuset_mems = changes.cpuset_mems;
    }
    if !changes.hugepage_limits.is_empty() {
        resources.hugepage_limits = changes.hugepage_limits;
    }
    resources.unified.extend(changes.unified);
}
