//! Which containers of a pod to stop and which to start, given what runs: upstream's `computePodActions`.

use super::probes::{ProbeKind, Probes};
use super::runtime::{ContainerRecord, ContainerState, PodRuntime};
use crate::pod::{ContainerView, PodView, Role};

/// A container to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KillOrder {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Why, as the event says it.
    pub message: String,
    /// The probe whose grace period counts, if a probe asks.
    pub probe: Option<ProbeKind>,
}

/// What is to be done in a ready sandbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// Containers to stop.
    pub kill: Vec<KillOrder>,
    /// Containers to start, in this order.
    pub start: Vec<String>,
    /// Nothing runs and nothing will: the pod is at its end.
    pub finished: bool,
}

/// Decides for the containers of a sandbox.
pub fn decide(pod: &PodView, runtime: &PodRuntime, sandbox: &str, probes: &Probes) -> Decision {
    let mut out = Decision::default();
    let began = pod.regular_containers().any(|c| runtime.latest_in(sandbox, &c.spec.name).is_some());
    let initialized = match init_progress(pod, runtime, sandbox, probes, began, &mut out) {
        InitProgress::Done => true,
        InitProgress::Waiting => false,
        InitProgress::Failed => return Decision { finished: true, ..Decision::default() },
    };
    if !initialized && !began {
        return out;
    }
    ephemeral(pod, runtime, sandbox, &mut out);
    if !initialized {
        return out;
    }
    let before = out.start.len();
    let mut kept = 0;
    for container in pod.regular_containers() {
        let record = runtime.latest_in(sandbox, &container.spec.name);
        match record {
            Some(record) if record.is_running() => match kill_order(pod, container, record, probes) {
                Some(order) => out.kill.push(order),
                None => kept += 1,
            },
            Some(record) if record.state == ContainerState::Unknown => {
                out.kill.push(KillOrder {
                    id: record.id.clone(),
                    name: record.name.clone(),
                    message: format!("Container is in {:?} state, try killing it before restart", "unknown"),
                    probe: None,
                });
            }
            _ if should_start(pod, container, record) => out.start.push(container.spec.name.clone()),
            _ => {}
        }
    }
    // Sidecars and debugging containers do not keep a pod alive.
    let stopping =
        || out.kill.iter().any(|order| pod.regular_containers().any(|c| c.spec.name == order.name));
    if kept == 0 && out.start.len() == before && !stopping() {
        return Decision { finished: true, ..Decision::default() };
    }
    out
}

enum InitProgress {
    Done,
    Waiting,
    Failed,
}

fn init_progress(
    pod: &PodView,
    runtime: &PodRuntime,
    sandbox: &str,
    probes: &Probes,
    began: bool,
    out: &mut Decision,
) -> InitProgress {
    for container in pod.init_containers() {
        let record = runtime.latest_in(sandbox, &container.spec.name);
        let running = record.filter(|record| record.is_running());
        if container.role == Role::Sidecar {
            match running {
                Some(record) => {
                    if let Some(order) = kill_order(pod, container, record, probes) {
                        out.kill.push(order);
                    }
                    if !began && !probes.started(container) {
                        return InitProgress::Waiting;
                    }
                }
                None => {
                    out.start.push(container.spec.name.clone());
                    if !began {
                        return InitProgress::Waiting;
                    }
                }
            }
            continue;
        }
        if began || record.is_some_and(|r| r.is_exited() && r.exit_code == 0) {
            continue;
        }
        return match record {
            Some(record) if record.is_running() => InitProgress::Waiting,
            Some(record) if record.is_exited() && pod.restart_policy() == "Never" => InitProgress::Failed,
            _ => {
                out.start.push(container.spec.name.clone());
                InitProgress::Waiting
            }
        };
    }
    InitProgress::Done
}

fn ephemeral(pod: &PodView, runtime: &PodRuntime, sandbox: &str, out: &mut Decision) {
    let missing = pod.ephemeral_containers().filter(|c| runtime.latest_in(sandbox, &c.spec.name).is_none());
    out.start.extend(missing.map(|c| c.spec.name.clone()));
}

/// Why a running container must stop, if it must.
fn kill_order(
    pod: &PodView,
    container: ContainerView<'_>,
    record: &ContainerRecord,
    probes: &Probes,
) -> Option<KillOrder> {
    let name = &container.spec.name;
    let (message, probe, restart) = if record.hash != container.hash() {
        (format!("Container {name} definition changed"), None, true)
    } else {
        let kind = probes.failed(name, &record.id)?;
        let what = if kind == ProbeKind::Startup { "startup" } else { "liveness" };
        let restart = container.role == Role::Sidecar || pod.restart_policy() != "Never";
        (format!("Container {name} failed {what} probe"), Some(kind), restart)
    };
    Some(KillOrder {
        id: record.id.clone(),
        name: name.clone(),
        message: if restart { format!("{message}, will be restarted") } else { message },
        probe,
    })
}

