//! What the API server keeps right by itself: what Services were given, and the ServiceCIDR that its flags make.
//!
//! Input: the caches and the store; output: repaired records, the ServiceCIDR `kubernetes`, and events about what was wrong,
//! written through the process's own door.

mod default_cidr;
mod events;

use crate::chain::Core;
use crate::local::Local;
use default_cidr::DefaultCidr;
use events::{Events, Notice};
use skiff_apimachinery::Status;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often records are compared with Services, as upstream does.
const REPAIR_INTERVAL: Duration = Duration::from_secs(180);
/// How often the default ServiceCIDR is looked at, as upstream does.
const CIDR_INTERVAL: Duration = Duration::from_secs(10);

/// The server's own chores.
pub(crate) struct Upkeep {
    core: Arc<Core>,
    events: Events,
    default_cidr: DefaultCidr,
}

impl Upkeep {
    /// Chores that are done through this door.
    pub(crate) fn new(core: Arc<Core>, door: Local) -> Self {
        let cidrs = core.registry.allocators.default_cidrs().iter().map(ToString::to_string).collect();
        let events = Events::new(door.clone());
        let default_cidr = DefaultCidr::new(door, core.caches.clone(), cidrs);
        Self { core, events, default_cidr }
    }

    /// Does them until the token is cancelled.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let mut looks = tokio::time::interval(CIDR_INTERVAL);
        let mut repairs = tokio::time::interval(REPAIR_INTERVAL);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = looks.tick() => {
                    let now = self.core.clock.now();
                    if let Err(status) = self.default_cidr.keep(&mut self.events, now).await {
                        tracing::warn!(%status, "the default ServiceCIDR is not right yet");
                    }
                }
                _ = repairs.tick() => {
                    if let Err(status) = self.repair().await {
                        tracing::warn!(%status, "records of what Services have are not repaired");
                    }
                }
            }
        }
    }

    /// Makes records agree with Services, and tells what was wrong.
    pub(crate) async fn repair(&mut self) -> Result<(), Status> {
        let now = self.core.clock.now();
        let (findings, result) = self.core.registry.repair(now).await;
        for finding in findings {
            let (namespace, name) = (finding.about.namespace(), finding.about.name());
            tracing::warn!(namespace, name, reason = finding.reason, "{}", finding.message);
            let notice = Notice {
                about: &finding.about,
                component: finding.component,
                action: Some(finding.action),
                reason: finding.reason,
                message: &finding.message,
            };
            self.events.tell(now, &notice).await;
        }
        result
    }
}
