//! Container statuses of a pod.

use super::{StatusInput, Waiting};
use crate::names::{CONTAINER_ID_SCHEME, reason};
use crate::pod::{ContainerView, Role};
use crate::worker::decide::should_start;
use crate::worker::runtime::{ContainerRecord, ContainerState};
use jiff::Timestamp;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, doc};

/// One container's status with what the pod's phase and conditions ask about it.
#[derive(Debug, Clone)]
pub struct ContainerSummary {
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// Its state.
    pub state: State,
    /// Whether an earlier run of it ended.
    pub ended_before: bool,
    /// Whether it is ready.
    pub ready: bool,
    /// Whether it started up.
    pub started: bool,
    /// The API object.
    pub document: Document,
}

/// What a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Waits to be started.
    Waiting,
    /// Runs.
    Running,
    /// Ended with this code.
    Terminated(i32),
}

/// All containers of a pod.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Init containers and sidecars.
    pub init: Vec<ContainerSummary>,
    /// `spec.containers`.
    pub regular: Vec<ContainerSummary>,
    /// Debugging containers.
    pub ephemeral: Vec<ContainerSummary>,
}

/// Computes the statuses of all containers.
pub fn summarize(input: &StatusInput<'_>) -> Summary {
    let pod = input.pod;
    Summary {
        init: pod.init_containers().map(|c| container_status(input, c)).collect(),
        regular: pod.regular_containers().map(|c| container_status(input, c)).collect(),
        ephemeral: pod.ephemeral_containers().map(|c| container_status(input, c)).collect(),
    }
}

fn container_status(input: &StatusInput<'_>, container: ContainerView<'_>) -> ContainerSummary {
    let name = &container.spec.name;
    let record = input.runtime.latest(name);
    let waiting = input.waiting.get(name);
    let view = StateView::of(input, container, record, waiting);
    let running = view.state == State::Running;
    let started = match container.role {
        Role::Init => matches!(view.state, State::Running),
        _ => running && input.probes.started(container),
    };
    let ready = match container.role {
        Role::Init => view.state == State::Terminated(0),
        Role::Ephemeral => false,
        Role::Sidecar | Role::Regular => running && input.probes.ready(container),
    };
    let known = known_status(input, name);
    let restart_count = match record {
        Some(record) => i64::from(record.restart_count),
        None => known.and_then(|k| k.i64_at(&["restartCount"])).unwrap_or(0),
    };
    let mut document = doc!({
        "name": name.as_str(),
        "state": view.current,
        "lastState": view.last,
        "ready": ready,
        "restartCount": restart_count,
        "image": record.map_or(container.spec.image.as_deref().unwrap_or(""), |r| r.image.as_str()),
        "imageID": record.map_or("", |r| r.image_id.as_str())
    });
    if let Some(record) = record {
        document.insert("containerID", container_id(&record.id));
    }
    document.insert("started", started);
    spec_parts(input, container, record, &mut document);
    ContainerSummary {
        name: name.clone(),
        role: container.role,
        state: view.state,
        ended_before: view.ended_before,
        ready,
        started,
        document,
    }
}

/// Resources, mounts and user, as the status repeats them.
fn spec_parts(
    input: &StatusInput<'_>,
    container: ContainerView<'_>,
    record: Option<&ContainerRecord>,
    out: &mut Document,
) {
    if container.role == Role::Ephemeral {
        return;
    }
    let spec = input
        .pod
        .object()
        .array_at(&["spec", if container.role == Role::Regular { "containers" } else { "initContainers" }])
        .iter()
        .find(|c| c.str_at(&["name"]) == container.spec.name);
    if let Some(record) = record {
        if let Some(requests) = spec.and_then(|s| s.at(&["resources", "requests"])).filter(|r| !r.is_empty())
        {
            out.insert("allocatedResources", requests);
        }
        let resources = spec.and_then(|s| s.at(&["resources"])).cloned().unwrap_or_else(Document::object);
        if record.state == ContainerState::Running {
            out.insert("resources", resources);
        }
        if let Some((uid, gid, groups)) = &record.user {
            out.insert(
                "user",
                doc!({"linux": {"uid": *uid, "gid": *gid, "supplementalGroups": groups.clone()}}),
            );
        }
    }
    let mounts: Vec<Document> = container
        .spec
        .volume_mounts
        .iter()
        .flatten()
        .map(|mount| {
            let mut one = doc!({"name": mount.name.as_str(), "mountPath": mount.mount_path.as_str()});
            if mount.read_only == Some(true) {
                one.insert("readOnly", true);
                one.insert("recursiveReadOnly", mount.recursive_read_only.as_deref().unwrap_or("Disabled"));
            }
            one
        })
        .collect();
    if !mounts.is_empty() {
        out.insert("volumeMounts", mounts);
    }
}