/// Whether a container that does not run is to be started.
pub fn should_start(pod: &PodView, container: ContainerView<'_>, record: Option<&ContainerRecord>) -> bool {
    let Some(record) = record else { return true };
    if !record.is_exited() {
        return record.state == ContainerState::Created;
    }
    if container.role == Role::Ephemeral {
        return false;
    }
    let code = record.exit_code;
    let policy = match container.spec.restart_policy.as_deref() {
        Some(policy) if container.role != Role::Init => {
            if rules_restart(container, code) {
                return true;
            }
            policy
        }
        _ => pod.restart_policy(),
    };
    match policy {
        "Never" => false,
        "OnFailure" => code != 0,
        _ => container.role != Role::Init || code != 0,
    }
}

/// Whether one of the container's own restart rules asks for a restart at this exit code.
fn rules_restart(container: ContainerView<'_>, code: i32) -> bool {
    container.spec.restart_policy_rules.iter().flatten().any(|rule| {
        rule.action == "Restart"
            && rule.exit_codes.as_ref().is_some_and(|codes| {
                let listed = codes.values.iter().flatten().any(|value| *value == code);
                if codes.operator == "NotIn" { !listed } else { listed }
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pod::testing::pod;
    use skiff_apimachinery::{Document, doc};

    /// `name=running`, `name=exited:CODE`, `name=created`.
    fn runtime(pod: &PodView, states: &str) -> PodRuntime {
        let containers = states.split_whitespace().map(|text| {
            let (name, state) = text.split_once('=').unwrap();
            let (state, code) = state.split_once(':').unwrap_or((state, "0"));
            ContainerRecord {
                id: format!("id-{name}"),
                sandbox_id: "s".into(),
                name: name.into(),
                hash: pod.container(name).unwrap().hash(),
                state: match state {
                    "running" => ContainerState::Running,
                    "exited" => ContainerState::Exited,
                    _ => ContainerState::Created,
                },
                exit_code: code.parse().unwrap(),
                ..ContainerRecord::default()
            }
        });
        PodRuntime { containers: containers.collect(), ..PodRuntime::default() }
    }

    fn outcome(spec: Document, states: &str) -> String {
        let pod = pod(spec, doc!({}));
        let decision = decide(&pod, &runtime(&pod, states), "s", &Probes::default());
        if decision.finished { "finished".into() } else { decision.start.join(" ") }
    }

    #[test]
    fn containers_start_in_upstream_s_order() {
        let plain =
            |policy: &str| doc!({"restartPolicy": policy, "containers": [{"name": "a"}, {"name": "b"}]});
        let init = |policy: &str| {
            doc!({"restartPolicy": policy, "containers": [{"name": "a"}],
                "initContainers": [{"name": "i"}, {"name": "s", "restartPolicy": "Always"}, {"name": "j"}]})
        };
        for (spec, states, want) in [
            (plain("Always"), "", "a b"),
            (plain("Always"), "a=running b=exited:0", "b"),
            (plain("OnFailure"), "a=exited:0 b=exited:1", "b"),
            (plain("OnFailure"), "a=exited:0 b=exited:0", "finished"),
            (plain("Never"), "a=exited:1 b=running", ""),
            (plain("Never"), "a=exited:1 b=exited:0", "finished"),
            (init("Always"), "", "i"),
            (init("Always"), "i=running", ""),
            (init("Always"), "i=exited:1", "i"),
            (init("Never"), "i=exited:1", "finished"),
            (init("Always"), "i=exited:0", "s"),
            (init("Always"), "i=exited:0 s=running", "j"),
            (init("Always"), "i=exited:0 s=running j=exited:0", "a"),
            (init("Always"), "i=exited:0 s=exited:0 j=exited:0 a=running", "s"),
            (init("Never"), "i=exited:0 s=running j=exited:0 a=exited:0", "finished"),
        ] {
            assert_eq!(outcome(spec.clone(), states), want, "{spec} with {states:?}");
        }
    }

    #[test]
    fn own_rules_restart_a_container_of_a_pod_that_never_does() {
        let spec = doc!({"restartPolicy": "Never", "containers": [{"name": "a", "restartPolicy": "Never",
            "restartPolicyRules": [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]}]});
        assert_eq!(outcome(spec.clone(), "a=exited:42"), "a");
        assert_eq!(outcome(spec, "a=exited:1"), "finished");
    }

    #[test]
    fn a_changed_image_replaces_the_container() {
        let pod = pod(doc!({"containers": [{"name": "a", "image": "new"}]}), doc!({}));
        let mut runtime = runtime(&pod, "a=running");
        runtime.containers[0].hash = "old".into();
        let decision = decide(&pod, &runtime, "s", &Probes::default());
        assert_eq!(decision.kill[0].message, "Container a definition changed, will be restarted");
    }
}
