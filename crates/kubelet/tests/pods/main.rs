//! Pods on the real container runtime, with an API in memory: what a user of the node sees. Needs root and a static busybox.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod api;
mod image;
mod machine;
mod node_client;

use api::Api;
use machine::{Machine, condition, container_status};
use skiff_apimachinery::{Document, doc};

fn web(command: &str) -> Document {
    doc!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default", "uid": uuid(), "generation": 1, "labels": {"app": "web"}},
        "spec": {
            "nodeName": "sail", "restartPolicy": "Always", "terminationGracePeriodSeconds": 5,
            "serviceAccountName": "default", "enableServiceLinks": true,
            "containers": [{
                "name": "main", "image": image::IMAGE, "imagePullPolicy": "IfNotPresent",
                "command": ["sh", "-c", command],
                "env": [
                    {"name": "COLOR", "valueFrom": {"configMapKeyRef": {"name": "page", "key": "color"}}},
                    {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                    {"name": "BOTH", "value": "$(NAME)-$(COLOR)"}
                ],
                "readinessProbe": {"exec": {"command": ["test", "-e", "/tmp/ready"]}, "periodSeconds": 1},
                "resources": {"requests": {"cpu": "10m"}, "limits": {"memory": "32Mi"}},
                "volumeMounts": [
                    {"name": "page", "mountPath": "/www"},
                    {"name": "page", "mountPath": "/one", "subPath": "index.html"},
                    {"name": "token", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true},
                    {"name": "scratch", "mountPath": "/scratch"}
                ]
            }],
            "volumes": [
                {"name": "page", "configMap": {"name": "page"}},
                {"name": "scratch", "emptyDir": {"medium": "Memory"}},
                {"name": "token", "projected": {"sources": [
                    {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
                    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                    {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}}
                ]}}
            ]
        },
        "status": {"phase": "Pending", "qosClass": "Burstable"}
    })
}

/// Unique per test, because pods of all tests share the machine's cgroups.
fn uuid() -> String {
    format!("{:032x}", rand::random::<u128>())
}

const STORY: &str = "echo $BOTH; cat /www/index.html /one; cat /var/run/secrets/kubernetes.io/serviceaccount/*; echo; \
    trap 'exit 3' TERM; touch /tmp/ready; while true; do sleep 0.1; done";

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_runs_is_restarted_adopted_and_deleted() {
    let api = Api::new();
    let mut machine = Machine::new(&api).await;
    machine.node_is_ready().await;
    api.put_pod(web(STORY));
    let pod = machine.pod_until("web", |pod| condition(pod, "Ready") == "True").await;
    assert_eq!(pod.str_at(&["status", "phase"]), "Running");
    let log = machine.log(&pod, "main", 0);
    assert!(log.starts_with("web-blue\nhello\nhello\n"), "{log}");
    assert!(log.contains("the-ca") && log.contains("token-of-default") && log.contains("default"), "{log}");

    // The node server shows the log to whom it knows, and to nobody else.
    let path = "/containerLogs/default/web/main?tailLines=2";
    assert_eq!(machine.node_client().get(path).await, (200, "defaulttoken-of-default\n\n".to_owned()));
    assert_eq!(machine.stranger().get(path).await, (401, "Unauthorized".to_owned()));
    assert_eq!(machine.node_client().get("/healthz").await.1, "ok");

    // Killed from outside: noticed at once, started again at once.
    let first = container_status(&pod, "main").str_at(&["containerID"]).to_owned();
    machine.kill(&first).await;
    let pod = machine
        .pod_until("web", |pod| {
            container_status(pod, "main").i64_at(&["restartCount"]) == Some(1)
                && condition(pod, "Ready") == "True"
        })
        .await;
    assert_eq!(container_status(&pod, "main").i64_at(&["lastState", "terminated", "exitCode"]), Some(3));

    // A kubelet that starts anew finds the same container.
    let second = container_status(&pod, "main").str_at(&["containerID"]).to_owned();
    machine.restart(&api).await;
    machine.node_is_ready().await;
    // A change of the volume's object reaches the container, so the new kubelet works.
    api.put_config_map("page", doc!({"index.html": "changed\n", "color": "blue"}));
    machine.exec_until(&second, &["cat", "/www/index.html"], "changed\n").await;
    let pod = machine.pod_until("web", |pod| condition(pod, "Ready") == "True").await;
    assert_eq!(container_status(&pod, "main").str_at(&["containerID"]), second);
    assert_eq!(container_status(&pod, "main").i64_at(&["restartCount"]), Some(1));

    api.delete_pod("web").await;
    machine.pod_gone("web").await;
    let reasons = api.event_reasons();
    for reason in ["Pulled", "Created", "Started", "Killing"] {
        assert!(reasons.contains(&reason.to_owned()), "{reason} in {reasons:?}");
    }
    machine.leaves_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_never_restarts_ends_as_its_containers_do() {
    let api = Api::new();
    let machine = Machine::new(&api).await;
    for (command, phase) in [("exit 0", "Succeeded"), ("echo why >/dev/termination-log; exit 4", "Failed")] {
        let mut pod = web(command);
        pod.set(&["spec", "restartPolicy"], "Never");
        pod.set(
            &["spec", "initContainers"],
            doc!([{"name": "first", "image": image::IMAGE, "command": ["true"]}]),
        );
        api.put_pod(pod);
        let pod = machine.pod_until("web", |pod| pod.str_at(&["status", "phase"]) == phase).await;
        let state = &container_status(&pod, "main")["state"]["terminated"];
        if phase == "Failed" {
            assert_eq!((state.i64_at(&["exitCode"]), state.str_at(&["message"])), (Some(4), "why\n"));
        }
        api.delete_pod("web").await;
        machine.pod_gone("web").await;
    }
    machine.leaves_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_told() {
    let api = Api::new();
    let machine = Machine::new(&api).await;
    let mut pod = web("true");
    pod.set(&["spec", "volumes"], doc!([]));
    let mut container = pod["spec"]["containers"].as_array().unwrap()[0].clone();
    container.remove(&["volumeMounts"]);
    container
        .set(&["env"], doc!([{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "none", "key": "k"}}}]));
    pod.set(&["spec", "containers"], vec![container]);
    api.put_pod(pod);
    let waiting = |pod: &Document| {
        let state = &container_status(pod, "main")["state"]["waiting"];
        format!("{}: {}", state.str_at(&["reason"]), state.str_at(&["message"]))
    };
    machine
        .pod_until("web", |pod| waiting(pod) == "CreateContainerConfigError: configmap \"none\" not found")
        .await;
    api.delete_pod("web").await;
    machine.pod_gone("web").await;
    machine.leaves_nothing().await;
}
