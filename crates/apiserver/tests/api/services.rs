//! Services: addresses and ports are given once and taken back.

use crate::support::Server;
use skiff_apimachinery::{Document, doc};

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
