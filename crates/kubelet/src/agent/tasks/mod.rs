//! The tasks of a pod's worker, one file each: what they do to the machine and the runtime.
//!
//! A task may be dropped at any await: the next observation shows what it left, and the worker goes on from there.

pub mod cleanup;
pub mod hooks;
pub mod images;
pub mod kill;
pub mod probe;
pub mod sandbox;
pub mod set_up;
pub mod start;

use super::PodContext;
use crate::pod::PodView;
use crate::pod::field_ref::Addresses;
use crate::worker::{Failure, Task};

/// Runs a task.
///
/// # Errors
/// Why it failed, in the words of the pod's status.
pub async fn run(
    context: &PodContext,
    pod: &PodView,
    task: &Task,
    addresses: Addresses,
) -> Result<(), Failure> {
    match task {
        Task::SetUpVolumes => set_up::set_up(context, pod).await,
        Task::CreateSandbox { attempt } => sandbox::create(&context.agent, pod, *attempt).await,
        Task::StopSandbox { id } => sandbox::stop(&context.agent, id).await,
        Task::StartContainer { name, sandbox, restart_count, may_pull } => {
            let order =
                start::StartOrder { name, sandbox, restart_count: *restart_count, may_pull: *may_pull };
            start::start(context, pod, order, addresses).await
        }
        Task::TearDown => cleanup::tear_down(context, pod).await,
        Task::Purge => cleanup::purge(&context.agent, pod).await,
    }
}
