//! One application all the way through a cluster with a node: real containers, a real network, a real kubectl.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should say so and end")]

use skiff_testkit::{Options, Server};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(40);
const IMAGE: &str = "example.test/busybox:1";

const WEB: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: page}
data: {index.html: "hello from skiff\n"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: httpd
        image: example.test/busybox:1
        command: [sh, -c, "trap 'exit 1' TERM; httpd -f -p 8080 -h /www & wait"]
        ports: [{name: http, containerPort: 8080}]
        readinessProbe: {httpGet: {path: /index.html, port: http}, periodSeconds: 1}
        volumeMounts: [{name: page, mountPath: /www}]
      volumes: [{name: page, configMap: {name: page}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
"#;

fn lives(server: &Server) -> String {
    let fields = "jsonpath={range .items[*]}{.metadata.uid} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}{\"\\n\"}{end}";
    server.kubectl(&["get", "pods", "-l", "app=web", "-o", fields])
}

#[test]
fn an_application_runs_is_reached_and_outlives_its_server() {
    let mut server = Server::start(Options { node: true, ..Options::default() });
    // kubectl waits for nothing that is not there yet.
    server.until(&["get", "node", "sail"], SOON, |_| true);
    server.kubectl(&["wait", "--for=condition=Ready", "node/sail", "--timeout=30s"]);
    server.import_busybox(IMAGE);
    server.apply(WEB);
    server.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);

    let address = server.kubectl(&["get", "service", "web", "-o", "jsonpath={.spec.clusterIP}"]);
    let url = format!("http://{address}/");
    let fetch = |server: &Server| {
        skiff_testkit::wait::until("the Service answers", SOON, || {
            let answer = server.in_host("curl", &["-s", "--max-time", "2", &url])?;
            if answer.contains("hello") { Ok(()) } else { Err(answer) }
        });
    };
    fetch(&server);

    let pod = server.kubectl(&["get", "pod", "-l", "app=web", "-o", "jsonpath={.items[0].metadata.name}"]);
    let by_name =
        server.kubectl(&["exec", &pod, "--", "wget", "-qO-", "http://web.default.svc.cluster.local/"]);
    assert_eq!(by_name, "hello from skiff");
    let code = server.try_kubectl(&["exec", &pod, "--", "sh", "-c", "exit 7"]).unwrap_err();
    assert!(code.contains("exit code 7"), "{code}");
    let story = server.kubectl(&["describe", "pod", &pod]);
    assert!(
        story.contains("Successfully assigned default/") && story.contains("Started container"),
        "{story}"
    );

    let before = lives(&server);
    server.kill();
    fetch(&server);
    server.launch();
    server.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    assert_eq!(lives(&server), before, "the same containers, none restarted");

    server.kubectl(&["scale", "deployment/web", "--replicas=4"]);
    server.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    server.kubectl(&["set", "env", "deployment/web", "COLOR=blue"]);
    server.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    server.kubectl(&["rollout", "undo", "deployment/web"]);
    server.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);

    server.kubectl(&[
        "delete",
        "deployment,service,configmap",
        "web",
        "page",
        "--ignore-not-found",
        "--timeout=60s",
    ]);
    server.until(&["get", "pods", "-o", "name"], SOON, str::is_empty);
}
