//! Sends a pod's status to the API, and its removal.

use super::Agent;
use crate::pod::PodView;
use crate::status::patch::patch;
use skiff_apimachinery::{Document, Status};
use skiff_client::resources::PODS;
use skiff_client::{DeleteOptions, Object, PatchKind};

/// Makes a status the pod's in the API, by the smallest patch from what the API is known to have.
/// Returns the object as it is then; `None` if there was nothing to change.
///
/// # Errors
/// The API server's. NotFound and Conflict mean that this pod is no longer there.
pub async fn send_status(
    agent: &Agent,
    base: &Document,
    status: &Document,
) -> Result<Option<Object>, Status> {
    let Some(patch) = patch(base.uid(), &base["status"], status) else { return Ok(None) };
    let sent = agent
        .client
        .patch(&PODS, base.namespace(), base.name(), "status", PatchKind::Strategic, patch)
        .await?;
    Ok(Some(sent))
}

/// Removes the pod for good, if it still is the one with this UID.
///
/// # Errors
/// The API server's, except that it is gone already.
pub async fn delete(agent: &Agent, pod: &PodView) -> Result<(), Status> {
    let options = DeleteOptions {
        grace_period_seconds: Some(0),
        uid: Some(pod.uid().to_owned()),
        ..DeleteOptions::default()
    };
    match agent.client.delete(&PODS, pod.namespace(), pod.name(), &options).await {
        Err(status) if !status.is_not_found() && !status.is_conflict() => Err(status),
        _ => Ok(()),
    }
}

/// The newer of two states of an object; resourceVersions of this API are decimal and grow.
pub fn newer(a: Object, b: Object) -> Object {
    let version = |object: &Document| object.resource_version().parse::<u64>().unwrap_or(0);
    if version(&b) > version(&a) { b } else { a }
}
