//! ServiceCIDRs extend the range of cluster IPs and stay while Services need them (KEP-1880), on a control plane without a
//! node.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should say so and end")]

use skiff_apimachinery::{Document, doc, json};
use skiff_testkit::{Options, Server};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);
/// A ServiceCIDR goes ten seconds after it is deleted, and the default one is looked at every ten seconds.
const LATER: Duration = Duration::from_secs(60);
/// Fourteen addresses, some of which the control plane itself takes.
const DEFAULT: &str = "10.90.0.0/28";

fn server() -> Server {
    let flags = vec!["--service-cidr".to_owned(), DEFAULT.to_owned()];
    let server = Server::start(Options { flags, ..Options::default() });
    until_ready(&server, "kubernetes");
    server
}

/// Writes an object to a file and has kubectl create it.
fn try_create(server: &Server, object: &Document) -> Result<String, String> {
    let path = server.path("object.json");
    std::fs::write(&path, json::encode(object)).unwrap();
    server.try_kubectl(&["create", "-f", &path.to_string_lossy()])
}

fn service(name: &str, cluster_ip: Option<&str>) -> Document {
    doc!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"clusterIP": cluster_ip, "ports": [{"port": 80}]}
    })
}

fn cidr(name: &str, block: &str) -> Document {
    doc!({
        "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": name},
        "spec": {"cidrs": [block]}
    })
}

fn field(server: &Server, kind: &str, name: &str, path: &str) -> String {
    server.kubectl(&["get", kind, name, "-o", &format!("jsonpath={{{path}}}")])
}

fn until_ready(server: &Server, cidr: &str) {
    let condition = r#"jsonpath={.status.conditions[?(@.type=="Ready")].status}"#;
    server.until(&["get", "servicecidr", cidr, "-o", condition], SOON, |status| status == "True");
}

/// Deletes a ServiceCIDR and waits until it is told why it stays.
fn delete_in_vain(server: &Server, cidr: &str) {
    server.kubectl(&["delete", "servicecidr", cidr, "--wait=false"]);
    let condition = r#"jsonpath={.status.conditions[?(@.type=="Ready")]}"#;
    server.until(&["get", "servicecidr", cidr, "-o", condition], SOON, |condition| {
        json::decode(condition.as_bytes()).is_ok_and(|condition| {
            condition.str_at(&["status"]) == "False"
                && condition.str_at(&["reason"]) == "Terminating"
                && condition.str_at(&["message"])
                    == "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR"
        })
    });
}

/// Creates Services until there is no address left.
fn fill(server: &Server) {
    for number in 0..16 {
        if let Err(refused) = try_create(server, &service(&format!("fill-{number}"), None)) {
            assert!(refused.contains("failed to allocate a serviceIP: range is full"), "{refused}");
            return;
        }
    }
    panic!("{DEFAULT} has more addresses than it can have");
}

#[test]
fn a_service_cidr_gives_addresses_and_stays_as_long_as_they_are_used() {
    let server = server();
    fill(&server);
    let refused = try_create(&server, &service("exact", Some("10.91.0.5"))).unwrap_err();
    let why = r#"spec.clusterIPs: Invalid value: ["10.91.0.5"]: failed to allocate IP 10.91.0.5: the provided network does not match the current range"#;
    assert!(refused.contains(why), "{refused}");

    try_create(&server, &cidr("extra", "10.91.0.0/28")).unwrap();
    until_ready(&server, "extra");
    assert_eq!(
        field(&server, "servicecidr", "extra", ".metadata.finalizers[0]"),
        "networking.k8s.io/service-cidr-finalizer"
    );
    try_create(&server, &service("over", None)).unwrap();
    let address = field(&server, "service", "over", ".spec.clusterIP");
    assert!(address.starts_with("10.91.0."), "{address}");
    assert_eq!(field(&server, "ipaddress", &address, ".spec.parentRef.name"), "over");
    let exact = if address == "10.91.0.5" { "10.91.0.6" } else { "10.91.0.5" };
    try_create(&server, &service("exact", Some(exact))).unwrap();
    let refused = try_create(&server, &service("again", Some(exact))).unwrap_err();
    assert!(
        refused.contains(&format!("failed to allocate IP {exact}: provided IP is already allocated")),
        "{refused}"
    );

    delete_in_vain(&server, "extra");
    let refused = try_create(&server, &service("late", None)).unwrap_err();
    assert!(refused.contains("failed to allocate a serviceIP: range is full"), "{refused}");
    server.kubectl(&["delete", "service", "over"]);
    assert_eq!(field(&server, "servicecidr", "extra", ".spec.cidrs[0]"), "10.91.0.0/28");
    server.kubectl(&["delete", "service", "exact"]);
    server.until(&["get", "servicecidr", "extra", "--ignore-not-found", "-o", "name"], LATER, str::is_empty);
}

#[test]
fn the_default_service_cidr_is_made_again() {
    let server = server();
    let uid = field(&server, "servicecidr", "kubernetes", ".metadata.uid");
    delete_in_vain(&server, "kubernetes");
    // One with the same block takes over the addresses.
    try_create(&server, &cidr("twin", DEFAULT)).unwrap();
    let path = "jsonpath={.metadata.uid}";
    server
        .until(&["get", "servicecidr", "kubernetes", "-o", path], LATER, |now| !now.is_empty() && now != uid);
    until_ready(&server, "kubernetes");
    assert_eq!(field(&server, "servicecidr", "kubernetes", ".spec.cidrs[0]"), DEFAULT);
    try_create(&server, &service("a", None)).unwrap();
}
