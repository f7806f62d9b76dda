//! Takes down what a pod used, and later everything that is left of it.

use super::super::{Agent, PodContext};
use crate::names::POD_UID;
use crate::pod::PodView;
use crate::volumes;
use crate::worker::Failure;
use skiff_cri::v1::{PodSandbox, PodSandboxFilter};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;
use std::sync::PoisonError;

fn failed(what: &str) -> impl Fn(String) -> Failure + '_ {
    move |message| Failure::new(what, message)
}

fn selector(uid: &str) -> HashMap<String, String> {
    HashMap::from([(POD_UID.to_owned(), uid.to_owned())])
}

async fn sandboxes(agent: &Agent, uid: &str) -> Result<Vec<PodSandbox>, Failure> {
    let filter = PodSandboxFilter { label_selector: selector(uid), ..PodSandboxFilter::default() };
    agent.runtime.list_pod_sandbox(filter).await.map_err(|e| failed("KillPodSandboxError")(e.message))
}

/// Stops sandboxes and removes volumes and cgroup. Records of containers and logs stay.
///
/// # Errors
/// If something is still in use; the task is run again.
pub async fn tear_down(context: &PodContext, pod: &PodView) -> Result<(), Failure> {
    let agent = &context.agent;
    for sandbox in sandboxes(agent, pod.uid()).await? {
        agent
            .runtime
            .stop_pod_sandbox(sandbox.id)
            .await
            .map_err(|e| failed("KillPodSandboxError")(e.message))?;
    }
    context.objects.follow(Vec::new());
    *context.mounted.lock().unwrap_or_else(PoisonError::into_inner) = BTreeMap::new();
    *context.refresh_at.lock().unwrap_or_else(PoisonError::into_inner) = None;
    let pod_dir = agent.pod_dir(pod);
    agent.tokens.forget(&pod_dir);
    blocking(move || volumes::tear_down(&pod_dir)).await.map_err(failed("FailedUnmount"))?;
    agent.cgroups.remove_pod(pod.uid()).map_err(|error| failed("FailedToRemoveCgroup")(error.to_string()))
}

/// Removes sandboxes, containers, logs and the pod's directory.
///
/// # Errors
/// If something cannot be removed; the task is run again.
pub async fn purge(agent: &Agent, pod: &PodView) -> Result<(), Failure> {
    for sandbox in sandboxes(agent, pod.uid()).await? {
        agent
            .runtime
            .remove_pod_sandbox(sandbox.id)
            .await
            .map_err(|e| failed("KillPodSandboxError")(e.message))?;
    }
    // A runtime may make the group anew while it stops.
    agent.cgroups.remove_pod(pod.uid()).map_err(|error| failed("FailedToRemoveCgroup")(error.to_string()))?;
    let dirs = [agent.log_dir(pod), agent.pod_dir(pod)];
    let links = agent.config.container_logs_dir.clone();
    let removed = blocking(move || {
        volumes::tear_down(&dirs[1])?;
        if let Some(links) = links {
            remove_links(&links, &dirs[0])?;
        }
        dirs.iter().try_for_each(|dir| match std::fs::remove_dir_all(dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
    });
    removed.await.map_err(failed("FailedToRemovePodDirectory"))
}

/// Removes the links to a pod's logs. They are found by where they lead, so that no container needs to be known any more.
fn remove_links(links: &Path, logs: &Path) -> io::Result<()> {
    let entries = match std::fs::read_dir(links) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let link = entry?.path();
        if std::fs::read_link(&link).is_ok_and(|target| target.starts_with(logs)) {
            std::fs::remove_file(&link)?;
        }
    }
    Ok(())
}

async fn blocking(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> Result<(), String> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}
