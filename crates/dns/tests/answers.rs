//! Answers as a table: the cluster's names and what they lead to.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use expect_test::{Expect, expect};
use skiff_dns::{
    Answer, Data, EndpointEntry, PortEntry, Question, RecordKind, ServiceEntry, World, Zone, answer,
};
use std::fmt::Write;
use std::net::IpAddr;

/// Namespace `ns` with the Services `web` (cluster IPs of both families), `db` (headless), `out` (ExternalName) and
/// `slow` (headless, publishes endpoints that are not ready).
struct Table;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn ports() -> Vec<PortEntry> {
    vec![PortEntry { name: "http".into(), protocol: "tcp".into(), port: 80 }]
}

impl World for Table {
    fn service(&self, namespace: &str, name: &str) -> Option<ServiceEntry> {
        let headless = ServiceEntry { ports: ports(), ..ServiceEntry::default() };
        match (namespace, name) {
            ("ns", "web") => {
                Some(ServiceEntry { cluster_ips: vec![ip("10.43.0.80"), ip("fd00::80")], ..headless })
            }
            ("ns", "db" | "empty") => Some(headless),
            ("ns", "slow") => Some(ServiceEntry { publish_not_ready: true, ..headless }),
            ("ns", "out") => {
                Some(ServiceEntry { external_name: Some("example.test".into()), ..ServiceEntry::default() })
            }
            ("kube-system", "kube-dns") => {
                Some(ServiceEntry { cluster_ips: vec![ip("10.43.0.10")], ..headless })
            }
            _ => None,
        }
    }

    fn endpoints(&self, namespace: &str, service: &str) -> Vec<EndpointEntry> {
        let endpoint = |address: &str, hostname: Option<&str>, ready| EndpointEntry {
            address: ip(address),
            hostname: hostname.map(str::to_owned),
            ready,
            ports: ports(),
        };
        match (namespace, service) {
            ("ns", "db") => vec![
                endpoint("10.42.0.2", Some("db-0"), true),
                endpoint("10.42.0.3", None, true),
                endpoint("10.42.0.4", Some("db-2"), false),
            ],
            ("ns", "slow") => vec![endpoint("10.42.0.5", None, false)],
            ("ns", "web") => vec![endpoint("10.42.0.6", None, true)],
            _ => Vec::new(),
        }
    }

    fn has_namespace(&self, namespace: &str) -> bool {
        matches!(namespace, "ns" | "kube-system")
    }

    fn services_by_address(&self, address: IpAddr) -> Vec<(String, String)> {
        if address == ip("10.43.0.80") { vec![("ns".into(), "web".into())] } else { Vec::new() }
    }

    fn services_by_endpoint(&self, address: IpAddr) -> Vec<(String, String)> {
        let db = ["10.42.0.2", "10.42.0.3", "10.42.0.4"].map(ip).contains(&address);
        if db { vec![("ns".into(), "db".into())] } else { Vec::new() }
    }
}

fn text(data: &Data) -> String {
    match data {
        Data::A(address) => format!("A {address}"),
        Data::Aaaa(address) => format!("AAAA {address}"),
        Data::Soa => "SOA".into(),
        Data::Ns(name) => format!("NS {name}"),
        Data::Ptr(name) => format!("PTR {name}"),
        Data::Txt(text) => format!("TXT {text}"),
        Data::Srv { weight, port, target } => format!("SRV 0 {weight} {port} {target}"),
    }
}

#[track_caller]
fn check(questions: &[(&str, RecordKind)], expected: Expect) {
    let zone = Zone::new("cluster.local").unwrap();
    let mut out = String::new();
    for (name, kind) in questions {
        let answer = answer(&Question::new(name, *kind), &zone, &Table);
        let told = match &answer {
            Answer::Found { answers, additional } => {
                let additional = additional.iter().map(|r| format!(" (+ {} {})", r.name, text(&r.data)));
                answers.iter().map(text).collect::<Vec<_>>().join(", ") + &additional.collect::<String>()
            }
            other => format!("{other:?}"),
        };
        writeln!(out, "{name} {kind:?}: {told}").unwrap();
    }
    expected.assert_eq(&out);
}

use RecordKind::{A, Aaaa, Ns, Ptr, Soa, Srv, Txt};

