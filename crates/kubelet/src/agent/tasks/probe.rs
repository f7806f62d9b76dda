//! Runs one probe of a container.

use super::super::Agent;
use crate::pod::field_ref::Addresses;
use crate::pod::{ContainerView, PodView};
use crate::probe::{exec, grpc, http, tcp};
use crate::worker::probes::{ProbeOutcome, ProbeRequest};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::time::Duration;

/// Upstream tries a probe that could not be run this often before it counts.
const ATTEMPTS: u32 = 3;

/// Runs a probe within its timeout.
pub async fn probe(
    agent: &Agent,
    pod: &PodView,
    request: &ProbeRequest,
    addresses: &Addresses,
) -> ProbeOutcome {
    let mut outcome = ProbeOutcome::Error("probe is not in the pod's spec".into());
    for _ in 0..ATTEMPTS {
        outcome = attempt(agent, pod, request, addresses).await;
        if !matches!(outcome, ProbeOutcome::Error(_)) {
            break;
        }
    }
    outcome
}

async fn attempt(
    agent: &Agent,
    pod: &PodView,
    request: &ProbeRequest,
    addresses: &Addresses,
) -> ProbeOutcome {
    let found = pod.container(&request.container).and_then(|c| Some((c, request.kind.of(c)?)));
    let Some((container, spec)) = found else {
        return ProbeOutcome::Error("probe is not in the pod's spec".into());
    };
    let seconds = spec.timeout_seconds.and_then(|s| u64::try_from(s).ok()).unwrap_or(1).max(1);
    let timeout = Duration::from_secs(seconds);
    let result = async {
        if let Some(action) = &spec.exec {
            let command = action.command.clone().unwrap_or_default();
            return Ok(exec::probe(&*agent.runtime, &request.container_id, command, timeout).await);
        }
        if let Some(action) = &spec.http_get {
            let headers = action.http_headers.iter().flatten();
            let target = http::HttpRequest {
                tls: action.scheme.as_deref() == Some("HTTPS"),
                host: target_host(pod, action.host.as_deref(), addresses)?,
                port: port_number(container, &action.port)?,
                path: action.path.clone().unwrap_or_default(),
                headers: headers.map(|header| (header.name.clone(), header.value.clone())).collect(),
                user_agent: "kube-probe/1.35",
            };
            return Ok(match http::get(&target, timeout).await {
                Ok(_) => ProbeOutcome::Success,
                Err(text) => ProbeOutcome::Failure(text),
            });
        }
        if let Some(action) = &spec.tcp_socket {
            let host = target_host(pod, action.host.as_deref(), addresses)?;
            return Ok(tcp::probe(&host, port_number(container, &action.port)?, timeout).await);
        }
        if let Some(action) = &spec.grpc {
            let host = target_host(pod, None, addresses)?;
            let port = u16::try_from(action.port).map_err(|_| "invalid port number".to_owned())?;
            return Ok(grpc::probe(&host, port, action.service.as_deref().unwrap_or(""), timeout).await);
        }
        Err(format!("missing probe handler for {}:{}", pod.full_name(), container.spec.name))
    };
    result.await.unwrap_or_else(ProbeOutcome::Error)
}

/// The host to ask: the handler's own, else the pod's address.
///
/// # Errors
/// If the pod has no address yet.
pub fn target_host(pod: &PodView, own: Option<&str>, addresses: &Addresses) -> Result<String, String> {
    match own.filter(|host| !host.is_empty()) {
        Some(host) => Ok(host.to_owned()),
        None => addresses
            .pod
            .first()
            .map(ToString::to_string)
            .ok_or_else(|| format!("failed to find networking container for {}", pod.full_name())),
    }
}

/// A port by number or by the name that the container gives it.
///
/// # Errors
/// Upstream's text if there is none.
pub fn port_number(container: ContainerView<'_>, port: &IntOrString) -> Result<u16, String> {
    let invalid = |number: i64| format!("invalid port number: {number}");
    match port {
        IntOrString::Int(number) => {
            u16::try_from(*number).ok().filter(|n| *n > 0).ok_or_else(|| invalid(i64::from(*number)))
        }
        IntOrString::String(name) => {
            let named = container.spec.ports.iter().flatten().find(|p| p.name.as_deref() == Some(name));
            match named.map(|p| p.container_port).or_else(|| name.parse().ok()) {
                Some(number) => u16::try_from(number).map_err(|_| invalid(i64::from(number))),
                None => Err(format!("couldn't find port: {name} in container {}", container.spec.name)),
            }
        }
    }
}
