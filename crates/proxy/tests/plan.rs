//! Plans of Services as tables: objects in, slots out.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use expect_test::{Expect, expect};
use skiff_apimachinery::{Document, doc};
use skiff_proxy::facts::{Family, NodeFacts, ServiceEndpoints, ServiceFacts};
use skiff_proxy::plan;

fn node() -> NodeFacts {
    NodeFacts { name: "here".into(), addresses: vec![[192, 0, 2, 2].into()], ..NodeFacts::default() }
}

/// `address` alone is ready and elsewhere; a following `L` makes it local, `t` terminating, `x` unready.
fn slice(endpoints: &[&str]) -> Document {
    let endpoints: Vec<Document> = endpoints
        .iter()
        .map(|text| {
            let mut words = text.split(' ');
            let address = words.next().unwrap_or_default();
            let words: Vec<&str> = words.collect();
            let has = |word| words.contains(&word);
            let ready = !has("t") && !has("x");
            doc!({
                "addresses": [address],
                "nodeName": (if has("L") { "here" } else { "there" }),
                "conditions": {"ready": ready, "serving": (!has("x")), "terminating": (has("t"))}
            })
        })
        .collect();
    doc!({
        "addressType": "IPv4",
        "metadata": {"namespace": "ns", "name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": (Document::from(endpoints))
    })
}

fn service(spec: Document) -> Document {
    let mut service = doc!({
        "metadata": {"namespace": "ns", "name": "web"},
        "spec": {"clusterIP": "10.43.0.1", "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}
    });
    for (key, value) in spec.as_object().expect("a spec").iter() {
        service.set(&["spec", key], value.clone());
    }
    service
}

#[track_caller]
fn check(service: &Document, endpoints: &[&str], expected: Expect) {
    let Some(facts) = ServiceFacts::read(&service.read().unwrap()) else {
        return expected.assert_eq("not proxied");
    };
    let slice = slice(endpoints).read().unwrap();
    let endpoints = ServiceEndpoints::read([&slice], "here");
    let plan = plan(&facts, &endpoints, &node(), Family::V4);
    let lines: String =
        plan.wanted.iter().map(|(slot, content)| format!("{slot:?}: {content:?}\n")).collect();
    expected.assert_eq(&lines);
}

#[test]
fn a_cluster_ip_shares_its_chain_and_has_endpoints_as_elements() {
    check(
        &service(doc!({})),
        &["10.42.0.2 L", "10.42.0.3", "10.42.0.4 x"],
        expect![[r#"
        ClusterIp(10.43.0.1): Present
        Hairpin(10.42.0.2): Present
        Chain("endpoints-2"): Body(Choose(2))
        Route(Destination { address: Some(10.43.0.1), protocol: Tcp, port: 80 }): Goto("endpoints-2")
        Endpoint(Destination { address: Some(10.43.0.1), protocol: Tcp, port: 80 }, 0): Endpoint(10.42.0.2:8080)
        Endpoint(Destination { address: Some(10.43.0.1), protocol: Tcp, port: 80 }, 1): Endpoint(10.42.0.3:8080)
    "#]],
    );
}

#[test]
fn no_endpoints_means_reject() {
    check(
        &service(doc!({})),
        &["10.42.0.4 x"],
        expect![[r#"
        ClusterIp(10.43.0.1): Present
        Refused(Destination { address: Some(10.43.0.1), protocol: Tcp, port: 80 }): Refusal(Reject)
    "#]],
    );
}

#[test]
fn internal_policy_local_drops_where_only_others_have_endpoints() {
    let local = service(doc!({"internalTrafficPolicy": "Local"}));
    check(
        &local,
        &["10.42.0.3"],
        expect![[r#"
        ClusterIp(10.43.0.1): Present
        Refused(Destination { address: Some(10.43.0.1), protocol: Tcp, port: 80 }): Refusal(Drop)
    "#]],
    );
    check(
        &local,
        &["10.42.0.2 L", "10.42.0.3"],
        expect![[r#"
        ClusterIp(10.43.0.1): Present
        Hairpin(10.42.0.2): Present
        Chain("endpoints-1"): Body(Choose(1))
        Route(Destination { address: Some(10.43.0.1), protocol: Tcp, port: 80 }): Goto("endpoints-1")
        Endpoint(Destination { address: Some(10.43.0.1), protocol: Tcp, port: 80 }, 0): Endpoint(10.42.0.2:8080)
    "#]],
    );
}

#[test]
fn a_node_port_has_chains_as_upstream() {
    let ports = doc!([{"name": "http", "port": 80, "protocol": "TCP", "nodePort": 30080}]);
    let service = service(doc!({"type": "NodePort", "ports": (ports)}));
    check(
        &service,
        &["10.42.0.2 L", "10.42.0.3"],
        expect![[r#"
        ClusterIp(10.43.0.1): Present
        Hairpin(10.42.0.2): Present
        Chain("external-Y6QD5CCT-ns/web/tcp/http"): Body(External(Cluster { chain: "service-Y6QD5CCT-ns/web/tcp/http" }))
        Chain("service-Y6QD5CCT-ns/web/tcp/http"): Body(Balance(Random(Tcp, [10.42.0.2:8080, 10.42.0.3:8080])))
        Route(Destination { address: None, protocol: Tcp, port: 30080 }): Goto("external-Y6QD5CCT-ns/web/tcp/http")
        Route(Destination { address: Some(10.43.0.1), protocol: Tcp, port: 80 }): Goto("service-Y6QD5CCT-ns/web/tcp/http")
    "#]],
    );
}

#[test]
fn external_policy_local_keeps_sources_and_drops_without_local_endpoints() {
    let ports = doc!([{"name": "http", "port": 80, "protocol": "TCP", "nodePort": 30080}]);
    let service = service(doc!({"type": "NodePort", "ports": (ports), "externalTrafficPolicy": "Local"}));
    check(
        &service,
        &["10.42.0.2 L", "10.42.0.3"],
        expect![[r#"
        ClusterIp(10.43.0.1): Present
        Hairpin(10.42.0.2): Present
        Chain("external-Y6QD5CCT-ns/web/tcp/http"): Body(External(Local { all: "service-Y6QD5CCT-ns/web/tcp/http", local: Some("local-Y6QD5CCT-ns/web/tcp/http") }))
        Chain("local-Y6QD5CCT-ns/web/tcp/http"): Body(Balance(Random(Tcp, [10.42.0.2:8080])))
        Chain("service-Y6QD5CCT-ns/web/tcp/http"): Body(Balance(Random(Tcp, [10.42.0.2:8080, 10.42.0.3:8080])))
        Route(Destination { address: None, protocol: Tcp, port: 30080 }): Goto("external-Y6QD5CCT-ns/web/tcp/http")
        Route(Destination { address: Some(10.43.0.1), protocol: Tcp, port: 80 }): Goto("service-Y6QD5CCT-ns/web/tcp/http")
    "#]],
    );
    check(
        &service,
        &["10.42.0.3"],
        expect![[r#"
        ClusterIp(10.43.0.1): Present
        Chain("external-Y6QD5CCT-ns/web/tcp/http"): Body(External(Local { all: "service-Y6QD5CCT-ns/web/tcp/http", local: None }))
        Chain("service-Y6QD5CCT-ns/web/tcp/http"): Body(Balance(Random(Tcp, [10.42.0.3:8080])))
        Route(Destination { address: None, protocol: Tcp, port: 30080 }): Goto("external-Y6QD5CCT-ns/web/tcp/http")
        Route(Destination { address: Some(10.43.0.1), protocol: Tcp, port: 80 }): Goto("service-Y6QD5CCT-ns/web/tcp/http")
        Refused(Destination { address: None, protocol: Tcp, port: 30080 }): Refusal(Drop)
    "#]],
    );
    check(
        &service,
        &["10.42.0.2 L t", "10.42.0.3"],
        expect![[r#"
        ClusterIp(10.43.0.1): Present
        Hairpin(10.42.0.2): Present
        Chain("external-Y6QD5CCT-ns/web/tcp/http"): Body(External(Local { all: "service-Y6QD5CCT-ns/web/tcp/http", local: Some("local-Y6QD5CCT-ns/web/tcp/http") }))
        Chain("local-Y6QD5CCT-ns/web/tcp/http"): Body(Balance(Random(Tcp, [10.42.0.2:8080])))
        Chain("service-Y6QD5CCT-ns/web/tcp/http"): Body(Balance(Random(Tcp, [10.42.0.3:8080])))
        Route(Destination { address: None, protocol: Tcp, port: 30080 }): Goto("external-Y6QD5CCT-ns/web/tcp/http")
        Route(Destination { address: Some(10.43.0.1), protocol: Tcp, port: 80 }): Goto("service-Y6QD5CCT-ns/web/tcp/http")
    "#]],
    );
}

#[test]
fn affinity_gives_each_endpoint_a_chain_and_a_set() {
    check(
        &service(doc!({"sessionAffinity": "ClientIP"})),
        &["10.42.0.2", "10.42.0.3"],
        expect![[r#"
        ClusterIp(10.43.0.1): Present
        AffinitySet("affinity-IMDSBJ2A-ns/web/tcp/http__10.42.0.2/8080"): Present
        AffinitySet("affinity-XDWJQKIH-ns/web/tcp/http__10.42.0.3/8080"): Present
        Chain("endpoint-IMDSBJ2A-ns/web/tcp/http__10.42.0.2/8080"): Body(StickyEndpoint { affinity_set: "affinity-IMDSBJ2A-ns/web/tcp/http__10.42.0.2/8080", endpoint: 10.42.0.2:8080, protocol: Tcp, timeout: 10800s })
        Chain("endpoint-XDWJQKIH-ns/web/tcp/http__10.42.0.3/8080"): Body(StickyEndpoint { affinity_set: "affinity-XDWJQKIH-ns/web/tcp/http__10.42.0.3/8080", endpoint: 10.42.0.3:8080, protocol: Tcp, timeout: 10800s })
        Chain("service-Y6QD5CCT-ns/web/tcp/http"): Body(Balance(Sticky([("affinity-IMDSBJ2A-ns/web/tcp/http__10.42.0.2/8080", "endpoint-IMDSBJ2A-ns/web/tcp/http__10.42.0.2/8080"), ("affinity-XDWJQKIH-ns/web/tcp/http__10.42.0.3/8080", "endpoint-XDWJQKIH-ns/web/tcp/http__10.42.0.3/8080")])))
        Route(Destination { address: Some(10.43.0.1), protocol: Tcp, port: 80 }): Goto("service-Y6QD5CCT-ns/web/tcp/http")
    "#]],
    );
}

#[test]
fn load_balancer_addresses_are_guarded_by_source_ranges() {
    let mut service = service(doc!({"type": "LoadBalancer", "loadBalancerSourceRanges": ["192.0.2.0/24"]}));
    service.set(
        &["status", "loadBalancer", "ingress"],
        doc!([{"ip": "198.51.100.1"}, {"ip": "198.51.100.2", "ipMode": "Proxy"}]),
    );
    check(
        &service,
        &["10.42.0.2"],
        expect![[r#"
        ClusterIp(10.43.0.1): Present
        Chain("external-Y6QD5CCT-ns/web/tcp/http"): Body(External(Cluster { chain: "service-Y6QD5CCT-ns/web/tcp/http" }))
        Chain("firewall-Y6QD5CCT-ns/web/tcp/http"): Body(Firewall([192.0.2.0/24]))
        Chain("service-Y6QD5CCT-ns/web/tcp/http"): Body(Balance(Random(Tcp, [10.42.0.2:8080])))
        Route(Destination { address: Some(10.43.0.1), protocol: Tcp, port: 80 }): Goto("service-Y6QD5CCT-ns/web/tcp/http")
        Route(Destination { address: Some(198.51.100.1), protocol: Tcp, port: 80 }): Goto("external-Y6QD5CCT-ns/web/tcp/http")
        Firewall(Destination { address: Some(198.51.100.1), protocol: Tcp, port: 80 }): Goto("firewall-Y6QD5CCT-ns/web/tcp/http")
    "#]],
    );
}

#[test]
fn headless_services_external_names_and_other_proxies_services_are_left_alone() {
    check(&service(doc!({"clusterIP": "None"})), &[], expect!["not proxied"]);
    check(
        &service(doc!({"type": "ExternalName", "externalName": "example.test"})),
        &[],
        expect!["not proxied"],
    );
    let mut other = service(doc!({}));
    other.set(&["metadata", "labels"], doc!({"service.kubernetes.io/service-proxy-name": "other"}));
    check(&other, &[], expect!["not proxied"]);
}
