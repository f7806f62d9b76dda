//! ResourceQuotas as upstream's conformance tests ask for them, on a control plane without a node: pods wait for
//! one and count all the same.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should say so and end")]

mod api;
mod usage;

use skiff_apimachinery::quantity::Quantity;
use skiff_apimachinery::{Document, doc, json};
use skiff_client::resources::PODS;
use skiff_client::{Client, HttpsTransport};
use skiff_testkit::{Options, Server};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const SOON: Duration = Duration::from_secs(60);

/// Amounts by resource name.
type Amounts<'a> = [(&'a str, &'a str)];

/// A server whose kubectl works in a new namespace that has what every namespace gets.
fn server() -> Server {
    let server = Server::start(Options::default());
    server.kubectl(&["create", "namespace", "quotas"]);
    server.kubectl(&["config", "set-context", "--current", "--namespace=quotas"]);
    server.until(&["get", "serviceaccount", "default"], SOON, |_| true);
    server.until(&["get", "configmap", "kube-root-ca.crt"], SOON, |_| true);
    server
}

/// Writes an object to a file that kubectl can be given.
fn file(server: &Server, object: &Document) -> String {
    let path = server.path("object.json");
    std::fs::write(&path, json::encode(object)).unwrap();
    path.to_string_lossy().into_owned()
}

fn try_create(server: &Server, object: &Document) -> Result<String, String> {
    server.try_kubectl(&["create", "-f", &file(server, object)])
}

fn create(server: &Server, object: &Document) {
    try_create(server, object).unwrap();
}

/// An object that kubectl prints.
fn json_of(server: &Server, arguments: &[&str]) -> Document {
    json::decode(server.kubectl(arguments).as_bytes()).unwrap()
}

fn count(server: &Server, resource: &str) -> usize {
    server.kubectl(&["get", resource, "-o", "name"]).lines().count()
}

fn quota(name: &str, hard: Document) -> Document {
    doc!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": {"hard": hard}})
}

/// The limits that most of upstream's tests begin with.
fn test_quota() -> Document {
    let hard = doc!({
        "pods": "5", "services": "10", "services.nodeports": "1", "services.loadbalancers": "1",
        "replicationcontrollers": "10", "resourcequotas": "1", "cpu": "1", "memory": "500Mi",
        "configmaps": "10", "secrets": "10", "persistentvolumeclaims": "10", "requests.storage": "10Gi",
        "ephemeral-storage": "50Gi", "gold.storageclass.storage.k8s.io/persistentvolumeclaims": "10",
        "gold.storageclass.storage.k8s.io/requests.storage": "10Gi", "count/replicasets.apps": "5",
        "requests.example.com/dongle": "3"
    });
    quota("test-quota", hard)
}

/// A pod of upstream's tests; no node suits it.
fn pod(name: &str, requests: Document, limits: Document) -> Document {
    doc!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
        "nodeSelector": {"x-test.k8s.io/unsatisfiable": "not-schedulable"},
        "containers": [{
            "name": "pause", "image": "example.test/pause:1",
            "resources": {"requests": requests, "limits": limits}
        }]
    }})
}

/// Asks for what a quota tells to be used of each resource.
fn query(quota: &str) -> [&str; 5] {
    let template = "go-template={{range $name, $amount := .status.used}}{{$name}}={{$amount}} {{end}}";
    ["get", "resourcequota", quota, "-o", template]
}

/// What [`query`] printed.
fn used(told: &str) -> HashMap<&str, &str> {
    told.split_whitespace().filter_map(|pair| pair.rsplit_once('=')).collect()
}

/// Whether these amounts are among what is told, however they are written.
fn tells(told: &str, amounts: &Amounts<'_>) -> bool {
    let used = used(told);
    let is_told = |name: &str, amount: &str| {
        used.get(name).is_some_and(|told| Quantity::parse(told).unwrap() == Quantity::parse(amount).unwrap())
    };
    amounts.iter().all(|&(name, amount)| is_told(name, amount))
}

/// Waits until a quota tells of this use.
fn until_used(server: &Server, quota: &str, amounts: &Amounts<'_>) {
    server.until(&query(quota), SOON, |told| tells(told, amounts));
}

/// A quota tells of this use now. Admission charges all quotas before it lets an object pass, so there is nothing to
/// wait for.
fn assert_used(server: &Server, quota: &str, amounts: &Amounts<'_>) {
    let told = server.kubectl(&query(quota));
    assert!(tells(&told, amounts), "{quota}: {told}, not {amounts:?}");
}

/// Counts the quotas that there are, creates upstream's, and waits until its status is complete.
fn begin(server: &Server, quota: &Document, amounts: &Amounts<'_>) {
    let quotas = (count(server, "resourcequotas") + 1).to_string();
    create(server, quota);
    let amounts = [&[("resourcequotas", quotas.as_str())][..], amounts].concat();
    let hard = quota.object_at(&["spec", "hard"]).unwrap();
    server.until(&query("test-quota"), SOON, |told| {
        let used = used(told);
        tells(told, &amounts) && hard.keys().all(|name| used.contains_key(name))
    });
}

/// ResourceQuota should create a ResourceQuota and ensure its status is promptly calculated.
#[test]
fn resource_quota_should_create_a_resource_quota_and_ensure_its_status_is_promptly_calculated() {
    let server = server();
    begin(&server, &test_quota(), &[]);
    let quota = json_of(&server, &["get", "resourcequota", "test-quota", "-o", "json"]);
    for (name, amount) in quota.object_at(&["spec", "hard"]).unwrap().iter() {
        assert_eq!(quota.at(&["status", "hard", name]), Some(amount), "{name}");
    }
}

#[test]
fn of_forty_pods_at_once_exactly_the_ten_that_fit_are_created() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let server = server();
    create(&server, &quota("ten", doc!({"pods": "10"})));
    until_used(&server, "ten", &[("pods", "0")]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let answers = runtime.block_on(async {
        let transport = HttpsTransport::from_kubeconfig(&server.path("kubeconfig"), "quotas").unwrap();
        let client = Client::new(Arc::new(transport));
        let mut creations = JoinSet::new();
        for i in 0..40 {
            let (client, name) = (client.clone(), format!("pod-{i}"));
            creations.spawn(async move {
                let pod = pod(&name, doc!({}), doc!({}));
                client.create(&PODS, "quotas", pod).await.map(drop).map_err(|status| (name, status))
            });
        }
        creations.join_all().await
    });
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    for (name, status) in &refused {
        let why = "exceeded quota: ten, requested: pods=1, used: pods=10, limited: pods=10";
        assert_eq!(
            (status.code, status.message.as_str()),
            (403, format!("pods {name:?} is forbidden: {why}").as_str())
        );
    }
    assert_eq!((refused.len(), count(&server, "pods")), (30, 10));
    assert_used(&server, "ten", &[("pods", "10")]);
}
