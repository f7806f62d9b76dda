//! Services: addresses and ports are given once and taken back.

use crate::support::{Server, call};
use jiff::{SignedDuration, Timestamp};
use skiff_apimachinery::time::Clock;
use skiff_apimachinery::{Document, Status, doc};
use skiff_apiserver::authentication::UserInfo;
use skiff_apiserver::request::Verb;
use skiff_apiserver::{ApiServer, Config};
use std::collections::BTreeSet;
use std::sync::Arc;

fn service(name: &str, ty: &str) -> Document {
    doc!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"type": ty, "selector": {"a": "b"}, "ports": [{"port": 80}]}
    })
}

#[tokio::test]
async fn a_cluster_ip_comes_back_when_the_service_goes() {
    let server = Server::start().await;
    let made = server.make("services", service("a", "ClusterIP")).await.unwrap();
    let address = made.str_at(&["spec", "clusterIP"]).to_owned();
    assert!(address.starts_with("10.43."), "{address}");
    let mut wish = service("b", "ClusterIP");
    wish.set(&["spec", "clusterIP"], address.as_str());
    let taken = server.make("services", wish.clone()).await.unwrap_err();
    assert!(taken.message.contains("provided IP is already allocated"), "{}", taken.message);
    server.delete("services", "a", doc!({})).await.unwrap();
    let made = server.make("services", wish).await.unwrap();
    assert_eq!(made.str_at(&["spec", "clusterIP"]), address);
}

#[tokio::test]
async fn node_ports_follow_the_type() {
    let server = Server::start().await;
    let made = server.make("services", service("a", "NodePort")).await.unwrap();
    let port = made.array_at(&["spec", "ports"])[0].i64_at(&["nodePort"]).unwrap();
    assert!((30_000..=32_767).contains(&port));
    let mut plain = (*made).clone();
    plain.set(&["spec", "type"], "ClusterIP");
    let plain = server.put("services", plain).await.unwrap();
    assert_eq!(plain.array_at(&["spec", "ports"])[0].get("nodePort"), None);
    assert_eq!(plain.str_at(&["spec", "clusterIP"]), made.str_at(&["spec", "clusterIP"]));
    let mut wish = service("b", "NodePort");
    wish.set(&["spec", "ports"], doc!([{"port": 80, "nodePort": port}]));
    server.make("services", wish).await.unwrap();
}

#[tokio::test]
async fn a_put_without_addresses_keeps_them() {
    let server = Server::start().await;
    let made = server.make("services", service("a", "ClusterIP")).await.unwrap();
    let mut again = service("a", "ClusterIP");
    again.set(&["metadata", "labels"], doc!({"x": "y"}));
    let put = server.put("services", again).await.unwrap();
    assert_eq!(put.str_at(&["spec", "clusterIP"]), made.str_at(&["spec", "clusterIP"]));
}

async fn record(server: &Server, verb: Verb, address: &str) -> Result<Arc<Document>, Status> {
    server.local().call(call(verb, "networking.k8s.io", "v1", "ipaddresses", "", address)).await
}

#[tokio::test]
async fn a_cluster_ip_is_recorded_as_long_as_its_service_holds_it() {
    let server = Server::start().await;
    let made = server.make("services", service("a", "ClusterIP")).await.unwrap();
    let address = made.str_at(&["spec", "clusterIP"]).to_owned();
    let recorded = record(&server, Verb::Get, &address).await.unwrap();
    let parent = doc!({"group": "", "resource": "services", "namespace": "default", "name": "a"});
    assert_eq!(recorded["spec"]["parentRef"], parent);
    assert_eq!(recorded.label("ipaddress.kubernetes.io/ip-family"), Some("IPv4"));
    assert_eq!(recorded.label("ipaddress.kubernetes.io/managed-by"), Some("ipallocator.k8s.io"));

    let mut external = (*made).clone();
    external.insert("spec", doc!({"type": "ExternalName", "externalName": "example.test"}));
    server.put("services", external.clone()).await.unwrap();
    assert_eq!(record(&server, Verb::Get, &address).await.unwrap_err().code, 404);

    external.remove(&["metadata", "resourceVersion"]);
    external.insert("spec", doc!({"type": "ClusterIP", "ports": [{"port": 80}]}));
    let back = server.put("services", external).await.unwrap();
    let address = back.str_at(&["spec", "clusterIP"]).to_owned();
    record(&server, Verb::Get, &address).await.unwrap();
    server.delete("services", "a", doc!({})).await.unwrap();
    assert_eq!(record(&server, Verb::Get, &address).await.unwrap_err().code, 404);
}

