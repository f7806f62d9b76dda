//! Quotas as objects of the API: changed, listed, deleted, their status written by others.

use super::{SOON, create, file, json_of, quota, server};
use skiff_apimachinery::{Document, doc, json};
use skiff_testkit::Server;

const PATH: &str = "/api/v1/namespaces/quotas/resourcequotas";

/// `cpu` and `memory` of a list of a quota's spec or status.
fn cpu_and_memory(quota: &Document, part: &str) -> (String, String) {
    let amount = |name: &str| quota.str_at(&[part, "hard", name]).to_owned();
    (amount("cpu"), amount("memory"))
}

fn amounts(cpu: &str, memory: &str) -> (String, String) {
    (cpu.to_owned(), memory.to_owned())
}

/// ResourceQuota should be able to update and delete ResourceQuota.
#[test]
fn resource_quota_should_be_able_to_update_and_delete_resource_quota() {
    let server = server();
    let get = ["get", "resourcequota", "test-quota", "-o", "json"];
    create(&server, &quota("test-quota", doc!({"cpu": "1", "memory": "500Mi"})));
    assert_eq!(cpu_and_memory(&json_of(&server, &get), "spec"), amounts("1", "500Mi"));
    let changed = file(&server, &quota("test-quota", doc!({"cpu": "2", "memory": "1Gi"})));
    let answer = json_of(&server, &["replace", "--raw", &format!("{PATH}/test-quota"), "-f", &changed]);
    assert_eq!(cpu_and_memory(&answer, "spec"), amounts("2", "1Gi"));
    assert_eq!(cpu_and_memory(&json_of(&server, &get), "spec"), amounts("2", "1Gi"));
    server.kubectl(&["delete", "resourcequota", "test-quota"]);
    let gone = server.try_kubectl(&get).unwrap_err();
    assert_eq!(gone, "Error from server (NotFound): resourcequotas \"test-quota\" not found");
}

fn revision(object: &Document) -> u64 {
    object.resource_version().parse().unwrap()
}

/// ResourceQuota should manage the lifecycle of a ResourceQuota
#[test]
fn resource_quota_should_manage_the_lifecycle_of_a_resource_quota() {
    let server = server();
    let get = ["get", "resourcequota", "e2e-quota", "-o", "json"];
    let mut quota = quota("e2e-quota", doc!({"cpu": "1", "memory": "500Mi"}));
    quota.set(&["metadata", "labels", "e2e-rq-label"], "e2e-quota");
    create(&server, &quota);
    let read = json_of(&server, &get);
    assert_eq!(cpu_and_memory(&read, "spec"), amounts("1", "500Mi"));
    assert!(revision(&read) > 0);

    let selector = "labelSelector=e2e-rq-label%3De2e-quota";
    let listed = json_of(&server, &["get", "--raw", &format!("/api/v1/resourcequotas?{selector}")]);
    assert_eq!(listed.items().len(), 1, "{listed}");
    let change = r#"{"metadata":{"labels":{"e2e-quota":"patched"}},"spec":{"hard":{"memory":"750Mi"}}}"#;
    let patched = ["patch", "resourcequota", "e2e-quota", "--type=strategic", "-o", "json", "-p", change];
    let patched = json_of(&server, &patched);
    assert_eq!(patched.label("e2e-quota"), Some("patched"));
    assert_eq!(cpu_and_memory(&patched, "spec"), amounts("1", "750Mi"));
    assert!(revision(&patched) > revision(&listed.items()[0]), "{patched}");

    server.kubectl(&["delete", "--raw", &format!("{PATH}?{selector}")]);
    let gone = server.try_kubectl(&get).unwrap_err();
    assert_eq!(gone, "Error from server (NotFound): resourcequotas \"e2e-quota\" not found");
}

const STATUS_SELECTOR: &str = "labelSelector=e2e-rq-label%3De2e-rq-status";

/// Where a watch of the quota begins that sees what happens from now on.
fn version_now(server: &Server) -> String {
    let listed = json_of(server, &["get", "--raw", &format!("/api/v1/resourcequotas?{STATUS_SELECTOR}")]);
    listed.resource_version().to_owned()
}

/// Waits until a watch from a version on has seen the quota as a condition wants it.
fn until_seen(server: &Server, since: &str, holds: impl Fn(&Document) -> bool) {
    let path = format!("{PATH}?watch=true&timeoutSeconds=1&resourceVersion={since}&{STATUS_SELECTOR}");
    server.until(&["get", "--raw", &path], SOON, |events| {
        events.lines().any(|event| holds(&json::decode(event.as_bytes()).unwrap()["object"]))
    });
}

/// ResourceQuota should apply changes to a resourcequota status
#[test]
fn resource_quota_should_apply_changes_to_a_resource_quota_status() {
    let server = server();
    let get = ["get", "resourcequota", "e2e-rq-status", "-o", "json"];
    let patch = |more: &[&str], change: &str| {
        let fixed =
            ["patch", "resourcequota", "e2e-rq-status", "--type=strategic", "-o", "json", "-p", change];
        json_of(&server, &[&fixed[..], more].concat())
    };
    let status_is_spec = |quota: &Document| cpu_and_memory(quota, "status") == cpu_and_memory(quota, "spec");

    let since = version_now(&server);
    let mut quota = quota("e2e-rq-status", doc!({"cpu": "500m", "memory": "500Mi"}));
    quota.set(&["metadata", "labels", "e2e-rq-label"], "e2e-rq-status");
    create(&server, &quota);
    assert_eq!(cpu_and_memory(&json_of(&server, &get), "spec"), amounts("500m", "500Mi"));
    let hard = quota["spec"]["hard"].clone();
    quota.set(&["status", "hard"], hard);
    let told = file(&server, &quota);
    let path = format!("{PATH}/e2e-rq-status/status");
    let updated = json_of(&server, &["replace", "--raw", &path, "-f", &told]);
    assert_eq!(cpu_and_memory(&updated, "status"), amounts("500m", "500Mi"));
    until_seen(&server, &since, status_is_spec);

    let since = version_now(&server);
    let patched = patch(&[], r#"{"spec":{"hard":{"cpu":"1","memory":"1Gi"}}}"#);
    assert_eq!(cpu_and_memory(&patched, "spec"), amounts("1", "1Gi"));
    patch(&["--subresource=status"], r#"{"status":{"hard":{"cpu":"1","memory":"1Gi"}}}"#);
    let is_patched = |quota: &Document| cpu_and_memory(quota, "status") == amounts("1", "1Gi");
    until_seen(&server, &since, |quota| status_is_spec(quota) && is_patched(quota));
    let status = json_of(&server, &[&get[..], &["--subresource=status"]].concat());
    assert_eq!(cpu_and_memory(&status, "status"), amounts("1", "1Gi"));

    let since = version_now(&server);
    let patched = patch(&["--subresource=status"], r#"{"status":{"hard":{"cpu":"2","memory":"2Gi"}}}"#);
    assert_eq!(cpu_and_memory(&patched, "status"), amounts("2", "2Gi"));
    assert_eq!(cpu_and_memory(&patched, "spec"), amounts("1", "1Gi"));
    until_seen(&server, &since, |quota| cpu_and_memory(quota, "status") == amounts("2", "2Gi"));
    // The controller counts anew and puts the status right.
    server.until(&get, SOON, |text| {
        let quota = json::decode(text.as_bytes()).unwrap();
        status_is_spec(&quota) && is_patched(&quota)
    });
}