#[test]
fn services_with_cluster_ips() {
    check(
        &[
            ("web.ns.svc.cluster.local.", A),
            ("WEB.Ns.SVC.Cluster.Local.", A),
            ("web.ns.svc.cluster.local", Aaaa),
            ("web.ns.svc.cluster.local", Txt),
            ("web.ns.svc.cluster.local", Srv),
            ("_http._tcp.web.ns.svc.cluster.local", Srv),
            ("_http._udp.web.ns.svc.cluster.local", Srv),
            ("_http.web.ns.svc.cluster.local", Srv),
            ("10-42-0-6.web.ns.svc.cluster.local", A),
            ("nothing.ns.svc.cluster.local", A),
            ("web.nowhere.svc.cluster.local", A),
            ("a.b.c.web.ns.svc.cluster.local", A),
        ],
        expect![[r#"
            web.ns.svc.cluster.local. A: A 10.43.0.80
            WEB.Ns.SVC.Cluster.Local. A: A 10.43.0.80
            web.ns.svc.cluster.local Aaaa: AAAA fd00::80
            web.ns.svc.cluster.local Txt: NoData
            web.ns.svc.cluster.local Srv: SRV 0 100 80 web.ns.svc.cluster.local (+ web.ns.svc.cluster.local A 10.43.0.80) (+ web.ns.svc.cluster.local AAAA fd00::80)
            _http._tcp.web.ns.svc.cluster.local Srv: SRV 0 100 80 web.ns.svc.cluster.local (+ web.ns.svc.cluster.local A 10.43.0.80) (+ web.ns.svc.cluster.local AAAA fd00::80)
            _http._udp.web.ns.svc.cluster.local Srv: NoSuchName
            _http.web.ns.svc.cluster.local Srv: NoSuchName
            10-42-0-6.web.ns.svc.cluster.local A: A 10.42.0.6
            nothing.ns.svc.cluster.local A: NoSuchName
            web.nowhere.svc.cluster.local A: NoSuchName
            a.b.c.web.ns.svc.cluster.local A: NoSuchName
        "#]],
    );
}

#[test]
fn headless_services_and_their_endpoints() {
    check(
        &[
            ("db.ns.svc.cluster.local", A),
            ("db.ns.svc.cluster.local", Aaaa),
            ("db-0.db.ns.svc.cluster.local", A),
            ("DB-0.db.ns.svc.cluster.local", A),
            ("10-42-0-3.db.ns.svc.cluster.local", A),
            ("10-42-0-2.db.ns.svc.cluster.local", A),
            ("db-2.db.ns.svc.cluster.local", A),
            ("_http._tcp.db.ns.svc.cluster.local", Srv),
            ("slow.ns.svc.cluster.local", A),
            ("empty.ns.svc.cluster.local", A),
        ],
        expect![[r#"
            db.ns.svc.cluster.local A: A 10.42.0.2, A 10.42.0.3
            db.ns.svc.cluster.local Aaaa: NoData
            db-0.db.ns.svc.cluster.local A: A 10.42.0.2
            DB-0.db.ns.svc.cluster.local A: A 10.42.0.2
            10-42-0-3.db.ns.svc.cluster.local A: A 10.42.0.3
            10-42-0-2.db.ns.svc.cluster.local A: NoSuchName
            db-2.db.ns.svc.cluster.local A: NoSuchName
            _http._tcp.db.ns.svc.cluster.local Srv: SRV 0 50 80 db-0.db.ns.svc.cluster.local, SRV 0 50 80 10-42-0-3.db.ns.svc.cluster.local (+ db-0.db.ns.svc.cluster.local A 10.42.0.2) (+ 10-42-0-3.db.ns.svc.cluster.local A 10.42.0.3)
            slow.ns.svc.cluster.local A: A 10.42.0.5
            empty.ns.svc.cluster.local A: NoSuchName
        "#]],
    );
}

#[test]
fn external_names_pods_and_names_between() {
    check(
        &[
            ("out.ns.svc.cluster.local", A),
            ("x.out.ns.svc.cluster.local", A),
            ("10-42-0-2.ns.pod.cluster.local", A),
            ("10-42-0-2.ns.pod.cluster.local", Aaaa),
            ("fd00--5.ns.pod.cluster.local", Aaaa),
            ("10-42-0.ns.pod.cluster.local", A),
            ("10-42-0-2.nowhere.pod.cluster.local", A),
            ("ns.pod.cluster.local", A),
            ("ns.svc.cluster.local", A),
            ("nowhere.svc.cluster.local", A),
            ("svc.cluster.local", A),
            ("cluster.local", A),
            ("foo.cluster.local", A),
            ("example.test", A),
            ("local", A),
        ],
        expect![[r#"
            out.ns.svc.cluster.local A: Alias("example.test")
            x.out.ns.svc.cluster.local A: NoSuchName
            10-42-0-2.ns.pod.cluster.local A: A 10.42.0.2
            10-42-0-2.ns.pod.cluster.local Aaaa: NoData
            fd00--5.ns.pod.cluster.local Aaaa: AAAA fd00::5
            10-42-0.ns.pod.cluster.local A: NoSuchName
            10-42-0-2.nowhere.pod.cluster.local A: NoSuchName
            ns.pod.cluster.local A: NoData
            ns.svc.cluster.local A: NoData
            nowhere.svc.cluster.local A: NoSuchName
            svc.cluster.local A: NoData
            cluster.local A: NoData
            foo.cluster.local A: NoSuchName
            example.test A: Elsewhere
            local A: Elsewhere
        "#]],
    );
}

#[test]
fn the_zone_itself() {
    check(
        &[
            ("cluster.local", Soa),
            ("cluster.local", Ns),
            ("ns.dns.cluster.local", A),
            ("dns-version.cluster.local", Txt),
            ("dns-version.cluster.local", A),
        ],
        expect![[r#"
            cluster.local Soa: SOA
            cluster.local Ns: NS ns.dns.cluster.local
            ns.dns.cluster.local A: A 10.43.0.10
            dns-version.cluster.local Txt: TXT 1.1.0
            dns-version.cluster.local A: NoData
        "#]],
    );
}

#[test]
fn reverse_names() {
    check(
        &[
            ("80.0.43.10.in-addr.arpa", Ptr),
            ("80.0.43.10.in-addr.arpa", A),
            ("2.0.42.10.in-addr.arpa", Ptr),
            ("3.0.42.10.in-addr.arpa", Ptr),
            ("4.0.42.10.in-addr.arpa", Ptr),
            ("1.2.0.192.in-addr.arpa", Ptr),
        ],
        expect![[r#"
            80.0.43.10.in-addr.arpa Ptr: PTR web.ns.svc.cluster.local
            80.0.43.10.in-addr.arpa A: NoData
            2.0.42.10.in-addr.arpa Ptr: PTR db-0.db.ns.svc.cluster.local
            3.0.42.10.in-addr.arpa Ptr: PTR 10-42-0-3.db.ns.svc.cluster.local
            4.0.42.10.in-addr.arpa Ptr: Elsewhere
            1.2.0.192.in-addr.arpa Ptr: Elsewhere
        "#]],
    );
}
