//! Lifecycle hooks: postStart and preStop by exec, HTTP, or sleep.

use super::super::Agent;
use super::probe::{port_number, target_host};
use crate::pod::field_ref::Addresses;
use crate::pod::{ContainerView, PodView};
use crate::probe::http::{self, HttpRequest};
use k8s_openapi::api::core::v1::LifecycleHandler;
use skiff_cri::v1::ExecSyncRequest;
use std::time::Duration;

/// How long an HTTP hook may take when nothing else bounds it.
const HTTP_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs a hook to its end.
///
/// # Errors
/// Why it failed.
pub async fn run(
    agent: &Agent,
    pod: &PodView,
    container: ContainerView<'_>,
    id: &str,
    hook: &LifecycleHandler,
    addresses: &Addresses,
) -> Result<(), String> {
    if let Some(exec) = &hook.exec {
        let cmd = exec.command.clone().unwrap_or_default();
        let request = ExecSyncRequest { container_id: id.to_owned(), cmd, timeout: 0 };
        let answer = agent.runtime.exec_sync(request).await.map_err(|error| error.message)?;
        return match answer.exit_code {
            0 => Ok(()),
            code => Err(format!("command exited with {code}: {}", String::from_utf8_lossy(&answer.stderr))),
        };
    }
    if let Some(get) = &hook.http_get {
        let request = HttpRequest {
            tls: get.scheme.as_deref() == Some("HTTPS"),
            host: target_host(pod, get.host.as_deref(), addresses)?,
            port: port_number(container, &get.port)?,
            path: get.path.clone().unwrap_or_default(),
            headers: get.http_headers.iter().flatten().map(|h| (h.name.clone(), h.value.clone())).collect(),
            user_agent: "kube-lifecycle/1.35",
        };
        return http::get(&request, HTTP_TIMEOUT).await.map(|_| ());
    }
    if let Some(sleep) = &hook.sleep {
        tokio::time::sleep(Duration::from_secs(u64::try_from(sleep.seconds).unwrap_or(0))).await;
        return Ok(());
    }
    Err("invalid handler".into())
}