/// `skiff://<id>`.
pub fn container_id(id: &str) -> String {
    format!("{CONTAINER_ID_SCHEME}{id}")
}

struct StateView {
    state: State,
    ended_before: bool,
    current: Document,
    last: Document,
}

impl StateView {
    fn of(
        input: &StatusInput<'_>,
        container: ContainerView<'_>,
        record: Option<&ContainerRecord>,
        waiting: Option<&Waiting>,
    ) -> Self {
        let name = &container.spec.name;
        let earlier = input.runtime.previous(name).filter(|r| r.is_exited()).map(terminated);
        let known_last =
            || known_status(input, name).and_then(|k| k.get("lastState")).filter(|s| !s.is_empty()).cloned();
        let last = || earlier.clone().or_else(known_last).unwrap_or_else(Document::object);
        let Some(record) = record else { return Self::without_record(input, container, waiting, last()) };
        match record.state {
            ContainerState::Running => Self {
                state: State::Running,
                ended_before: false,
                current: doc!({"running": {"startedAt": format_time(record.started_at.unwrap_or(input.now))}}),
                last: last(),
            },
            ContainerState::Exited => {
                let restarts = !input.ended && should_start(input.pod, container, Some(record));
                match waiting.filter(|_| restarts) {
                    Some(waiting) => Self {
                        state: State::Waiting,
                        ended_before: true,
                        current: waiting_state(waiting),
                        last: terminated(record),
                    },
                    None => Self {
                        state: State::Terminated(record.exit_code),
                        ended_before: true,
                        current: terminated(record),
                        last: last(),
                    },
                }
            }
            ContainerState::Created | ContainerState::Unknown => {
                Self::without_record(input, container, waiting, last())
            }
        }
    }

    fn without_record(
        input: &StatusInput<'_>,
        container: ContainerView<'_>,
        waiting: Option<&Waiting>,
        last: Document,
    ) -> Self {
        if input.ended
            && container.role != Role::Ephemeral
            && let Some(known) = known_status(input, &container.spec.name)
        {
            let code = known.i64_at(&["state", "terminated", "exitCode"]);
            if let Some(code) = code.and_then(|code| i32::try_from(code).ok()) {
                let current = known.get("state").cloned().unwrap_or_else(Document::object);
                return Self { state: State::Terminated(code), ended_before: true, current, last };
            }
            if known.at(&["state", "running"]).is_some() {
                return Self::lost(last);
            }
        }
        let ended_before = !last.is_empty();
        let default_reason =
            if container.role == Role::Regular && input.pod.init_containers().next().is_some() {
                reason::POD_INITIALIZING
            } else {
                reason::CONTAINER_CREATING
            };
        let current = match waiting {
            Some(waiting) => waiting_state(waiting),
            None => doc!({"waiting": {"reason": default_reason}}),
        };
        Self { state: State::Waiting, ended_before, current, last }
    }

    /// A container that ran when it was last seen and of which nothing is left.
    fn lost(last: Document) -> Self {
        let current = doc!({"terminated": {
            "exitCode": 137, "reason": "ContainerStatusUnknown",
            "message": "The container could not be located when the pod was terminated",
            "startedAt": null, "finishedAt": null
        }});
        Self { state: State::Terminated(137), ended_before: true, current, last }
    }
}

/// What the API has for a container.
fn known_status<'a>(input: &StatusInput<'a>, name: &str) -> Option<&'a Document> {
    ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"]
        .iter()
        .flat_map(|list| input.pod.object().array_at(&["status", list]))
        .find(|status| status.str_at(&["name"]) == name)
}

fn waiting_state(waiting: &Waiting) -> Document {
    let mut state = doc!({"reason": waiting.reason.as_str()});
    if !waiting.message.is_empty() {
        state.insert("message", waiting.message.as_str());
    }
    doc!({"waiting": state})
}

fn terminated(record: &ContainerRecord) -> Document {
    let reason = match record.reason.as_str() {
        "" if record.exit_code == 0 => "Completed",
        "" => "Error",
        reason => reason,
    };
    let time = |at: Option<Timestamp>| at.map(format_time);
    let mut state = doc!({"exitCode": record.exit_code, "reason": reason});
    if !record.message.is_empty() {
        state.insert("message", record.message.as_str());
    }
    state.insert("startedAt", time(record.started_at));
    state.insert("finishedAt", time(record.finished_at));
    state.insert("containerID", container_id(&record.id));
    doc!({"terminated": state})
}
