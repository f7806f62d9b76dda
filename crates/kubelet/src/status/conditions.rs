//! The conditions that a kubelet owns: PodReadyToStartContainers, Initialized, Ready, ContainersReady.

use super::StatusInput;
use super::containers::{ContainerSummary, State, Summary};
use crate::pod::Role;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, doc};

/// A condition without its times.
struct Verdict {
    status: bool,
    reason: &'static str,
    message: String,
}

impl Verdict {
    fn yes() -> Self {
        Self { status: true, reason: "", message: String::new() }
    }

    fn no(reason: &'static str, message: impl Into<String>) -> Self {
        Self { status: false, reason, message: message.into() }
    }
}

/// The conditions in upstream's order. A condition that did not change keeps its transition time.
pub fn conditions(input: &StatusInput<'_>, summary: &Summary, phase: &str) -> Document {
    let containers_ready = containers_ready(summary, phase);
    let verdicts = [
        ("PodReadyToStartContainers", sandbox_ready(input)),
        ("Initialized", initialized(summary, phase)),
        ("Ready", ready(input, &containers_ready, phase)),
        ("ContainersReady", containers_ready),
    ];
    verdicts.into_iter().map(|(name, verdict)| condition(input, name, &verdict)).collect()
}

fn sandbox_ready(input: &StatusInput<'_>) -> Verdict {
    match input.runtime.ready_sandbox(input.pod.host_network()) {
        Some(_) => Verdict::yes(),
        None => Verdict::no("", ""),
    }
}

fn initialized(summary: &Summary, phase: &str) -> Verdict {
    let began = summary.regular.iter().any(|c| c.state != State::Waiting || c.ended_before);
    let incomplete: Vec<&str> = summary
        .init
        .iter()
        .filter(|c| match c.role {
            Role::Sidecar => !c.started && !began,
            _ => !c.ready && !began,
        })
        .map(|c| c.name.as_str())
        .collect();
    match phase {
        "Succeeded" => Verdict { reason: "PodCompleted", ..Verdict::yes() },
        _ if incomplete.is_empty() => Verdict::yes(),
        _ => Verdict::no(
            "ContainersNotInitialized",
            format!("containers with incomplete status: [{}]", incomplete.join(" ")),
        ),
    }
}

fn containers_ready(summary: &Summary, phase: &str) -> Verdict {
    match phase {
        "Succeeded" => return Verdict::no("PodCompleted", ""),
        "Failed" => return Verdict::no("PodFailed", ""),
        _ => {}
    }
    let sidecars = summary.init.iter().filter(|c| c.role == Role::Sidecar);
    let unready: Vec<&str> = sidecars
        .chain(&summary.regular)
        .filter(|c: &&ContainerSummary| !c.ready)
        .map(|c| c.name.as_str())
        .collect();
    if unready.is_empty() {
        Verdict::yes()
    } else {
        Verdict::no("ContainersNotReady", format!("containers with unready status: [{}]", unready.join(" ")))
    }
}

fn ready(input: &StatusInput<'_>, containers: &Verdict, phase: &str) -> Verdict {
    if !containers.status || matches!(phase, "Succeeded" | "Failed") {
        return Verdict {
            status: containers.status,
            reason: containers.reason,
            message: containers.message.clone(),
        };
    }
    let known = input.pod.status().conditions.iter().flatten();
    let unmet: Vec<String> = input
        .pod
        .spec()
        .readiness_gates
        .iter()
        .flatten()
        .filter_map(|gate| {
            let name = &gate.condition_type;
            match known.clone().find(|c| c.type_ == *name) {
                Some(condition) if condition.status == "True" => None,
                Some(condition) => Some(format!(
                    "the status of pod readiness gate {name:?} is not \"True\", but {}",
                    condition.status
                )),
                None => {
                    Some(format!("corresponding condition of pod readiness gate {name:?} does not exist."))
                }
            }
        })
        .collect();
    if unmet.is_empty() { Verdict::yes() } else { Verdict::no("ReadinessGatesNotReady", unmet.join(", ")) }
}

fn condition(input: &StatusInput<'_>, name: &str, verdict: &Verdict) -> Document {
    let status = if verdict.status { "True" } else { "False" };
    let known = input
        .pod
        .object()
        .array_at(&["status", "conditions"])
        .iter()
        .find(|c| c.str_at(&["type"]) == name && c.str_at(&["status"]) == status);
    let since = known
        .map(|c| c.str_at(&["lastTransitionTime"]).to_owned())
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| format_time(input.now));
    let mut out = doc!({
        "type": name, "status": status, "observedGeneration": input.pod.object().generation(),
        "lastProbeTime": null, "lastTransitionTime": since
    });
    if !verdict.reason.is_empty() {
        out.insert("reason", verdict.reason);
    }
    if !verdict.message.is_empty() {
        out.insert("message", verdict.message.as_str());
    }
    out
}
