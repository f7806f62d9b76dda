//! A pod's status, computed from its spec, what runs, and what the worker knows. Pure.
//!
//! [`generate`] makes the whole status as this kubelet sees it; [`patch`] turns it into the smallest change of what the
//! API has, so that fields and conditions of others stay theirs.

pub mod conditions;
pub mod containers;
pub mod patch;
pub mod phase;

use crate::pod::PodView;
use crate::worker::probes::Probes;
use crate::worker::runtime::PodRuntime;
use jiff::Timestamp;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, doc};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Why a container waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Reason, such as `ImagePullBackOff`.
    pub reason: String,
    /// Text for people.
    pub message: String,
}

/// Why a whole pod failed: refused by admission, past its deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodFailure {
    /// Reason, such as `DeadlineExceeded`.
    pub reason: String,
    /// Text for people.
    pub message: String,
}

/// What a status is computed from.
pub struct StatusInput<'a> {
    /// The pod.
    pub pod: &'a PodView,
    /// What runs.
    pub runtime: &'a PodRuntime,
    /// Why containers wait, by name.
    pub waiting: &'a BTreeMap<String, Waiting>,
    /// Verdicts of probes.
    pub probes: &'a Probes,
    /// Whether the pod's containers have all ended and none will start again.
    pub ended: bool,
    /// Why the pod failed as a whole, if it did.
    pub failure: Option<&'a PodFailure>,
    /// Addresses of the node.
    pub host_ips: &'a [IpAddr],
    /// When the kubelet took the pod in.
    pub start_time: Timestamp,
    /// Now.
    pub now: Timestamp,
}

/// The status as this kubelet sees it, without fields that are the server's.
pub fn generate(input: &StatusInput<'_>) -> Document {
    let pod = input.pod;
    let summary = containers::summarize(input);
    let phase = match input.failure {
        Some(_) => "Failed",
        None => phase::phase(pod, &summary, input.ended),
    };
    let mut out = doc!({"observedGeneration": pod.object().generation(), "phase": phase});
    out.insert("conditions", conditions::conditions(input, &summary, phase));
    if let Some(failure) = input.failure {
        out.insert("reason", failure.reason.as_str());
        out.insert("message", failure.message.as_str());
    }
    addresses(&mut out, "host", input.host_ips);
    addresses(&mut out, "pod", &pod_ips(input));
    out.insert("startTime", format_time(input.start_time));
    // A pod that was refused has no containers to tell of.
    if input.failure.is_some() && input.runtime.containers.is_empty() {
        return out;
    }
    for (key, list) in [
        ("initContainerStatuses", summary.init),
        ("containerStatuses", summary.regular),
        ("ephemeralContainerStatuses", summary.ephemeral),
    ] {
        if !list.is_empty() {
            out.insert(key, list.into_iter().map(|one| one.document).collect::<Document>());
        }
    }
    out
}

/// The addresses of a pod: its sandbox's, the node's, or those it had when it still ran.
fn pod_ips(input: &StatusInput<'_>) -> Vec<IpAddr> {
    if input.pod.host_network() {
        return input.host_ips.to_vec();
    }
    match input.runtime.sandbox() {
        Some(sandbox) if !sandbox.ips.is_empty() => sandbox.ips.clone(),
        _ => {
            let known = input.pod.status().pod_ips.iter().flatten();
            known.filter_map(|entry| entry.ip.parse().ok()).collect()
        }
    }
}

