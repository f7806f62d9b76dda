//! What the kernel makes of batches, with the `nft` tool as the oracle; each test in a network namespace of its own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use expect_test::expect;
use skiff_nftables::{
    Batch, Chain, ChainType, Connection, ConnectionState, DataType, Datum, Element, Error, Family, Field,
    Hook, Mapped, Rule, Set, Table, Verdict, conntrack, priority,
};
use skiff_testkit::netns::NetworkNamespace;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

const DESTINATION: [Field; 3] = [Field::DestinationAddress, Field::Protocol, Field::DestinationPort];
const SERVICE: [DataType; 3] = [DataType::Ipv4Address, DataType::Protocol, DataType::Port];

fn table() -> Table {
    Table::new(Family::Ip, "t")
}

fn service(address: [u8; 4], port: u16) -> [Datum; 3] {
    [Datum::Address(address.into()), Datum::Protocol(6), Datum::Port(port)]
}

fn commit(namespace: &NetworkNamespace, fill: impl FnOnce(&mut Batch) + Send + 'static) -> Result<(), Error> {
    namespace.run(move || {
        let mut batch = Batch::new();
        fill(&mut batch);
        Connection::open()?.commit(&batch)
    })
}

#[test]
fn nft_shows_chains_sets_and_rules_as_they_were_meant() {
    let namespace = NetworkNamespace::new().unwrap();
    commit(&namespace, |batch| {
        let table = table();
        let family = Family::Ip;
        batch.add_table(&table, "rules of a test");
        batch.add_chain(&table, &Chain::base("nat", ChainType::Nat, Hook::Output, priority::DESTINATION_NAT));
        batch.add_chain(&table, &Chain::base("in", ChainType::Filter, Hook::Input, -110).comment("filter"));
        batch.add_chain(&table, &Chain::regular("one"));
        batch.add_chain(&table, &Chain::regular("two"));
        let services = Set::verdict_map("services", SERVICE).comment("by destination");
        batch.add_set(&table, &services);
        let clients = Set::of_keys("clients", [DataType::Ipv4Address]).dynamic(Duration::from_secs(10_800));
        batch.add_set(&table, &clients);
        let ports = Set::map("ports", [DataType::Port], [DataType::Ipv4Address, DataType::Port]);
        batch.add_set(&table, &ports);
        let endpoint_key = [SERVICE.as_slice(), &[DataType::Mark]].concat();
        batch.add_set(&table, &Set::map("endpoints", endpoint_key, [DataType::Ipv4Address, DataType::Port]));
        let element = Element::new(service([10, 43, 0, 1], 443)).verdict(Verdict::goto("one")).comment("api");
        batch.add_elements(&table, &services, &[element]);
        let element =
            Element::new([Datum::Port(53)]).data([Datum::Address([10, 0, 0, 1].into()), Datum::Port(5353)]);
        batch.add_elements(&table, &ports, &[element]);
        let to = |last, port| SocketAddr::new(IpAddr::from([10, 42, 0, last]), port);
        for rule in [
            Rule::new(family).decide_by(&DESTINATION, "services"),
            Rule::new(family)
                .source_not_in("10.42.0.0/16".parse().unwrap())
                .set_mark(0x4000)
                .comment("a comment"),
            Rule::new(family).protocol(6).translate_destination_port(to(1, 80)),
            Rule::new(family).protocol(17).translate_destination_random(&[to(1, 80), to(2, 81), to(3, 82)]),
            Rule::new(family).translate_destination_by(&DESTINATION, "endpoints", 3),
            Rule::new(family).random_verdict(vec![Verdict::goto("one"), Verdict::jump("two")]),
        ] {
            batch.add_rule(&table, "nat", &rule);
        }
        for rule in [
            Rule::new(family)
                .connection_state(ConnectionState::New)
                .member(&[Field::SourceAddress], "clients")
                .goto("two"),
            Rule::new(family).marked(0x4000).clear_mark(0x4000).counter(),
            Rule::new(family).source_is_local().verdict(Verdict::Return),
            Rule::new(family).destination_is_local().protocol(6).destination_port(80).reject(),
            Rule::new(family).destination_translated().input_interface("cni0").verdict(Verdict::Drop),
            Rule::new(family).not_member(&[Field::SourceAddress], "clients").remember(
                &[Field::SourceAddress],
                "clients",
                Duration::from_secs(600),
            ),
        ] {
            batch.add_rule(&table, "in", &rule);
        }
    })
    .unwrap();
    expect![[r#"
        table ip t {
        	comment "rules of a test"
        	map services {
        		type ipv4_addr . inet_proto . inet_service : verdict
        		comment "by destination"
        		elements = { 10.43.0.1 . tcp . 443 comment "api" : goto one }
        	}

        	set clients {
        		type ipv4_addr
        		size 65535
        		flags dynamic,timeout
        		timeout 3h
        	}

        	map ports {
        		type inet_service : ipv4_addr . inet_service
        		elements = { 53 : 10.0.0.1 . 5353 }
        	}

        	map endpoints {
        		type ipv4_addr . inet_proto . inet_service . mark : ipv4_addr . inet_service
        	}

        	chain nat {
        		type nat hook output priority -100; policy accept;
        		ip daddr . meta l4proto . th dport vmap @services
        		ip saddr != 10.42.0.0/16 meta mark set meta mark | 0x00004000 comment "a comment"
        		meta l4proto tcp dnat to 10.42.0.1:80
        		meta l4proto udp dnat ip to numgen random mod 3 map { 0 : 10.42.0.1 . 80, 1 : 10.42.0.2 . 81, 2 : 10.42.0.3 . 82 }
        		dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 3 map @endpoints
        		numgen random mod 2 vmap { 0 : goto one, 1 : jump two }
        	}

        	chain in {
        		comment "filter"
        		type filter hook input priority -110; policy accept;
        		ct state new ip saddr @clients goto two
        		meta mark & 0x00004000 != 0x00000000 meta mark set meta mark & 0xffffbfff counter packets 0 bytes 0
        		fib saddr type local return
        		fib daddr type local tcp dport 80 reject
        		ct status dnat iifname "cni0" drop
        		ip saddr != @clients update @clients { ip saddr timeout 10m }
        	}

        	chain one {
        	}

        	chain two {
        	}
        }
    "#]]
    .assert_eq(&namespace.sh("nft list table ip t"));
}

#[test]
fn a_refused_operation_is_named_and_undoes_the_batch() {
    let namespace = NetworkNamespace::new().unwrap();
    let error = commit(&namespace, |batch| {
        batch.add_table(&table(), "");
        batch.add_chain(&table(), &Chain::regular("one"));
        batch.add_rule(&table(), "one", &Rule::new(Family::Ip).goto("nowhere"));
        batch.delete_chain(&table(), "nowhere");
    })
    .unwrap_err();
    assert!(error.is_missing());
    assert!(error.to_string().starts_with("add rule to chain one of table t: No such file"), "{error}");
    assert!(error.to_string().ends_with("and 1 more"), "{error}");
    assert_eq!(namespace.sh("nft list ruleset"), "");
}

#[test]
fn a_table_is_replaced_in_one_step_and_removed_when_it_is_not_there() {
    let namespace = NetworkNamespace::new().unwrap();
    for name in ["old", "new"] {
        commit(&namespace, move |batch| {
            batch.remove_table(&table());
            batch.add_table(&table(), "");
            batch.add_chain(&table(), &Chain::regular(name));
        })
        .unwrap();
    }
    assert_eq!(namespace.sh("nft list ruleset"), "table ip t {\n\tchain new {\n\t}\n}\n");
    for _ in 0..2 {
        commit(&namespace, |batch| batch.remove_table(&table())).unwrap();
    }
    assert_eq!(namespace.run(|| Connection::open().unwrap().tables(Family::Ip).unwrap()), []);
}

#[test]
fn elements_change_one_by_one_and_read_back() {
    let namespace = NetworkNamespace::new().unwrap();
    let map = Set::verdict_map("m", SERVICE);
    let one = Element::new(service([10, 0, 0, 1], 80)).verdict(Verdict::Drop);
    let two = Element::new(service([10, 0, 0, 2], 80)).verdict(Verdict::Accept);
    let changed = Element::new(service([10, 0, 0, 1], 80)).verdict(Verdict::Accept);
    {
        let (map, elements) = (map.clone(), [one.clone(), two.clone()]);
        commit(&namespace, move |batch| {
            batch.add_table(&table(), "");
            batch.add_set(&table(), &map);
            batch.add_elements(&table(), &map, &elements);
        })
        .unwrap();
    }
    let last = changed.clone();
    let read = namespace.run(move || {
        let mut connection = Connection::open().unwrap();
        let mut batch = Batch::new();
        batch.delete_elements(&table(), "m", &[one, two]);
        batch.add_elements(&table(), &map, &[changed]);
        connection.commit(&batch).unwrap();
        connection.elements(&table(), &map).unwrap()
    });
    assert_eq!(read, [last]);
}

#[test]
fn an_element_of_other_types_is_refused_before_the_kernel_sees_it() {
    let mut batch = Batch::new();
    batch.add_elements(&table(), &Set::of_keys("s", [DataType::Port]), &[Element::new([Datum::Protocol(6)])]);
    let namespace = NetworkNamespace::new().unwrap();
    let error = namespace.run(move || Connection::open().unwrap().commit(&batch).unwrap_err());
    assert_eq!(error.to_string(), "element 6 does not have the types of s");
}

#[test]
fn ten_thousand_services_load_in_one_batch() {
    let namespace = NetworkNamespace::new().unwrap();
    let read = namespace.run(|| {
        let table = table();
        let services = Set::verdict_map("services", SERVICE);
        let endpoint_key = [SERVICE.as_slice(), &[DataType::Mark]].concat();
        let endpoints = Set::map("endpoints", endpoint_key, [DataType::Ipv4Address, DataType::Port]);
        let mut batch = Batch::new();
        batch.add_table(&table, "");
        batch.add_set(&table, &services);
        batch.add_set(&table, &endpoints);
        batch.add_chain(
            &table,
            &Chain::base("nat", ChainType::Nat, Hook::Prerouting, priority::DESTINATION_NAT),
        );
        batch.add_rule(&table, "nat", &Rule::new(Family::Ip).decide_by(&DESTINATION, "services"));
        batch.add_chain(&table, &Chain::regular("endpoints-2"));
        let choose = Rule::new(Family::Ip).translate_destination_by(&DESTINATION, "endpoints", 2);
        batch.add_rule(&table, "endpoints-2", &choose);
        let (mut verdicts, mut targets) = (Vec::new(), Vec::new());
        for i in 0..10_000_u32 {
            let [_, _, high, low] = i.to_be_bytes();
            let key = service([10, 43, high, low], 80);
            for index in 0..2 {
                let mut key = key.to_vec();
                key.push(Datum::Mark(index));
                let target =
                    [Datum::Address(IpAddr::from([10, 42, high, low])), Datum::Port(8080 + index as u16)];
                targets.push(Element::new(key).data(target));
            }
            verdicts.push(Element::new(key).verdict(Verdict::goto("endpoints-2")));
        }
        batch.add_elements(&table, &services, &verdicts);
        batch.add_elements(&table, &endpoints, &targets);
        let mut connection = Connection::open().unwrap();
        connection.commit(&batch).unwrap();
        connection.elements(&table, &services).unwrap().len()
    });
    assert_eq!(read, 10_000);
}

#[test]
fn ipv6_and_inet_tables_work() {
    let namespace = NetworkNamespace::new().unwrap();
    commit(&namespace, |batch| {
        for (family, chain) in [(Family::Ip6, "six"), (Family::Inet, "both")] {
            let table = Table::new(family, "t");
            batch.add_table(&table, "");
            batch.add_chain(&table, &Chain::base(chain, ChainType::Filter, Hook::Forward, priority::FILTER));
            let rule = Rule::new(family).source_in("fd00::/64".parse().unwrap());
            batch.add_rule(&table, chain, &rule.not_output_interface("eth0").reject());
        }
        let table = Table::new(Family::Ip6, "t");
        batch
            .add_chain(&table, &Chain::base("post", ChainType::Nat, Hook::Postrouting, priority::SOURCE_NAT));
        batch.add_rule(&table, "post", &Rule::new(Family::Ip6).not_marked(0x4000).masquerade());
    })
    .unwrap();
    expect![[r#"
        table ip6 t {
        	chain six {
        		type filter hook forward priority filter; policy accept;
        		ip6 saddr fd00::/64 oifname != "eth0" reject
        	}

        	chain post {
        		type nat hook postrouting priority srcnat; policy accept;
        		meta mark & 0x00004000 == 0x00000000 masquerade fully-random
        	}
        }
        table inet t {
        	chain both {
        		type filter hook forward priority filter; policy accept;
        		ip6 saddr fd00::/64 oifname != "eth0" reject
        	}
        }
    "#]]
    .assert_eq(&namespace.sh("nft list ruleset"));
}

#[test]
fn chosen_udp_flows_are_forgotten() {
    let namespace = NetworkNamespace::new().unwrap();
    // A rule that needs connection tracking turns it on.
    namespace.sh("nft 'add table ip t; add chain ip t c { type filter hook output priority 0; }; add rule ip t c ct state new counter'");
    let deleted = namespace.run(|| {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        for port in [1001, 1002] {
            socket.send_to(b"x", ("127.0.0.1", port)).unwrap();
        }
        let delete = || {
            let to = |flow: &conntrack::Flow| {
                flow.reply.source.port() == 1001 && flow.original.destination.port() == 1001
            };
            conntrack::delete_flows(Family::Ip, conntrack::UDP, to).unwrap()
        };
        [delete(), delete()]
    });
    assert_eq!(deleted, [1, 0]);
    let left = namespace.sh("cat /proc/thread-self/net/nf_conntrack");
    assert!(left.contains("dport=1002") && !left.contains("dport=1001"), "{left}");
}

#[test]
fn remembered_clients_read_back_with_the_time_they_have_left() {
    let namespace = NetworkNamespace::new().unwrap();
    let elements = namespace.run(|| {
        let set = Set::of_keys("clients", [DataType::Ipv4Address]).dynamic(Duration::from_secs(100));
        let mut element = Element::new([Datum::Address([10, 0, 0, 1].into())]);
        element.expires = Some(Duration::from_secs(50));
        let mut batch = Batch::new();
        batch.add_table(&table(), "");
        batch.add_set(&table(), &set);
        batch.add_elements(&table(), &set, &[element]);
        let mut connection = Connection::open().unwrap();
        connection.commit(&batch).unwrap();
        connection.elements(&table(), &set).unwrap()
    });
    let [element] = &elements[..] else { panic!("{elements:?}") };
    assert_eq!(element.value, Mapped::Nothing);
    let left = element.expires.unwrap();
    assert!(left > Duration::from_secs(30) && left <= Duration::from_secs(50), "{left:?}");
}
