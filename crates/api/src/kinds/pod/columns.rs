//! What `kubectl get pods` shows.

use super::super::cells;
use crate::strategy::{age, human_duration};
use crate::{Cell, Column};
use jiff::Timestamp;
use skiff_apimachinery::Document;
use skiff_apimachinery::time::parse_time;
use std::collections::HashSet;

pub(super) fn columns() -> Vec<Column> {
    vec![
        Column::name(),
        Column::new("Ready", "string", "The aggregate readiness state of this pod for accepting traffic."),
        Column::new("Status", "string", "The aggregate status of the containers in this pod."),
        Column::new(
            "Restarts",
            "string",
            "The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.",
        ),
        Column::age(),
        Column::new("IP", "string", "The primary IP address of the pod.").wide(),
        Column::new("Node", "string", "The node that the pod runs on.").wide(),
        Column::new("Nominated Node", "string", "The node that the pod is nominated to run on.").wide(),
        Column::new("Readiness Gates", "string", "The readiness gates of the pod and how many hold.").wide(),
    ]
}

pub(super) fn cells(pod: &Document, now: Timestamp) -> Vec<Cell> {
    let summary = summarize(pod, now);
    let or_none = |text: &str| if text.is_empty() { "<none>".to_owned() } else { text.to_owned() };
    let address = match pod.array_at(&["status", "podIPs"]).first() {
        Some(first) => first.str_at(&["ip"]),
        None => pod.str_at(&["status", "podIP"]),
    };
    vec![
        cells::name(pod),
        format!("{}/{}", summary.ready, summary.total).into(),
        summary.reason.into(),
        summary.restarts.into(),
        age(pod.creation_timestamp(), now).into(),
        or_none(address).into(),
        or_none(pod.str_at(&["spec", "nodeName"])).into(),
        or_none(pod.str_at(&["status", "nominatedNodeName"])).into(),
        readiness_gates(pod).into(),
    ]
}

struct Summary {
    ready: usize,
    total: usize,
    reason: String,
    restarts: String,
}

/// The reason of a container's state, as the STATUS column names it.
fn state_reason(status: &Document, prefix: &str) -> Option<String> {
    if let Some(waiting) = status.at(&["state", "waiting"]).filter(|w| !w.is_null()) {
        let reason = waiting.str_at(&["reason"]);
        return (!reason.is_empty()).then(|| format!("{prefix}{reason}"));
    }
    let ended = status.at(&["state", "terminated"]).filter(|t| !t.is_null())?;
    let (reason, signal) = (ended.str_at(&["reason"]), ended.i64_at(&["signal"]).unwrap_or(0));
    Some(if !reason.is_empty() {
        format!("{prefix}{reason}")
    } else if signal != 0 {
        format!("{prefix}Signal:{signal}")
    } else {
        format!("{prefix}ExitCode:{}", ended.i64_at(&["exitCode"]).unwrap_or(0))
    })
}

fn last_restart(status: &Document) -> Option<Timestamp> {
    parse_time(status.str_at(&["lastState", "terminated", "finishedAt"]))
}

