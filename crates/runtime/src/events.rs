//! Tells whoever listens what happens to sandboxes and containers.

use crate::container::Container;
use crate::embedded::Core;
use crate::sandbox::Sandbox;
pub use skiff_cri::v1::ContainerEventType as EventKind;
use skiff_cri::v1::{ContainerEventResponse, PodSandboxStatus};

/// A listener that is further behind than this misses events and has to list anew.
pub const BACKLOG: usize = 1024;

impl Core {
    /// Tells of a sandbox.
    pub fn announce_sandbox(&self, sandbox: &Sandbox, kind: EventKind) {
        self.announce(&sandbox.id, kind, Some(sandbox.record().status()), &sandbox.id);
    }

    /// Tells of a container.
    pub fn announce_container(&self, container: &Container, kind: EventKind) {
        let sandbox = self.find_sandbox(&container.sandbox).map(|sandbox| sandbox.record().status());
        self.announce(&container.id, kind, sandbox, &container.sandbox);
    }

    fn announce(
        &self,
        id: &str,
        kind: EventKind,
        pod_sandbox_status: Option<PodSandboxStatus>,
        sandbox: &str,
    ) {
        // Making an event costs more than sending it.
        if self.events.receiver_count() == 0 {
            return;
        }
        let event = ContainerEventResponse {
            container_id: id.to_owned(),
            container_event_type: kind.into(),
            created_at: crate::embedded::now(),
            pod_sandbox_status,
            containers_statuses: self
                .containers_of(sandbox)
                .iter()
                .map(|container| container.status())
                .collect(),
        };
        // The last listener may just have gone.
        let _ = self.events.send(event);
    }
}
