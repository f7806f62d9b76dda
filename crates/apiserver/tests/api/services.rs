//! Services: addresses and ports are given once and taken back.

use crate::support::{Server, call};
use jiff::{SignedDuration, Timestamp};
use skiff_apimachinery::time::Clock;
use skiff_apimachinery::{Document, Status, doc};
use skiff_apiserver::authentication::UserInfo;
use skiff_apiserver::request::Verb;
use skiff_apiserver::{ApiServer, Config};
use skiff_storage::{Expect, Op, Range, Txn};
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
    make_this_at(api, service(&name, "ClusterIP")).await
}

async fn make_this_at(api: &ApiServer, object: Document) -> Result<Arc<Document>, Status> {
    let mut call = call(Verb::Create, "", "v1", "services", "default", "");
    call.body = Some(object);
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

fn few_ports(config: &mut Config) {
    config.services.node_ports = 30_000..=30_005;
}

fn node_port(service: &Document) -> i64 {
    service.array_at(&["spec", "ports"])[0].i64_at(&["nodePort"]).unwrap()
}

fn with_node_port(name: &str, port: i64) -> Document {
    let mut wish = service(name, "NodePort");
    wish.set(&["spec", "ports"], doc!([{"port": 80, "nodePort": port}]));
    wish
}

#[tokio::test]
async fn servers_over_one_store_give_no_node_port_twice() {
    let server = Server::start_with(few_ports).await;
    let second = server.second(few_ports).await;
    let made = futures::future::join_all((0..6).map(|n| {
        let api = if n % 2 == 0 { &server.api } else { &second };
        make_this_at(api, service(&format!("s{n}"), "NodePort"))
    }))
    .await;
    let ports: BTreeSet<i64> = made.iter().map(|service| node_port(service.as_ref().unwrap())).collect();
    assert_eq!(ports.into_iter().collect::<Vec<_>>(), (30_000..=30_005).collect::<Vec<_>>());
    for api in [&server.api, &second] {
        let full = make_this_at(api, service("more", "NodePort")).await.unwrap_err();
        assert_eq!(full.message, "Internal error occurred: failed to allocate a nodePort: range is full");
        let taken = make_this_at(api, with_node_port("more", 30_003)).await.unwrap_err();
        let why = r#"Service "more" is invalid: spec.ports[0].nodePort: Invalid value: 30003: provided port is already allocated"#;
        assert_eq!(taken.message, why);
    }
    // What one server gives back the other one has.
    let freed = made.iter().map(|service| service.as_ref().unwrap()).find(|made| node_port(made) == 30_003);
    server.delete("services", freed.unwrap().name(), doc!({})).await.unwrap();
    make_this_at(&second, with_node_port("more", 30_003)).await.unwrap();
    server.delete("services", "more", doc!({})).await.unwrap();
    let made = make_this_at(&second, service("again", "NodePort")).await.unwrap();
    assert_eq!(node_port(&made), 30_003);
}

fn cidr(name: &str, block: &str) -> Document {
    doc!({
        "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": name},
        "spec": {"cidrs": [block]}
    })
}

#[tokio::test]
async fn addresses_come_from_service_cidrs_that_are_ready() {
    let server = Server::start_with(|config| {
        config.services.cidrs = vec!["10.43.0.0/30".parse().unwrap()];
    })
    .await;
    let mut wish = service("exact", "ClusterIP");
    wish.set(&["spec", "clusterIP"], "10.44.0.3");
    let foreign = server.make("services", wish.clone()).await.unwrap_err();
    assert_eq!(
        foreign.message,
        r#"Service "exact" is invalid: spec.clusterIPs: Invalid value: ["10.44.0.3"]: failed to allocate IP 10.44.0.3: the provided network does not match the current range"#
    );
    server
        .create("networking.k8s.io", "v1", "servicecidrs", "", cidr("extra", "10.44.0.0/29"))
        .await
        .unwrap();
    server.make("services", wish).await.unwrap();
    // The wider block comes first.
    for name in ["a", "b", "c", "d", "e"] {
        let made = server.make("services", service(name, "ClusterIP")).await.unwrap();
        assert!(made.str_at(&["spec", "clusterIP"]).starts_with("10.44.0."), "{made}");
    }
    let made = server.make("services", service("f", "ClusterIP")).await.unwrap();
    assert!(made.str_at(&["spec", "clusterIP"]).starts_with("10.43.0."), "{made}");
    server.delete("services", "exact", doc!({})).await.unwrap();
    let status = doc!({"status": {"conditions": [{
        "type": "Ready", "status": "False", "reason": "Test", "message": "", "lastTransitionTime": "2026-01-02T03:04:05Z"
    }]}});
    let mut patch = call(Verb::Patch, "networking.k8s.io", "v1", "servicecidrs", "", "extra");
    patch.subresource = "status".to_owned();
    patch.content_type = "application/merge-patch+json";
    patch.body = Some(status);
    server.local().call(patch).await.unwrap();
    let made = server.make("services", service("g", "ClusterIP")).await.unwrap();
    assert!(made.str_at(&["spec", "clusterIP"]).starts_with("10.43.0."), "{made}");
    let full = server.make("services", service("h", "ClusterIP")).await.unwrap_err();
    assert_eq!(full.message, "Internal error occurred: failed to allocate a serviceIP: range is full");
}

#[tokio::test]
async fn a_dry_run_shows_ports_and_takes_none() {
    let server = Server::start().await;
    let mut dry = call(Verb::Create, "", "v1", "services", "default", "");
    (dry.body, dry.query) = (Some(service("a", "NodePort")), vec![("dryRun".into(), "All".into())]);
    let shown = server.local().call(dry).await.unwrap();
    assert_eq!((node_port(&shown), shown.str_at(&["spec", "clusterIP"])), (32_769, "10.43.0.0"));
    let range = Range { prefix: PORT_RECORDS.to_owned(), ..Range::default() };
    assert!(server.storage.range(range).await.unwrap().items.is_empty());
}

const PORT_RECORDS: &str = "/registry/ranges/servicenodeports/";

#[tokio::test]
async fn a_lost_record_of_a_node_port_is_written_again_and_told_of() {
    let server = Server::start().await;
    let port = node_port(&server.make("services", service("a", "NodePort")).await.unwrap());
    let range = Range { prefix: format!("{PORT_RECORDS}{port}"), single: true, ..Range::default() };
    let records = server.storage.range(range.clone()).await.unwrap().items;
    let expect = Expect::ModRevision(records[0].mod_revision);
    let erase = Txn { key: records[0].key.to_string(), expect, op: Op::Delete };
    server.storage.txn(erase).await.unwrap();
    // Nobody else has the port even now.
    let taken = server.make("services", with_node_port("b", port)).await.unwrap_err();
    assert!(taken.message.ends_with("provided port is already allocated"), "{}", taken.message);
    let second = server.second(|_| {}).await;
    second.repair_records().await.unwrap();
    assert_eq!(server.storage.range(range).await.unwrap().items.len(), 1);
    let events = server.local().list(call(Verb::List, "", "v1", "events", "default", "")).await.unwrap();
    let event = events.items.iter().find(|event| event.str_at(&["reason"]) == "PortNotAllocated").unwrap();
    assert_eq!(event.str_at(&["message"]), format!("Port {port} is not allocated; repairing"));
    assert_eq!(event.str_at(&["involvedObject", "name"]), "a");
    assert_eq!(event.str_at(&["reportingComponent"]), "portallocator-repair-controller");
}
