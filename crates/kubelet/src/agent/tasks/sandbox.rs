//! Makes and stops sandboxes.

use super::super::Agent;
use crate::names::reason;
use crate::pod::PodView;
use crate::pod::sandbox_config::{SandboxContext, sandbox_config};
use crate::worker::Failure;
use skiff_cri::v1::{PodSandboxConfig, RunPodSandboxRequest};
use std::time::Duration;

/// How long a pod waits silently for the network.
const NETWORK_PATIENCE: Duration = Duration::from_secs(5);

/// The configuration that a pod's sandbox has, or would have at this attempt.
pub fn config(agent: &Agent, pod: &PodView, attempt: u32) -> PodSandboxConfig {
    let context = SandboxContext {
        dns: &agent.dns,
        node_hostname: &agent.machine.hostname,
        log_directory: agent.log_dir(pod).to_string_lossy().into_owned(),
        cgroup_parent: agent.cgroups.path(pod),
        security: agent.security(),
        attempt,
    };
    sandbox_config(pod, &context)
}

/// Makes a sandbox.
///
/// # Errors
/// The runtime's text.
pub async fn create(agent: &Agent, pod: &PodView, attempt: u32) -> Result<(), Failure> {
    let failed = |text: String| Failure::new(reason::FAILED_CREATE_POD_SANDBOX, text);
    if pod.spec().host_users == Some(false) {
        let text =
            "can't set `spec.hostUsers: false`, the runtime handler \"\" doesn't support user namespaces";
        return Err(failed(text.into()));
    }
    if !pod.host_network() {
        network(agent).await?;
    }
    std::fs::create_dir_all(agent.log_dir(pod))
        .map_err(|error| failed(format!("failed to create log directory: {error}")))?;
    let request =
        RunPodSandboxRequest { config: Some(config(agent, pod, attempt)), runtime_handler: String::new() };
    agent.runtime.run_pod_sandbox(request).await.map(|_| ()).map_err(|error| failed(error.message))
}

/// Waits until pods can be connected.
async fn network(agent: &Agent) -> Result<(), Failure> {
    let mut problem = agent.network_problem.subscribe();
    let ready = problem.wait_for(String::is_empty);
    if tokio::time::timeout(NETWORK_PATIENCE, ready).await.is_ok() {
        return Ok(());
    }
    let text = format!("network is not ready: {}", *agent.network_problem.borrow());
    Err(Failure::new(reason::NETWORK_NOT_READY, text))
}

/// Stops a sandbox and its containers.
///
/// # Errors
/// The runtime's text.
pub async fn stop(agent: &Agent, id: &str) -> Result<(), Failure> {
    agent
        .runtime
        .stop_pod_sandbox(id.to_owned())
        .await
        .map_err(|error| Failure::new("KillPodSandboxError", error.message))
}
