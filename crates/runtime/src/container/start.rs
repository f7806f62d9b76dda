//! Starts a container: its cgroup with limits, then the shim does the rest.

use super::{Container, devices};
use crate::embedded::Core;
use crate::error::{Outcome, RuntimeError};
use crate::sandbox::SandboxStage;
use std::sync::Arc;

impl Core {
    /// Starts a container that was made and never started.
    pub async fn start_container(self: Arc<Self>, id: &str) -> Outcome<()> {
        let container = self.container(id)?;
        let _operation = container.operation.lock().await;
        let sandbox = self.sandbox(&container.sandbox)?;
        if sandbox.stage() != SandboxStage::Ready {
            return Err(RuntimeError::Precondition(format!(
                "sandbox container {:?} is not running",
                sandbox.id
            )));
        }
        if !container.begin_start() {
            return Err(RuntimeError::Precondition(format!(
                "container {} is in state {:?}, not created",
                container.id,
                container.phase()
            )));
        }
        match self.launch_container(&container, &sandbox.shim).await {
            Ok(at) => self.container_started(&container, at),
            Err(error) => {
                let message = match &error {
                    // The words in which users know such failures.
                    RuntimeError::Shim(failure) => format!(
                        "failed to start container {:?}: unable to start container process: error during container init: {}",
                        container.id, failure.message
                    ),
                    other => other.to_string(),
                };
                self.container_not_started(&container, message.clone())?;
                Err(RuntimeError::Internal(message))
            }
        }
    }

    async fn launch_container(&self, container: &Container, shim: &crate::shim::ShimClient) -> Outcome<i64> {
        let record = container.record();
        self.cgroups.create(&record.cgroup)?;
        self.cgroups.limit(&record.cgroup, &record.resources)?;
        let security = record.config.linux.as_ref().and_then(|linux| linux.security_context.clone());
        let rules = devices::rules(&record.config, &security.unwrap_or_default(), &record.spec.devices);
        self.cgroups.limit_devices(&record.cgroup, &rules)?;
        shim.start(record.spec).await
    }
}
