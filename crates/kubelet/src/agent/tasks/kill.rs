//! Stops a container: preStop hook, stop signal, and after the grace period SIGKILL.

use super::super::PodContext;
use super::hooks;
use crate::names::reason;
use crate::pod::PodView;
use crate::pod::field_ref::Addresses;
use crate::worker::Kill;
use skiff_client::events::EventType;
use std::time::{Duration, Instant};

/// What a container gets after its hook at least.
const MINIMUM_GRACE: i64 = 2;

/// Stops a container. What went wrong is told; the next observation shows whether it still runs.
pub async fn kill(context: &PodContext, pod: &PodView, order: &Kill) {
    let agent = &context.agent;
    let mut grace = order.grace;
    let hook = pod
        .container(&order.name)
        .and_then(|container| Some((container, container.spec.lifecycle.as_ref()?.pre_stop.as_ref()?)));
    if let Some((container, hook)) = hook.filter(|_| grace > 0) {
        let began = Instant::now();
        let host = agent.config.node_ips.clone();
        let own = super::super::observe::observe(agent, pod.uid()).await.unwrap_or_default();
        let ips = if pod.host_network() {
            host.clone()
        } else {
            own.sandbox().map(|s| s.ips.clone()).unwrap_or_default()
        };
        let addresses = Addresses { pod: ips, host };
        let limit = Duration::from_secs(u64::try_from(grace).unwrap_or(0));
        let ran = tokio::time::timeout(limit, hooks::run(agent, pod, container, &order.id, hook, &addresses));
        match ran.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(pod = pod.full_name(), container = order.name, error, "preStop hook failed");
                agent.tell(
                    pod,
                    &order.name,
                    EventType::Warning,
                    reason::FAILED_PRE_STOP_HOOK,
                    "PreStopHook failed",
                );
            }
            Err(_) => {
                tracing::debug!(pod = pod.full_name(), container = order.name, "preStop hook ran out of time")
            }
        }
        let spent = i64::try_from(began.elapsed().as_secs()).unwrap_or(i64::MAX);
        grace = (grace - spent).max(MINIMUM_GRACE);
    }
    if let Err(error) = agent.runtime.stop_container(order.id.clone(), grace).await {
        let text = format!("error killing pod: failed to \"KillContainer\" for {:?}: {error}", order.name);
        agent.tell(pod, "", EventType::Warning, reason::FAILED_KILL_POD, text);
    }
}
