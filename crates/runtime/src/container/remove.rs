//! Removes a container; its log stays, it is the kubelet's.

use super::Phase;
use crate::embedded::Core;
use crate::error::{At, Outcome};
use crate::events::EventKind;
use crate::sandbox::SandboxStage;
use std::sync::Arc;

impl Core {
    /// Removes a container, killed if it runs.
    pub async fn remove_container(self: Arc<Self>, id: &str) -> Outcome<()> {
        let Some(container) = self.find_container(id) else { return Ok(()) };
        let _operation = container.operation.lock().await;
        if matches!(container.phase(), Phase::Starting | Phase::Running) {
            self.clone().stop_container(&container.id, 0).await?;
        }
        if let Some(sandbox) = self.find_sandbox(&container.sandbox)
            && sandbox.stage() == SandboxStage::Ready
            && let Err(error) = sandbox.shim.forget(&container.id).await
        {
            // A shim that is gone has forgotten too.
            tracing::debug!(container = %container.id, %error, "the shim did not forget a container");
        }
        match tokio::fs::remove_dir_all(&container.directory).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).at("remove", &container.directory);
            }
            _ => {}
        }
        self.forget_container(&container.id);
        self.announce_container(&container, EventKind::ContainerDeletedEvent);
        Ok(())
    }
}