#[tokio::test]
async fn a_service_that_is_not_stored_leaves_no_record() {
    let server = Server::start().await;
    let mut invalid = service("a", "ClusterIP");
    invalid.set(&["spec", "ports"], doc!([{"port": 0}]));
    invalid.set(&["spec", "clusterIP"], "10.43.0.77");
    assert_eq!(server.make("services", invalid).await.unwrap_err().code, 422);
    assert_eq!(record(&server, Verb::Get, "10.43.0.77").await.unwrap_err().code, 404);
    let mut dry = call(Verb::Create, "", "v1", "services", "default", "");
    let mut object = service("a", "ClusterIP");
    object.set(&["spec", "clusterIP"], "10.43.0.77");
    (dry.body, dry.query) = (Some(object), vec![("dryRun".into(), "All".into())]);
    server.local().call(dry).await.unwrap();
    assert_eq!(record(&server, Verb::Get, "10.43.0.77").await.unwrap_err().code, 404);
}

fn few_addresses(config: &mut Config) {
    config.services.cidrs = vec!["10.43.0.0/28".parse().unwrap()];
}

async fn make_at(api: &ApiServer, name: String) -> Result<Arc<Document>, Status> {
    let mut call = call(Verb::Create, "", "v1", "services", "default", "");
    call.body = Some(service(&name, "ClusterIP"));
    api.local(UserInfo::authenticated("admin", ["system:masters"]), "test").call(call).await
}

#[tokio::test]
async fn servers_over_one_store_give_no_address_twice() {
    let server = Server::start_with(few_addresses).await;
    let second = server.second(few_addresses).await;
    let made = futures::future::join_all((0..14).map(|n| {
        let api = if n % 2 == 0 { &server.api } else { &second };
        make_at(api, format!("s{n}"))
    }))
    .await;
    let addresses: BTreeSet<String> = made
        .iter()
        .map(|service| service.as_ref().unwrap().str_at(&["spec", "clusterIP"]).to_owned())
        .collect();
    assert_eq!(addresses.len(), 14, "{addresses:?}");
    for api in [&server.api, &second] {
        let full = make_at(api, "more".into()).await.unwrap_err();
        assert!(full.message.contains("range is full"), "{}", full.message);
    }
}

struct InTwoMinutes;

impl Clock for InTwoMinutes {
    fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_mins(2)
    }
}

#[tokio::test]
async fn records_are_repaired() {
    let server = Server::start().await;
    let made = server.make("services", service("a", "ClusterIP")).await.unwrap();
    let address = made.str_at(&["spec", "clusterIP"]);
    record(&server, Verb::Delete, address).await.unwrap();
    // A record of a Service that was never stored.
    let mut orphan = call(Verb::Create, "networking.k8s.io", "v1", "ipaddresses", "", "");
    orphan.body = Some(doc!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IPAddress",
        "metadata": {"name": "10.43.0.99", "labels": {"ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io"}},
        "spec": {"parentRef": {"resource": "services", "namespace": "default", "name": "gone"}}
    }));
    server.local().call(orphan).await.unwrap();
    let second = server.second(|config| config.clock = Arc::new(InTwoMinutes)).await;
    second.repair_records().await.unwrap();
    record(&server, Verb::Get, address).await.unwrap();
    assert_eq!(record(&server, Verb::Get, "10.43.0.99").await.unwrap_err().code, 404);
}