fn summarize(pod: &Document, now: Timestamp) -> Summary {
    let statuses = |list: &str| pod.array_at(&["status", list]);
    let restarts = |status: &Document| status.i64_at(&["restartCount"]).unwrap_or(0);
    let init_containers = pod.array_at(&["spec", "initContainers"]);
    let sidecars: HashSet<&str> = init_containers
        .iter()
        .filter(|c| c.str_at(&["restartPolicy"]) == "Always")
        .map(|c| c.str_at(&["name"]))
        .collect();
    let total = pod.array_at(&["spec", "containers"]).len() + sidecars.len();
    let mut reason = match pod.str_at(&["status", "reason"]) {
        "" => pod.str_at(&["status", "phase"]).to_owned(),
        reason => reason.to_owned(),
    };
    if cells::condition(pod, "PodScheduled").is_some_and(|c| c.str_at(&["reason"]) == "SchedulingGated") {
        "SchedulingGated".clone_into(&mut reason);
    }
    let (mut ready, mut count, mut latest) = (0, 0, None);
    let mut initializing = false;
    let init_statuses = statuses("initContainerStatuses");
    let init_total = init_containers.len();
    let (mut sidecar_restarts, mut sidecar_latest) = (0, None);
    for (i, status) in init_statuses.iter().enumerate() {
        count += restarts(status);
        latest = latest.max(last_restart(status));
        let sidecar = sidecars.contains(status.str_at(&["name"]));
        if sidecar {
            sidecar_restarts += restarts(status);
            sidecar_latest = sidecar_latest.max(last_restart(status));
        }
        let done = status
            .at(&["state", "terminated"])
            .is_some_and(|t| !t.is_null() && t.i64_at(&["exitCode"]).unwrap_or(0) == 0);
        if done {
            continue;
        }
        if sidecar && status.bool_at(&["started"]) == Some(true) {
            ready += usize::from(status.bool_at(&["ready"]) == Some(true));
            continue;
        }
        let shown = state_reason(status, "Init:").filter(|r| r != "Init:PodInitializing");
        reason = shown.unwrap_or_else(|| format!("Init:{i}/{init_total}"));
        initializing = true;
        break;
    }
    if !initializing || cells::condition(pod, "Initialized").is_some_and(|c| c.str_at(&["status"]) == "True")
    {
        (count, latest) = (sidecar_restarts, sidecar_latest);
        let mut has_running = false;
        for status in statuses("containerStatuses").iter().rev() {
            count += restarts(status);
            latest = latest.max(last_restart(status));
            let running = status.at(&["state", "running"]).is_some_and(|r| !r.is_null());
            if let Some(shown) = state_reason(status, "") {
                reason = shown;
            } else if running && status.bool_at(&["ready"]) == Some(true) {
                has_running = true;
                ready += 1;
            }
        }
        // A pod of which one container completed and others run is not completed.
        if reason == "Completed" && has_running {
            let is_ready = cells::condition(pod, "Ready").is_some_and(|c| c.str_at(&["status"]) == "True");
            if is_ready { "Running" } else { "NotReady" }.clone_into(&mut reason);
        }
    }
    if pod.deletion_timestamp().is_some() {
        let lost = pod.str_at(&["status", "reason"]) == "NodeLost";
        let ended = matches!(pod.str_at(&["status", "phase"]), "Failed" | "Succeeded");
        if lost {
            "Unknown".clone_into(&mut reason);
        } else if !ended {
            "Terminating".clone_into(&mut reason);
        }
    }
    let restarts = match latest {
        Some(at) if count > 0 => {
            format!("{count} ({} ago)", human_duration(now.duration_since(at).as_secs()))
        }
        _ => count.to_string(),
    };
    Summary { ready, total, reason, restarts }
}

