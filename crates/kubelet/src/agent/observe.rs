//! Asks the runtime what it has of a pod.

use super::Agent;
use crate::names::{
    CONTAINER_HASH, POD_UID, RESTART_COUNT, TERMINATION_MESSAGE_FILE, TERMINATION_MESSAGE_POLICY,
};
use crate::worker::runtime::{ContainerRecord, ContainerState, PodRuntime, Sandbox};
use jiff::Timestamp;
use skiff_cri::v1;
use skiff_cri::{Code, CriResult};
use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};
use std::net::IpAddr;
use std::path::Path;

/// Longest termination message, and the part of a log that stands in for one.
const MESSAGE_BYTES: u64 = 4096;
const LOG_TAIL_BYTES: u64 = 2048;
const LOG_TAIL_LINES: usize = 80;

/// What the runtime has of a pod now.
///
/// # Errors
/// If the runtime does not answer.
pub async fn observe(agent: &Agent, uid: &str) -> CriResult<PodRuntime> {
    let sequence = agent.next_sequence();
    let selector = HashMap::from([(POD_UID.to_owned(), uid.to_owned())]);
    let filter = v1::PodSandboxFilter { label_selector: selector.clone(), ..Default::default() };
    let mut out = PodRuntime { sequence, ..PodRuntime::default() };
    for item in agent.runtime.list_pod_sandbox(filter).await? {
        match agent.runtime.pod_sandbox_status(item.id).await {
            Ok(status) => out.sandboxes.push(sandbox(status)),
            // Removed since it was listed.
            Err(error) if error.code == Code::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    let filter = v1::ContainerFilter { label_selector: selector, ..Default::default() };
    for item in agent.runtime.list_containers(filter).await? {
        match agent.runtime.container_status(item.id).await {
            Ok(status) => out.containers.push(container(status, item.pod_sandbox_id)),
            Err(error) if error.code == Code::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    out.sort();
    Ok(out)
}

fn sandbox(status: v1::PodSandboxStatus) -> Sandbox {
    let network = status.network.unwrap_or_default();
    let additional = network.additional_ips.iter().map(|ip| ip.ip.as_str());
    let ips =
        std::iter::once(network.ip.as_str()).chain(additional).filter_map(|ip| ip.parse::<IpAddr>().ok());
    Sandbox {
        ready: status.state == i32::from(v1::PodSandboxState::SandboxReady),
        attempt: status.metadata.unwrap_or_default().attempt,
        ips: ips.collect(),
        id: status.id,
    }
}

fn container(status: v1::ContainerStatus, sandbox_id: String) -> ContainerRecord {
    let state = match v1::ContainerState::try_from(status.state) {
        Ok(v1::ContainerState::ContainerCreated) => ContainerState::Created,
        Ok(v1::ContainerState::ContainerRunning) => ContainerState::Running,
        Ok(v1::ContainerState::ContainerExited) => ContainerState::Exited,
        _ => ContainerState::Unknown,
    };
    let metadata = status.metadata.clone().unwrap_or_default();
    let annotation = |key: &str| status.annotations.get(key).map(String::as_str);
    let image = status.image.clone().unwrap_or_default();
    let message = if state == ContainerState::Exited { termination_message(&status) } else { String::new() };
    ContainerRecord {
        sandbox_id,
        name: metadata.name,
        restart_count: annotation(RESTART_COUNT).and_then(|n| n.parse().ok()).unwrap_or(metadata.attempt),
        hash: annotation(CONTAINER_HASH).unwrap_or("").to_owned(),
        state,
        started_at: time(status.started_at),
        finished_at: time(status.finished_at),
        exit_code: status.exit_code,
        message,
        image: if image.user_specified_image.is_empty() { image.image } else { image.user_specified_image },
        image_id: status.image_ref,
        user: status.user.and_then(|user| user.linux).map(|u| (u.uid, u.gid, u.supplemental_groups)),
        reason: status.reason,
        id: status.id,
    }
}

/// CRI times are nanoseconds; 0 is none.
fn time(nanoseconds: i64) -> Option<Timestamp> {
    Some(nanoseconds).filter(|n| *n > 0).and_then(|n| Timestamp::from_nanosecond(n.into()).ok())
}

/// What the container left in its message file; the end of its log if the policy says so; else the runtime's text.
fn termination_message(status: &v1::ContainerStatus) -> String {
    let annotation = |key: &str| status.annotations.get(key).map(String::as_str);
    let own = annotation(TERMINATION_MESSAGE_FILE)
        .and_then(|file| tail(Path::new(file), MESSAGE_BYTES))
        .unwrap_or_default();
    if !own.is_empty() {
        return own;
    }
    let from_log =
        annotation(TERMINATION_MESSAGE_POLICY) == Some("FallbackToLogsOnError") && status.exit_code != 0;
    let log = if from_log { log_tail(Path::new(&status.log_path)) } else { String::new() };
    if log.is_empty() { status.message.clone() } else { log }
}

fn tail(file: &Path, bytes: u64) -> Option<String> {
    let mut file = std::fs::File::open(file).ok()?;
    let size = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(bytes))).ok()?;
    let mut out = Vec::new();
    file.take(bytes).read_to_end(&mut out).ok()?;
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// The end of a log in CRI's format, without times and stream names.
fn log_tail(file: &Path) -> String {
    let text = tail(file, LOG_TAIL_BYTES * 4).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter_map(|line| line.splitn(4, ' ').nth(3)).collect();
    let kept = lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n");
    let text = if kept.is_empty() { kept } else { kept + "\n" };
    let start = text.len().saturating_sub(usize::try_from(LOG_TAIL_BYTES).unwrap_or(usize::MAX));
    let start = (start..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text[start..].to_owned()
}
