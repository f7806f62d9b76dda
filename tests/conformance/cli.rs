//! [sig-cli] What upstream's kubectl tests ask of the API server.

use crate::harness::{Api, SOON};
use crate::kubectl::{Kubectl, Running, with_each};
use regex::Regex;
use skiff_apimachinery::json;
use skiff_client::resources::PODS;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

const HTTPD: &str = "registry.k8s.io/e2e-test-images/httpd:2.4.38-4";
const BUSYBOX: &str = "registry.k8s.io/e2e-test-images/busybox:1.36.1-1";

/// `Kubectl client Kubectl api-versions should check if v1 is in available api versions`
#[test]
fn should_check_if_v1_is_in_available_api_versions() {
    with_each(&Api::new(), |kubectl| {
        let versions = kubectl.run(&["api-versions"]);
        assert!(versions.lines().any(|version| version == "v1"), "{versions}");
    });
}

/// `Kubectl client Kubectl cluster-info should check if Kubernetes control plane services is included in cluster-info`
#[test]
fn should_check_if_kubernetes_control_plane_services_is_included_in_cluster_info() {
    with_each(&Api::new(), |kubectl| {
        let info = kubectl.run(&["cluster-info"]);
        for item in ["Kubernetes control plane", "is running at"] {
            assert!(info.contains(item), "{info}");
        }
    });
}

/// `Kubectl client Kubectl diff should check if kubectl diff finds a difference for Deployments`
#[test]
fn should_check_if_kubectl_diff_finds_a_difference_for_deployments() {
    with_each(&Api::new(), |kubectl| {
        let name = kubectl.named("httpd-deployment");
        let deployment = format!(
            "
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, labels: {{app: httpd}}}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: httpd, image: '{HTTPD}', ports: [{{containerPort: 80}}]}}]}}
"
        );
        kubectl.run_with(&deployment, &["create", "-f", "-"]);
        let changed = deployment.replace(HTTPD, BUSYBOX);
        let (code, difference) = kubectl.try_run(&changed, &["diff", "-f", "-"]).unwrap_err();
        assert_eq!(code, 1, "{difference}");
        assert!(difference.contains(HTTPD) && difference.contains(BUSYBOX), "{difference}");
        kubectl.run_with(&changed, &["delete", "-f", "-"]);
    });
}

/// `Kubectl client Kubectl run pod should create a pod from an image when restart is Never`
#[test]
fn should_create_a_pod_from_an_image_when_restart_is_never() {
    let api = Api::for_pods();
    with_each(&api, |kubectl| {
        let name = kubectl.named("e2e-test-httpd-pod");
        let image = format!("--image={HTTPD}");
        kubectl.run(&["run", &name, "--restart=Never", "--pod-running-timeout=2m0s", &image]);
        let pod = api.of(&PODS).get(&name);
        let containers = pod.array_at(&["spec", "containers"]);
        assert_eq!(containers.len(), 1);
        assert_eq!(containers[0].str_at(&["image"]), HTTPD);
        assert_eq!(pod.str_at(&["spec", "restartPolicy"]), "Never");
        kubectl.run(&["delete", "pods", &name]);
    });
}

/// `Kubectl client Kubectl version should check is all data is printed`
#[test]
fn should_check_is_all_data_is_printed() {
    // before 1.28 kubectl printed all it knows
    let long = r#"version.Info\{Major:"\d", Minor:"\d+\+?", GitVersion:"v\d\.\d+\.[\d\w\-\.\+]+", GitCommit:"[0-9a-f]*""#;
    let short = r"v\d\.\d+\.[\d\w\-\.\+]+";
    with_each(&Api::new(), |kubectl| {
        let version = kubectl.run(&["version"]);
        let form = if kubectl.minor() < 28 { long } else { short };
        for item in ["Client Version: ", "Server Version: "] {
            assert!(Regex::new(&format!("{item}{form}")).unwrap().is_match(&version), "{version}");
        }
    });
}

/// The first line that a proxy prints: where it serves.
fn announced(proxy: &mut Running) -> String {
    let mut line = String::new();
    BufReader::new(proxy.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line
}

/// The versions that `/api/` names, asked over a connection to a proxy.
fn versions(mut stream: impl Read + Write) -> usize {
    stream.write_all(b"GET /api/ HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.0 200"), "{answer}");
    json::decode(body.as_bytes()).unwrap().array_at(&["versions"]).len()
}

fn proxy(kubectl: &Kubectl<'_>, flag: &str) -> (Running, String) {
    let mut proxy = kubectl.start(&["proxy", flag]);
    let line = announced(&mut proxy);
    let (_, place) =
        line.trim().split_once("Starting to serve on ").expect("the proxy tells where it serves");
    (proxy, place.to_owned())
}

/// `Kubectl client Proxy server should support --unix-socket=/path`
#[test]
fn should_support_unix_socket_path() {
    with_each(&Api::new(), |kubectl| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("test");
        let (_proxy, place) = proxy(kubectl, &format!("--unix-socket={}", path.display()));
        assert_eq!(place, path.to_string_lossy());
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        assert!(versions(stream) >= 1);
    });
}

/// `Kubectl client Proxy server should support proxy with --port 0`
#[test]
fn should_support_proxy_with_port_0() {
    with_each(&Api::new(), |kubectl| {
        let (_proxy, place) = proxy(kubectl, "--port=0");
        let stream = TcpStream::connect(place).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        assert!(versions(stream) >= 1);
    });
}
