//! What quotas count: each test follows an object from its creation to its end.

use super::{
    Amounts, assert_used, begin, count, create, pod, quota, server, test_quota, try_create, until_used,
};
use skiff_apimachinery::{Document, doc};
use skiff_testkit::Server;

/// Creates what must not fit; the end of the refusal has to be this.
fn refuse(server: &Server, object: &Document, end: &str) {
    let refused = try_create(server, object).unwrap_err();
    assert!(refused.starts_with("Error from server (Forbidden): ") && refused.ends_with(end), "{refused}");
}

fn scoped_quota(name: &str, scope: &str, hard: Document) -> Document {
    let mut quota = quota(name, hard);
    quota.set(&["spec", "scopes"], doc!([scope]));
    quota
}

/// A pod as the tests of scopes create it.
fn burstable_pod(name: &str) -> Document {
    pod(name, doc!({"cpu": "500m", "memory": "200Mi"}), doc!({"cpu": "1", "memory": "400Mi"}))
}

fn delete_pod(server: &Server, name: &str) {
    server.kubectl(&["delete", "pod", name, "--grace-period=0", "--force"]);
}

fn service(name: &str, kind: &str) -> Document {
    let spec = doc!({"type": kind, "ports": [{"port": 80, "targetPort": 80}]});
    doc!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
}

/// ResourceQuota should create a ResourceQuota and capture the life of a service.
#[test]
fn resource_quota_should_create_a_resource_quota_and_capture_the_life_of_a_service() {
    let server = server();
    begin(&server, &test_quota(), &[]);
    create(&server, &service("test-service", "ClusterIP"));
    create(&server, &service("test-service-np", "NodePort"));
    let mut balanced = service("test-service-lb", "LoadBalancer");
    balanced.set(&["spec", "allocateLoadBalancerNodePorts"], true);
    let why = "services \"test-service-lb\" is forbidden: exceeded quota: test-quota, \
               requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1";
    refuse(&server, &balanced, why);
    let used = [("services", "2"), ("services.nodeports", "1"), ("services.loadbalancers", "0")];
    until_used(&server, "test-quota", &[("resourcequotas", "1"), used[0], used[1], used[2]]);
    server.kubectl(&["delete", "service", "test-service", "test-service-np"]);
    until_used(&server, "test-quota", &[("services", "0"), ("services.nodeports", "0")]);
}

/// One more object fits than there is: it is counted while it lives.
fn capture_the_life_of_one_more(resource: &str, object: &Document) {
    let server = server();
    let found = count(&server, resource);
    let (found, one_more) = (found.to_string(), (found + 1).to_string());
    let (found, one_more) = (found.as_str(), one_more.as_str());
    let mut quota = test_quota();
    quota.set(&["spec", "hard", resource], one_more);
    begin(&server, &quota, &[(resource, found)]);
    create(&server, object);
    until_used(&server, "test-quota", &[("resourcequotas", "1"), (resource, one_more)]);
    server.kubectl(&["delete", resource, object.name()]);
    until_used(&server, "test-quota", &[("resourcequotas", "1"), (resource, found)]);
}

/// ResourceQuota should create a ResourceQuota and capture the life of a secret.
#[test]
fn resource_quota_should_create_a_resource_quota_and_capture_the_life_of_a_secret() {
    let data = doc!({"data-1": "dmFsdWUtMQo=", "data-2": "dmFsdWUtMgo=", "data-3": "dmFsdWUtMwo="});
    let secret =
        doc!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "test-secret"}, "data": data});
    capture_the_life_of_one_more("secrets", &secret);
}

/// ResourceQuota should create a ResourceQuota and capture the life of a configMap.
#[test]
fn resource_quota_should_create_a_resource_quota_and_capture_the_life_of_a_config_map() {
    let metadata = doc!({"name": "test-configmap"});
    let map = doc!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}});
    capture_the_life_of_one_more("configmaps", &map);
}

/// ResourceQuota should create a ResourceQuota and capture the life of a pod.
#[test]
fn resource_quota_should_create_a_resource_quota_and_capture_the_life_of_a_pod() {
    let server = server();
    begin(&server, &test_quota(), &[]);
    let dongles = || doc!({"example.com/dongle": "2"});
    let asked = |memory: &str| {
        let mut asked = doc!({"cpu": "500m", "ephemeral-storage": "30Gi", "example.com/dongle": "2"});
        asked.insert("memory", memory);
        asked
    };
    create(&server, &pod("test-pod", asked("252Mi"), dongles()));
    let used = [
        ("resourcequotas", "1"),
        ("pods", "1"),
        ("cpu", "500m"),
        ("memory", "252Mi"),
        ("ephemeral-storage", "30Gi"),
        ("requests.example.com/dongle", "2"),
    ];
    until_used(&server, "test-quota", &used);
    let large = pod("fail-pod", doc!({"cpu": "600m", "memory": "100Mi"}), doc!({}));
    let why = "pods \"fail-pod\" is forbidden: exceeded quota: test-quota, \
               requested: cpu=600m, used: cpu=500m, limited: cpu=1";
    refuse(&server, &large, why);
    let why = "pods \"fail-pod-for-extended-resource\" is forbidden: exceeded quota: test-quota, \
               requested: ephemeral-storage=30Gi,requests.example.com/dongle=2, \
               used: ephemeral-storage=30Gi,requests.example.com/dongle=2, \
               limited: ephemeral-storage=50Gi,requests.example.com/dongle=3";
    refuse(&server, &pod("fail-pod-for-extended-resource", asked("100Mi"), dongles()), why);

    let smaller = doc!({"cpu": "100m", "memory": "100Mi", "ephemeral-storage": "10Gi"});
    let change = doc!([{"op": "replace", "path": "/spec/containers/0/resources/requests", "value": smaller}]);
    let refused = server.try_kubectl(&["patch", "pod", "test-pod", "--type=json", "-p", &change.to_string()]);
    let refused = refused.unwrap_err();
    assert!(refused.contains("Forbidden: pod updates may not change fields other than"), "{refused}");
    assert_used(&server, "test-quota", &used);

    delete_pod(&server, "test-pod");
    let released = used.map(|(name, _)| (name, if name == "resourcequotas" { "1" } else { "0" }));
    until_used(&server, "test-quota", &released);
}

