//! Claims, volumes and volume attributes classes go only when nothing uses them any more.
//!
//! Each protection controller takes one object at a time, in the order in which they were deleted. So when an unused
//! object that was deleted later is gone, the decision to keep the used one has been made.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should say so and end")]

use skiff_testkit::{Options, Server};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

fn server() -> Server {
    Server::start(Options::default())
}

fn claim(name: &str) -> String {
    format!(
        "
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: {name}}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}
"
    )
}

fn volume(name: &str) -> String {
    format!(
        "
---
apiVersion: v1
kind: PersistentVolume
metadata: {{name: {name}}}
spec: {{capacity: {{storage: 1Gi}}, accessModes: [ReadWriteOnce], hostPath: {{path: /nowhere}}}}
"
    )
}

fn class(name: &str) -> String {
    format!(
        "
---
apiVersion: storage.k8s.io/v1
kind: VolumeAttributesClass
metadata: {{name: {name}}}
driverName: disks.example.test
parameters: {{iops: \"100\"}}
"
    )
}

/// A running pod that uses a claim, on a node that is there, so that nobody collects it.
fn run_pod(server: &Server, name: &str, claim: &str) {
    server.until(&["get", "serviceaccount", "default"], SOON, |_| true);
    server.apply(&format!(
        "
apiVersion: v1
kind: Node
metadata: {{name: afar}}
---
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  nodeName: afar
  containers: [{{name: c, image: example.test/none:1}}]
  volumes: [{{name: v, persistentVolumeClaim: {{claimName: {claim}}}}}]
"
    ));
    set_phase(server, "pod", name, "Running");
}

fn set_phase(server: &Server, kind: &str, name: &str, phase: &str) {
    let patch = format!(r#"{{"status":{{"phase":"{phase}"}}}}"#);
    server.kubectl(&["patch", kind, name, "--subresource=status", "--type=merge", "-p", &patch]);
}

/// Deletes an object that is used, then one that is not: the latter goes, the former stays.
fn delete_used_and_unused(server: &Server, kind: &str, used: &str, unused: &str) {
    server.kubectl(&["delete", kind, used, "--wait=false"]);
    server.kubectl(&["delete", kind, unused, "--timeout=20s"]);
    let deleted = ["get", kind, used, "-o", "jsonpath={.metadata.deletionTimestamp}"];
    assert_ne!(server.kubectl(&deleted), "");
}

fn is_described_as_terminating(server: &Server, kind: &str, name: &str) -> bool {
    let description = server.kubectl(&["describe", kind, name]);
    let status = description.lines().find_map(|line| line.strip_prefix("Status:"));
    status.is_some_and(|status| status.trim().starts_with("Terminating"))
}

fn goes(server: &Server, kind: &str) {
    server.until(&["get", kind, "-o", "name"], SOON, str::is_empty);
}

#[test]
fn a_claim_is_kept_until_the_pod_that_uses_it_is_gone() {
    let server = server();
    server.apply(&(claim("data") + &claim("spare")));
    run_pod(&server, "user", "data");
    delete_used_and_unused(&server, "pvc", "data", "spare");
    assert!(is_described_as_terminating(&server, "pvc", "data"));
    server.kubectl(&["delete", "pod", "user", "--force", "--grace-period=0"]);
    goes(&server, "pvc");
}

#[test]
fn a_claim_is_kept_for_a_pod_that_has_ended_but_is_not_deleted() {
    let server = server();
    server.apply(&(claim("data") + &claim("spare")));
    run_pod(&server, "user", "data");
    set_phase(&server, "pod", "user", "Succeeded");
    delete_used_and_unused(&server, "pvc", "data", "spare");
    server.kubectl(&["delete", "pod", "user", "--force", "--grace-period=0"]);
    goes(&server, "pvc");
}

#[test]
fn a_volume_is_kept_while_it_is_bound() {
    let server = server();
    server.apply(&(volume("disk") + &volume("spare")));
    set_phase(&server, "pv", "disk", "Bound");
    delete_used_and_unused(&server, "pv", "disk", "spare");
    assert!(is_described_as_terminating(&server, "pv", "disk"));
    set_phase(&server, "pv", "disk", "Released");
    goes(&server, "pv");
}

#[test]
fn a_volume_attributes_class_is_kept_while_a_claim_names_it() {
    let server = server();
    server.apply(&(class("gold") + &class("spare") + &claim("data")));
    let status = r#"{"status":{"currentVolumeAttributesClassName":"gold"}}"#;
    server.kubectl(&["patch", "pvc", "data", "--subresource=status", "--type=merge", "-p", status]);
    delete_used_and_unused(&server, "volumeattributesclass", "gold", "spare");
    server.kubectl(&["delete", "pvc", "data", "--timeout=20s"]);
    goes(&server, "volumeattributesclass");
}

#[test]
fn an_object_that_lost_its_protection_gets_it_back() {
    let server = server();
    server.apply(&(claim("data") + &volume("disk") + &class("gold")));
    for (kind, name, finalizer) in [
        ("pvc", "data", "kubernetes.io/pvc-protection"),
        ("pv", "disk", "kubernetes.io/pv-protection"),
        ("volumeattributesclass", "gold", "kubernetes.io/vac-protection"),
    ] {
        let finalizers = ["get", kind, name, "-o", "jsonpath={.metadata.finalizers[*]}"];
        assert_eq!(server.kubectl(&finalizers), finalizer);
        let patch = r#"{"metadata":{"finalizers":null}}"#;
        let output = "jsonpath={.metadata.finalizers}";
        assert_eq!(server.kubectl(&["patch", kind, name, "--type=merge", "-p", patch, "-o", output]), "");
        server.until(&finalizers, SOON, |output| output == finalizer);
    }
}