fn readiness_gates(pod: &Document) -> String {
    let gates = pod.array_at(&["spec", "readinessGates"]);
    if gates.is_empty() {
        return "<none>".to_owned();
    }
    let holds = |gate: &&Document| {
        cells::condition(pod, gate.str_at(&["conditionType"]))
            .is_some_and(|c| c.str_at(&["status"]) == "True")
    };
    format!("{}/{}", gates.iter().filter(holds).count(), gates.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn row(pod: &Document) -> String {
        let now = parse_time("2026-01-01T01:00:00Z").unwrap();
        cells(pod, now)[1..4].iter().map(|c| c.as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_crashing_pod_shows_its_reason_and_its_last_restart() {
        let pod = doc!({
            "spec": {"containers": [{"name": "a"}]},
            "status": {"phase": "Running", "containerStatuses": [{
                "name": "a", "restartCount": 3, "ready": false,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"exitCode": 1, "finishedAt": "2026-01-01T00:58:00Z"}}
            }]}
        });
        assert_eq!(row(&pod), "0/1 CrashLoopBackOff 3 (2m ago)");
    }

    #[test]
    fn init_containers_are_counted() {
        let pod = doc!({
            "spec": {"containers": [{"name": "a"}], "initContainers": [{"name": "i"}, {"name": "j"}]},
            "status": {"phase": "Pending",
                "initContainerStatuses": [
                    {"name": "i", "state": {"terminated": {"exitCode": 0}}},
                    {"name": "j", "state": {"running": {}}}
                ],
                "containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "PodInitializing"}}}]}
        });
        assert_eq!(row(&pod), "0/1 Init:1/2 0");
    }

    #[test]
    fn a_running_pod_that_is_deleted_shows_terminating() {
        let pod = doc!({
            "metadata": {"deletionTimestamp": "2026-01-01T00:59:00Z"},
            "spec": {"containers": [{"name": "a"}]},
            "status": {"phase": "Running", "containerStatuses": [
                {"name": "a", "ready": true, "restartCount": 0, "state": {"running": {}}}
            ]}
        });
        assert_eq!(row(&pod), "1/1 Terminating 0");
    }

    /// A pod with two containers, and this status.
    fn two(status: &str) -> Document {
        let mut pod = doc!({"spec": {"containers": [{"name": "a"}, {"name": "b"}]}});
        pod.insert("status", skiff_apimachinery::json::decode(status.as_bytes()).unwrap());
        pod
    }

    #[test]
    fn the_status_is_that_of_the_containers() {
        let cases = [
            (r#"{"phase": "Pending", "reason": "Evicted"}"#, "0/2 Evicted 0"),
            (
                r#"{"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]}"#,
                "0/2 SchedulingGated 0",
            ),
            (
                r#"{"phase": "Running", "containerStatuses": [
                    {"name": "a", "state": {"terminated": {"reason": "Completed"}}},
                    {"name": "b", "ready": true, "state": {"running": {}}}]}"#,
                "1/2 NotReady 0",
            ),
            (
                r#"{"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [
                    {"name": "a", "state": {"terminated": {"reason": "Completed"}}},
                    {"name": "b", "ready": true, "state": {"running": {}}}]}"#,
                "1/2 Running 0",
            ),
            (
                r#"{"phase": "Succeeded", "containerStatuses": [
                    {"name": "a", "state": {"terminated": {"reason": "Completed"}}},
                    {"name": "b", "state": {"terminated": {"reason": "Completed"}}}]}"#,
                "0/2 Completed 0",
            ),
            (
                r#"{"phase": "Failed", "containerStatuses": [{"name": "a", "state": {"terminated": {"signal": 9, "exitCode": 137}}}]}"#,
                "0/2 Signal:9 0",
            ),
            (
                r#"{"phase": "Failed", "containerStatuses": [{"name": "a", "state": {"terminated": {"exitCode": 2}}}]}"#,
                "0/2 ExitCode:2 0",
            ),
        ];
        for (status, expected) in cases {
            assert_eq!(row(&two(status)), expected, "{status}");
        }
    }

    #[test]
    fn a_pod_whose_node_is_lost_is_in_no_known_state() {
        let mut pod = two(r#"{"phase": "Running", "reason": "NodeLost"}"#);
        assert_eq!(row(&pod), "0/2 NodeLost 0");
        pod.set(&["metadata", "deletionTimestamp"], "2026-01-01T00:59:00Z");
        assert_eq!(row(&pod), "0/2 Unknown 0");
        let mut ended = two(r#"{"phase": "Succeeded"}"#);
        ended.set(&["metadata", "deletionTimestamp"], "2026-01-01T00:59:00Z");
        assert_eq!(row(&ended), "0/2 Succeeded 0");
    }

    #[test]
    fn sidecars_count_as_containers() {
        let mut pod = doc!({"spec": {
            "containers": [{"name": "a"}],
            "initContainers": [{"name": "i"}, {"name": "s", "restartPolicy": "Always"}]
        }});
        let cases = [
            (r#"{"running": {}}"#, false, "0/2 Init:1/2 1"),
            (r#"{"running": {}}"#, true, "2/2 Running 1"),
            (r#"{"terminated": {"signal": 6, "exitCode": 134}}"#, false, "0/2 Init:Signal:6 1"),
            (r#"{"waiting": {"reason": "CrashLoopBackOff"}}"#, false, "0/2 Init:CrashLoopBackOff 1"),
        ];
        for (state, started, expected) in cases {
            let state = skiff_apimachinery::json::decode(state.as_bytes()).unwrap();
            pod.insert(
                "status",
                doc!({
                    "phase": "Running",
                    "initContainerStatuses": [
                        {"name": "i", "state": {"terminated": {"exitCode": 0}}},
                        {"name": "s", "restartCount": 1, "ready": true, "started": started, "state": state}
                    ],
                    "containerStatuses": [{"name": "a", "ready": true, "state": {"running": {}}}]
                }),
            );
            let shown = row(&pod);
            assert_eq!(shown, expected, "{pod}");
        }
    }

    #[test]
    fn wide_columns_show_where_the_pod_is() {
        let now = parse_time("2026-01-01T01:00:00Z").unwrap();
        let wide = |pod: &Document| {
            let cells = cells(pod, now);
            cells[5..].iter().map(|cell| cell.as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(wide(&doc!({})), "<none> <none> <none> <none>");
        let pod = doc!({
            "spec": {"nodeName": "n", "readinessGates": [{"conditionType": "a"}, {"conditionType": "b"}]},
            "status": {
                "podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}], "nominatedNodeName": "m",
                "conditions": [{"type": "a", "status": "True"}, {"type": "b", "status": "False"}]
            }
        });
        assert_eq!(wide(&pod), "10.0.0.1 n m 1/2");
    }
}
