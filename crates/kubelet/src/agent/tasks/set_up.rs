//! Makes a pod's directories, cgroup and volumes, and follows what the volumes show.

use super::super::PodContext;
use crate::names::reason;
use crate::pod::PodView;
use crate::volumes::{self, Place};
use crate::worker::Failure;
use skiff_client::events::EventType;
use std::sync::PoisonError;

/// Makes or refreshes everything that containers of the pod rely on.
///
/// # Errors
/// The first volume that cannot be set up; told as an event before.
pub async fn set_up(context: &PodContext, pod: &PodView) -> Result<(), Failure> {
    let agent = &context.agent;
    let pod_dir = agent.pod_dir(pod);
    make_dirs(&pod_dir).map_err(|error| {
        let text = format!("error making pod data directories: {error}");
        agent.tell(pod, "", EventType::Warning, "FailedToMakePodDataDirectories", text.clone());
        Failure::new("FailedToMakePodDataDirectories", text)
    })?;
    agent.cgroups.make_pod(pod).map_err(|error| {
        let text = format!(
            "failed to ensure that the pod: {} cgroups exist and are correctly applied: {error}",
            pod.uid()
        );
        agent.tell(pod, "", EventType::Warning, "FailedCreatePodContainer", text.clone());
        Failure::new("FailedCreatePodContainer", text)
    })?;
    // Followed before the first look, so that an object that appears ends the wait for it.
    context.objects.follow(volumes::references(pod));
    let place = |dir| Place {
        pod,
        dir,
        objects: &context.objects,
        client: &agent.client,
        tokens: &agent.tokens,
        allocatable: agent.allocatable(),
        now: agent.clock.now(),
    };
    match volumes::set_up(pod, &pod_dir, place).await {
        Ok(set_up) => {
            *context.mounted.lock().unwrap_or_else(PoisonError::into_inner) = set_up.mounted;
            *context.refresh_at.lock().unwrap_or_else(PoisonError::into_inner) = set_up.refresh_at;
            Ok(())
        }
        Err(failure) => {
            let text =
                format!("MountVolume.SetUp failed for volume {:?} : {}", failure.volume, failure.error);
            agent.tell(pod, "", EventType::Warning, reason::FAILED_MOUNT, text.clone());
            Err(Failure::new(reason::FAILED_MOUNT, text))
        }
    }
}

fn make_dirs(pod_dir: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o750);
    for name in ["volumes", "plugins", "containers"] {
        builder.create(pod_dir.join(name))?;
    }
    Ok(())
}