fn addresses(out: &mut Document, whose: &str, ips: &[IpAddr]) {
    let Some(first) = ips.first() else { return };
    out.insert(format!("{whose}IP"), first.to_string());
    out.insert(
        format!("{whose}IPs"),
        ips.iter().map(|ip| doc!({"ip": ip.to_string()})).collect::<Document>(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pod::testing::pod;
    use crate::worker::runtime::{ContainerRecord, ContainerState, Sandbox};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn record(name: &str, state: ContainerState, code: i32) -> ContainerRecord {
        ContainerRecord {
            id: format!("id-{name}"),
            name: name.into(),
            state,
            exit_code: code,
            started_at: Some(at(1)),
            finished_at: (state == ContainerState::Exited).then(|| at(2)),
            image: "img:1".into(),
            image_id: "img@sha256:1".into(),
            ..ContainerRecord::default()
        }
    }

    fn status(spec: Document, records: Vec<ContainerRecord>, ended: bool) -> Document {
        let pod = pod(spec, doc!({}));
        let sandbox =
            Sandbox { id: "s".into(), ready: true, attempt: 0, ips: vec!["10.42.0.7".parse().unwrap()] };
        let runtime = PodRuntime { sequence: 1, sandboxes: vec![sandbox], containers: records };
        generate(&StatusInput {
            pod: &pod,
            runtime: &runtime,
            waiting: &BTreeMap::new(),
            probes: &Probes::default(),
            ended,
            failure: None,
            host_ips: &["192.0.2.2".parse().unwrap()],
            start_time: at(0),
            now: at(10),
        })
    }

    fn condition(status: &Document, name: &str) -> String {
        let found = status.array_at(&["conditions"]).iter().find(|c| c.str_at(&["type"]) == name).unwrap();
        [found.str_at(&["status"]), found.str_at(&["reason"]), found.str_at(&["message"])]
            .join(" ")
            .trim()
            .into()
    }

    #[test]
    fn a_running_pod_is_ready() {
        let spec = doc!({"containers": [{"name": "a", "image": "img:1"}]});
        let status = status(spec, vec![record("a", ContainerState::Running, 0)], false);
        expect_test::expect![[r#"
            {"observedGeneration":1,"phase":"Running","conditions":[{"type":"PodReadyToStartContainers","status":"True","observedGeneration":1,"lastProbeTime":null,"lastTransitionTime":"1970-01-01T00:00:10Z"},{"type":"Initialized","status":"True","observedGeneration":1,"lastProbeTime":null,"lastTransitionTime":"1970-01-01T00:00:10Z"},{"type":"Ready","status":"True","observedGeneration":1,"lastProbeTime":null,"lastTransitionTime":"1970-01-01T00:00:10Z"},{"type":"ContainersReady","status":"True","observedGeneration":1,"lastProbeTime":null,"lastTransitionTime":"1970-01-01T00:00:10Z"}],"hostIP":"192.0.2.2","hostIPs":[{"ip":"192.0.2.2"}],"podIP":"10.42.0.7","podIPs":[{"ip":"10.42.0.7"}],"startTime":"1970-01-01T00:00:00Z","containerStatuses":[{"name":"a","state":{"running":{"startedAt":"1970-01-01T00:00:01Z"}},"lastState":{},"ready":true,"restartCount":0,"image":"img:1","imageID":"img@sha256:1","containerID":"skiff://id-a","started":true,"resources":{}}]}"#]]
        .assert_eq(&status.to_string());
    }

    #[test]
    fn phases_and_conditions() {
        use ContainerState::{Exited, Running};
        let spec =
            |policy: &str| doc!({"restartPolicy": policy, "containers": [{"name": "a"}, {"name": "b"}]});
        for (policy, records, ended, phase, ready) in [
            (
                "Always",
                vec![],
                false,
                "Pending",
                "False ContainersNotReady containers with unready status: [a b]",
            ),
            (
                "Always",
                vec![record("a", Running, 0)],
                false,
                "Pending",
                "False ContainersNotReady containers with unready status: [b]",
            ),
            (
                "Always",
                vec![record("a", Running, 0), record("b", Exited, 1)],
                false,
                "Running",
                "False ContainersNotReady containers with unready status: [b]",
            ),
            (
                "Never",
                vec![record("a", Exited, 0), record("b", Exited, 0)],
                true,
                "Succeeded",
                "False PodCompleted",
            ),
            (
                "Never",
                vec![record("a", Exited, 0), record("b", Exited, 3)],
                true,
                "Failed",
                "False PodFailed",
            ),
            (
                "OnFailure",
                vec![record("a", Exited, 0), record("b", Exited, 3)],
                false,
                "Running",
                "False ContainersNotReady containers with unready status: [a b]",
            ),
        ] {
            let status = status(spec(policy), records, ended);
            assert_eq!(status.str_at(&["phase"]), phase);
            assert_eq!(condition(&status, "Ready"), ready);
        }
    }

    #[test]
    fn waiting_init_containers_hold_the_pod_pending() {
        let spec = doc!({"containers": [{"name": "a"}], "initContainers": [{"name": "i"}]});
        let status = status(spec, vec![record("i", ContainerState::Running, 0)], false);
        assert_eq!(status.str_at(&["phase"]), "Pending");
        assert_eq!(
            condition(&status, "Initialized"),
            "False ContainersNotInitialized containers with incomplete status: [i]"
        );
        let waiting = &status.array_at(&["containerStatuses"])[0];
        assert_eq!(waiting.str_at(&["state", "waiting", "reason"]), "PodInitializing");
    }
}
