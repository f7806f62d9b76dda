//! The phase of a pod: upstream's `getPhase`.

use super::containers::{State, Summary};
use crate::pod::{PodView, Role};

/// The phase that these containers make. `ended` tells that no container will start again.
pub fn phase(pod: &PodView, summary: &Summary, ended: bool) -> &'static str {
    let never = pod.restart_policy() == "Never";
    let mut pending_init = false;
    for container in &summary.init {
        match (container.role, container.state) {
            (Role::Sidecar, _) => pending_init |= !ended && !container.started && !container.ended_before,
            (_, State::Terminated(0)) => {}
            (_, State::Terminated(_)) if never || ended => return "Failed",
            (_, State::Waiting) if never && container.ended_before => return "Failed",
            _ => pending_init = true,
        }
    }
    let (mut running, mut waiting, mut stopped, mut succeeded) = (0, 0, 0, 0);
    for container in &summary.regular {
        match container.state {
            State::Running => running += 1,
            State::Terminated(code) => {
                stopped += 1;
                succeeded += usize::from(code == 0);
            }
            State::Waiting if container.ended_before => stopped += 1,
            State::Waiting => waiting += 1,
        }
    }
    let completed = if stopped == succeeded { "Succeeded" } else { "Failed" };
    if ended {
        // A pod whose containers never ran did not succeed.
        return if stopped > 0 && waiting == 0 { completed } else { "Failed" };
    }
    if pending_init || waiting > 0 {
        "Pending"
    } else if running > 0 || stopped == 0 {
        if running > 0 { "Running" } else { "Pending" }
    } else {
        match pod.restart_policy() {
            "Always" => "Running",
            "Never" => completed,
            _ if stopped == succeeded => "Succeeded",
            _ => "Running",
        }
    }
}
