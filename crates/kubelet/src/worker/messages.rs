//! What a worker hears and what it asks for.

use super::probes::{ProbeOutcome, ProbeRequest};
use super::runtime::PodRuntime;
use crate::pod::PodView;
use jiff::Timestamp;
use skiff_apimachinery::Document;
use std::sync::Arc;

/// Something that happened to a pod.
#[derive(Debug)]
pub enum Event {
    /// The pod changed in the API.
    Changed(Arc<PodView>),
    /// The pod is gone from the API.
    Gone,
    /// What the runtime has of the pod.
    Observed(PodRuntime),
    /// The runtime tells that something about the pod changed.
    RuntimeChanged,
    /// Objects that the pod's volumes show changed.
    VolumesChanged,
    /// A task ended; with what the runtime has after it.
    TaskDone(Task, Result<(), Failure>, Option<PodRuntime>),
    /// A kill ended; with what the runtime has after it.
    Killed(String, Option<PodRuntime>),
    /// A probe ended.
    Probed(ProbeRequest, ProbeOutcome),
    /// The time that was asked for has come.
    Tick,
}

/// Something to do for a pod.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Ask the runtime what it has of the pod.
    Observe,
    /// Run a task; its end is [`Event::TaskDone`].
    Run(Task),
    /// Abort the running task; its end is told all the same.
    CancelTask,
    /// Stop a container; its end is [`Event::Killed`].
    Kill(Kill),
    /// Run a probe; its end is [`Event::Probed`].
    Probe(ProbeRequest),
    /// Tell people.
    Tell(Tell),
    /// Make this the pod's status in the API.
    Report(Document),
    /// Remove the pod from the API, after the status was reported.
    DeleteFromApi,
    /// The worker's end.
    Finish,
}

/// A step that excludes others of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Make or refresh the pod's directory, cgroup and volumes.
    SetUpVolumes,
    /// Make a sandbox.
    CreateSandbox {
        /// How many the pod had before.
        attempt: u32,
    },
    /// Stop a sandbox that is to be replaced.
    StopSandbox {
        /// Its id.
        id: String,
    },
    /// Pull the image if need be, create and start a container, run its postStart hook.
    StartContainer {
        /// Name in the pod.
        name: String,
        /// The sandbox to start it in.
        sandbox: String,
        /// How often it was restarted before.
        restart_count: u32,
        /// Whether an image that is missing may be pulled now.
        may_pull: bool,
    },
    /// Stop sandboxes, take down volumes and cgroup; containers and logs stay for people to look at.
    TearDown,
    /// Remove everything that is left: sandboxes, containers, logs, directory.
    Purge,
}

/// A container to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kill {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Seconds from preStop hook to SIGKILL.
    pub grace: i64,
}

/// Why a task failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The reason as a container's status shows it.
    pub reason: String,
    /// Text for people.
    pub message: String,
}

/// An event for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tell {
    /// Name of the container that it is about; empty for the pod.
    pub container: String,
    /// Whether it is a warning.
    pub warning: bool,
    /// Reason.
    pub reason: &'static str,
    /// Text.
    pub message: String,
}

/// What a step asks for.
#[derive(Debug, Default, PartialEq)]
pub struct Reaction {
    /// What to do, in this order.
    pub actions: Vec<Action>,
    /// When to send [`Event::Tick`] if nothing else happens before.
    pub wake_at: Option<Timestamp>,
}

impl Failure {
    /// From its parts.
    pub fn new(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { reason: reason.into(), message: message.into() }
    }
}