/// A workload without replicas is counted while it lives.
fn capture_the_life_of_a_workload(api_version: &str, kind: &str, selector: Document, counted: &str) {
    let server = server();
    begin(&server, &test_quota(), &[(counted, "0")]);
    let template = doc!({
        "metadata": {"labels": {"name": "test"}},
        "spec": {"containers": [{"name": "test", "image": "nginx"}]}
    });
    let spec = doc!({"replicas": 0, "selector": selector, "template": template});
    create(
        &server,
        &doc!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "test"}, "spec": spec}),
    );
    until_used(&server, "test-quota", &[("resourcequotas", "1"), (counted, "1")]);
    server.kubectl(&["delete", kind, "test", "--cascade=background"]);
    until_used(&server, "test-quota", &[("resourcequotas", "1"), (counted, "0")]);
}

/// ResourceQuota should create a ResourceQuota and capture the life of a replication controller.
#[test]
fn resource_quota_should_create_a_resource_quota_and_capture_the_life_of_a_replication_controller() {
    let selector = doc!({"name": "test"});
    capture_the_life_of_a_workload("v1", "ReplicationController", selector, "replicationcontrollers");
}

/// ResourceQuota should create a ResourceQuota and capture the life of a replica set.
#[test]
fn resource_quota_should_create_a_resource_quota_and_capture_the_life_of_a_replica_set() {
    let selector = doc!({"matchLabels": {"name": "test"}});
    capture_the_life_of_a_workload("apps/v1", "ReplicaSet", selector, "count/replicasets.apps");
}

/// Of two quotas with opposite scopes only one counts a pod, for as long as the pod lives.
fn only_one_counts(server: &Server, pod: &Document, counting: &str, other: &str, used: &Amounts<'_>) {
    let idle: Vec<(&str, &str)> = used.iter().map(|(name, _)| (*name, "0")).collect();
    create(server, pod);
    until_used(server, counting, used);
    assert_used(server, other, &idle);
    delete_pod(server, pod.name());
    until_used(server, counting, &idle);
    assert_used(server, other, &idle);
}

/// ResourceQuota should verify ResourceQuota with terminating scopes.
#[test]
fn resource_quota_should_verify_resource_quota_with_terminating_scopes() {
    let server = server();
    let (ending, lasting) = ("quota-terminating", "quota-not-terminating");
    for (name, scope) in [(ending, "Terminating"), (lasting, "NotTerminating")] {
        let hard = doc!({
            "pods": "5", "requests.cpu": "1", "requests.memory": "500Mi",
            "limits.cpu": "2", "limits.memory": "1Gi"
        });
        create(&server, &scoped_quota(name, scope, hard));
        until_used(&server, name, &[("pods", "0")]);
    }
    let used = [
        ("pods", "1"),
        ("requests.cpu", "500m"),
        ("requests.memory", "200Mi"),
        ("limits.cpu", "1"),
        ("limits.memory", "400Mi"),
    ];
    only_one_counts(&server, &burstable_pod("test-pod"), lasting, ending, &used);
    let mut limited = burstable_pod("terminating-pod");
    limited.set(&["spec", "activeDeadlineSeconds"], 3600);
    only_one_counts(&server, &limited, ending, lasting, &used);
}

/// ResourceQuota should verify ResourceQuota with best effort scope.
#[test]
fn resource_quota_should_verify_resource_quota_with_best_effort_scope() {
    let server = server();
    let (idle, busy) = ("quota-besteffort", "quota-not-besteffort");
    for (name, scope) in [(idle, "BestEffort"), (busy, "NotBestEffort")] {
        create(&server, &scoped_quota(name, scope, doc!({"pods": "5"})));
        until_used(&server, name, &[("pods", "0")]);
    }
    only_one_counts(&server, &pod("pfpod", doc!({}), doc!({})), idle, busy, &[("pods", "1")]);
    only_one_counts(&server, &burstable_pod("burstable-pod"), busy, idle, &[("pods", "1")]);
}
