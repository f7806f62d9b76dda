//! The proxy in the kernel: real pods on a real pod network, real traffic, an API in memory.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use expect_test::expect;
use skiff_apimachinery::{Document, doc};
use skiff_client::informer::SharedInformers;
use skiff_client::resources::{ENDPOINT_SLICES, NODES, SERVICES};
use skiff_cri::network::{SandboxNetwork, SandboxNetworkRequest};
use skiff_network::{NetworkConfig, PodNetwork};
use skiff_proxy::facts::{Family, NodeFacts};
use skiff_proxy::nft::Nftables;
use skiff_proxy::{Backend, Change, Proxy, ProxyConfig, Result};
use skiff_testkit::memory_api::MemoryApi;
use skiff_testkit::netns::NetworkNamespace;
use skiff_testkit::traffic::{ask, ask_udp, serve};
use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::sync::mpsc;
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(10);

/// A node with two pods and a world outside, and a proxy on it.
struct Cluster {
    node: NetworkNamespace,
    world: NetworkNamespace,
    pods: [NetworkNamespace; 2],
    api: MemoryApi,
    proxy: Option<Running>,
    _data: tempfile::TempDir,
}

struct Running {
    stop: tokio::sync::oneshot::Sender<()>,
    thread: std::thread::JoinHandle<()>,
    commits: mpsc::Receiver<()>,
}

/// Tells the test of each commit.
struct Observed {
    backend: Nftables,
    commits: mpsc::Sender<()>,
}

impl Backend for Observed {
    fn replace(&mut self, node: &NodeFacts, all: &[(Family, Vec<Change>)]) -> Result<()> {
        self.backend.replace(node, all)?;
        let _ = self.commits.send(());
        Ok(())
    }
    fn apply(&mut self, changes: &[(Family, Vec<Change>)]) -> Result<()> {
        self.backend.apply(changes)?;
        let _ = self.commits.send(());
        Ok(())
    }
}

impl Cluster {
    fn new() -> Self {
        let [node, world, one, two] = [(); 4].map(|()| NetworkNamespace::new().unwrap());
        node.sh(&format!(
            "ip link add up0 type veth peer name down0 netns {}\n\
             ip addr add 192.0.2.2/24 dev up0; ip link set up0 up; ip route add default via 192.0.2.1",
            world.path().display()
        ));
        world.sh("ip addr add 192.0.2.1/24 dev down0; ip link set down0 up");
        let data = tempfile::tempdir().unwrap();
        let config = NetworkConfig {
            data_dir: data.path().to_owned(),
            bridge_name: "cni0".into(),
            cluster_cidrs: vec!["10.42.0.0/16".parse().unwrap()],
            mtu: None,
        };
        let requests = [(&one, "one"), (&two, "two")].map(|(pod, id)| SandboxNetworkRequest {
            sandbox_id: id.into(),
            namespace: "default".into(),
            name: id.into(),
            netns: pod.path().to_owned(),
            host_ports: Vec::new(),
        });
        node.run(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let network = PodNetwork::open(config).await.unwrap();
                network.configure(vec!["10.42.0.0/24".into()]).await.unwrap();
                for request in requests {
                    network.setup(request).await.unwrap();
                }
            });
        });
        serve(&one, 8080, "one");
        serve(&two, 8080, "two");
        let api = MemoryApi::default();
        api.put(
            &NODES,
            doc!({
                "metadata": {"name": "here"},
                "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.2"}]}
            }),
        );
        Self { node, world, pods: [one, two], api, proxy: None, _data: data }
    }

    fn start(&mut self) {
        let api = self.api.clone();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (sender, commits) = mpsc::channel();
        let thread = self.node.run(move || {
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let config = ProxyConfig {
                        node_name: "here".into(),
                        node_port_addresses: Vec::new(),
                        cluster_cidrs: vec!["10.42.0.0/16".parse().unwrap()],
                    };
                    let proxy = Proxy::new(config, &SharedInformers::new(api.client()));
                    let backend = Observed { backend: Nftables::open().unwrap(), commits: sender };
                    proxy.run_with(backend, async { stopped.await.unwrap_or(()) }).await;
                });
            })
        });
        let running = Running { stop, thread, commits };
        running.commits.recv_timeout(DEADLINE).unwrap();
        self.proxy = Some(running);
    }

    fn stop(&mut self) {
        let Running { stop, thread, .. } = self.proxy.take().unwrap();
        stop.send(()).unwrap();
        thread.join().unwrap();
    }

    /// Waits until the rules have (or no longer have) a text, looking after each commit.
    #[track_caller]
    fn until_rules(&self, wanted: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let rules = self.node.sh("nft list ruleset");
            if wanted(&rules) {
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let commit = self.proxy.as_ref().unwrap().commits.recv_timeout(left);
            assert!(commit.is_ok(), "the rules are\n{rules}");
        }
    }

    fn service(&self, spec: Document) {
        self.api.put(&SERVICES, service(spec));
    }

    fn endpoints(&self, addresses: &[&str]) {
        self.api.put(&ENDPOINT_SLICES, slice(addresses));
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.proxy.is_some() && !std::thread::panicking() {
            self.stop();
        }
    }
}

fn service(spec: Document) -> Document {
    let mut service = doc!({
        "metadata": {"namespace": "default", "name": "web"},
        "spec": {
            "clusterIP": "10.43.0.80",
            "ports": [
                {"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080},
                {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 8080}
            ]
        }
    });
    for (key, value) in spec.as_object().unwrap().iter() {
        service.set(&["spec", key], value.clone());
    }
    service
}

fn slice(addresses: &[&str]) -> Document {
    let endpoints: Vec<Document> = addresses
        .iter()
        .map(|a| doc!({"addresses": [*a], "nodeName": "here", "conditions": {"ready": true}}))
        .collect();
    doc!({
        "addressType": "IPv4",
        "metadata": {"namespace": "default", "name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
        "ports": [
            {"name": "http", "port": 8080, "protocol": "TCP"},
            {"name": "dns", "port": 8080, "protocol": "UDP"}
        ],
        "endpoints": (Document::from(endpoints))
    })
}

/// Who answers, and which source they see, over some tries.
fn answers(from: &NetworkNamespace, to: &str) -> BTreeSet<String> {
    (0..24).map(|_| ask(from, to).unwrap_or_else(|e| e)).collect()
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn a_cluster_ip_leads_to_all_endpoints_from_pods_and_node_with_and_without_bridge_netfilter() {
    let mut cluster = Cluster::new();
    cluster.service(doc!({}));
    cluster.endpoints(&["10.42.0.2", "10.42.0.3"]);
    cluster.start();
    for bridge_netfilter in ["0", "1"] {
        let key = "/proc/sys/net/bridge/bridge-nf-call-iptables";
        cluster.node.sh(&format!("if [ -e {key} ]; then echo {bridge_netfilter} >{key}; fi"));
        // A pod sees its neighbour's address, and the bridge's when it reaches itself.
        assert_eq!(answers(&cluster.pods[0], "10.43.0.80:80"), set(&["one 10.42.0.1", "two 10.42.0.2"]));
        assert_eq!(answers(&cluster.pods[1], "10.43.0.80:80"), set(&["one 10.42.0.3", "two 10.42.0.1"]));
        assert_eq!(answers(&cluster.node, "10.43.0.80:80"), set(&["one 10.42.0.1", "two 10.42.0.1"]));
    }
}

#[test]
fn what_has_no_endpoints_or_no_such_port_is_refused_at_once() {
    let mut cluster = Cluster::new();
    let ports = doc!([{"name": "http", "port": 80, "protocol": "TCP", "nodePort": 30080}]);
    cluster.service(doc!({"type": "NodePort", "ports": (ports)}));
    cluster.start();
    cluster.until_rules(|rules| rules.contains("goto reject-chain"));
    let refused = "Connection refused (os error 111)";
    for from in [&cluster.node, &cluster.pods[0]] {
        assert_eq!(ask(from, "10.43.0.80:80").unwrap_err(), refused);
        assert_eq!(ask(from, "10.43.0.80:81").unwrap_err(), refused);
    }
    assert_eq!(ask(&cluster.world, "192.0.2.2:30080").unwrap_err(), refused);
    cluster.endpoints(&["10.42.0.2"]);
    cluster.until_rules(|rules| !rules.contains("goto reject-chain"));
    ask(&cluster.pods[0], "10.43.0.80:80").unwrap();
}

#[test]
fn a_node_port_answers_the_world_and_policy_local_keeps_its_address() {
    let mut cluster = Cluster::new();
    let spec = |policy: &str| {
        let ports = doc!([{"name": "http", "port": 80, "protocol": "TCP", "nodePort": 30080}]);
        doc!({"type": "NodePort", "ports": (ports), "externalTrafficPolicy": policy})
    };
    cluster.service(spec("Cluster"));
    cluster.endpoints(&["10.42.0.2", "10.42.0.3"]);
    cluster.start();
    assert_eq!(answers(&cluster.world, "192.0.2.2:30080"), set(&["one 10.42.0.1", "two 10.42.0.1"]));
    assert_eq!(answers(&cluster.node, "192.0.2.2:30080"), set(&["one 10.42.0.1", "two 10.42.0.1"]));
    assert_eq!(answers(&cluster.pods[0], "192.0.2.2:30080"), set(&["one 10.42.0.1", "two 10.42.0.1"]));
    cluster.service(spec("Local"));
    cluster.until_rules(|rules| rules.contains("short-circuit"));
    assert_eq!(answers(&cluster.world, "192.0.2.2:30080"), set(&["one 192.0.2.1", "two 192.0.2.1"]));
    ask(&cluster.pods[0], "10.43.0.80:80").unwrap();
}

#[test]
fn external_and_load_balancer_addresses_answer_and_source_ranges_hold() {
    let mut cluster = Cluster::new();
    let mut balanced = service(doc!({
        "type": "LoadBalancer", "externalIPs": ["198.51.100.1"], "loadBalancerSourceRanges": ["203.0.113.0/24"]
    }));
    balanced.set(&["status", "loadBalancer", "ingress"], doc!([{"ip": "198.51.100.2"}]));
    cluster.api.put(&SERVICES, balanced.clone());
    cluster.endpoints(&["10.42.0.2"]);
    cluster.start();
    cluster.world.sh("ip route add 198.51.100.0/24 via 192.0.2.2");
    assert_eq!(ask(&cluster.world, "198.51.100.1:80").unwrap(), "one 10.42.0.1");
    ask(&cluster.world, "198.51.100.2:80").unwrap_err();
    balanced.set(&["spec", "loadBalancerSourceRanges"], doc!(["192.0.2.0/24"]));
    cluster.api.put(&SERVICES, balanced);
    cluster.until_rules(|rules| rules.contains("ip saddr 192.0.2.0/24 return"));
    assert_eq!(ask(&cluster.world, "198.51.100.2:80").unwrap(), "one 10.42.0.1");
}

#[test]
fn a_client_keeps_its_endpoint_even_when_the_proxy_restarts() {
    let mut cluster = Cluster::new();
    cluster.service(doc!({"sessionAffinity": "ClientIP"}));
    cluster.endpoints(&["10.42.0.2", "10.42.0.3"]);
    cluster.start();
    let first = answers(&cluster.node, "10.43.0.80:80");
    assert_eq!(first.len(), 1, "{first:?}");
    for _ in 0..3 {
        cluster.stop();
        assert_eq!(answers(&cluster.node, "10.43.0.80:80"), first);
        cluster.start();
        assert_eq!(answers(&cluster.node, "10.43.0.80:80"), first);
    }
    let gone = if first.first().unwrap().starts_with("one") { "10.42.0.2" } else { "10.42.0.3" };
    cluster.endpoints(&[if gone == "10.42.0.2" { "10.42.0.3" } else { "10.42.0.2" }]);
    cluster.until_rules(|rules| !rules.contains(&format!("{gone}:8080")));
    let second = answers(&cluster.node, "10.43.0.80:80");
    assert!(second.len() == 1 && second != first, "{second:?}");
}

#[test]
fn a_udp_flow_moves_on_when_its_endpoint_goes() {
    let mut cluster = Cluster::new();
    cluster.service(doc!({}));
    cluster.start();
    let socket = cluster.pods[1].run(|| {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.connect("10.43.0.80:53").unwrap();
        socket
    });
    ask_udp(&socket).unwrap_err();
    for (endpoint, answer) in
        [("10.42.0.2", "one 10.42.0.3"), ("10.42.0.3", "two 10.42.0.1"), ("10.42.0.2", "one 10.42.0.3")]
    {
        cluster.endpoints(&[endpoint]);
        cluster
            .until_rules(|rules| rules.contains(&format!("10.43.0.80 . udp . 53 . 0x00000000 : {endpoint}")));
        // Flows are deleted after the rules are there; until then a packet may still go the old way.
        let deadline = Instant::now() + DEADLINE;
        while ask_udp(&socket).as_deref() != Ok(answer) {
            assert!(Instant::now() < deadline, "no answer from {endpoint}");
        }
    }
}

#[test]
fn rules_stay_and_are_taken_over_without_a_gap() {
    let mut cluster = Cluster::new();
    cluster.service(doc!({}));
    cluster.endpoints(&["10.42.0.2", "10.42.0.3"]);
    cluster.start();
    let (asking, outcome) = mpsc::channel();
    let client = cluster.pods[0].run(move || {
        std::thread::spawn(move || {
            let to = "10.43.0.80:80".parse().unwrap();
            let mut connections = 0;
            // Every attempt must succeed until the test drops its end.
            while asking.send(std::net::TcpStream::connect_timeout(&to, DEADLINE).map(|_| ())).is_ok() {
                connections += 1;
            }
            connections
        })
    });
    for _ in 0..5 {
        cluster.stop();
        cluster.start();
    }
    let all: Vec<_> = outcome.try_iter().collect();
    drop(outcome);
    assert!(client.join().unwrap() > 5);
    assert!(all.iter().all(|attempt| attempt.is_ok()), "{all:?}");
    cluster.stop();
    cluster.node.run(|| Nftables::cleanup().unwrap());
    assert!(!cluster.node.sh("nft list tables").contains("kube-proxy"));
}

#[test]
fn a_takeover_changes_only_what_differs() {
    let mut cluster = Cluster::new();
    cluster.service(doc!({"sessionAffinity": "ClientIP"}));
    cluster.endpoints(&["10.42.0.2"]);
    cluster.start();
    let rules = "nft -a list table ip kube-proxy";
    // Handles show what was made anew.
    let before = cluster.node.sh(rules);
    cluster.stop();
    cluster.start();
    assert_eq!(cluster.node.sh(rules), before);

    cluster.stop();
    cluster.node.sh("nft add chain ip kube-proxy stale\n\
         nft add rule ip kube-proxy stale goto services\n\
         nft add set ip kube-proxy old '{ type ipv4_addr; }'\n\
         nft add element ip kube-proxy cluster-ips '{ 10.43.0.99 }'\n\
         nft insert rule ip kube-proxy services drop");
    cluster.start();
    let repaired = cluster.node.sh(rules);
    for stale in ["chain stale", "set old", "10.43.0.99", "\tdrop"] {
        assert!(!repaired.contains(stale), "{stale}: {repaired}");
    }
    let of_service = |rules: &str| rules.lines().filter(|l| l.contains("default/web")).count();
    assert_eq!(of_service(&repaired), of_service(&before));
}

#[test]
fn a_table_of_another_make_is_made_anew() {
    let mut cluster = Cluster::new();
    cluster.service(doc!({}));
    cluster.endpoints(&["10.42.0.2"]);
    cluster.node.sh("nft add table ip kube-proxy\n\
         nft add set ip kube-proxy cluster-ips '{ type inet_service; }'\n\
         nft add chain ip kube-proxy nat-output '{ type filter hook input priority 5; }'");
    cluster.start();
    assert_eq!(answers(&cluster.pods[1], "10.43.0.80:80"), set(&["one 10.42.0.3"]));
}

#[test]
fn damage_is_repaired_with_the_next_change() {
    let mut cluster = Cluster::new();
    cluster.service(doc!({}));
    cluster.endpoints(&["10.42.0.2"]);
    cluster.start();
    cluster.node.sh("nft delete table ip kube-proxy");
    cluster.endpoints(&["10.42.0.3"]);
    cluster.until_rules(|rules| rules.contains("kube-proxy"));
    assert_eq!(answers(&cluster.pods[0], "10.43.0.80:80"), set(&["two 10.42.0.2"]));
    cluster.api.remove(&SERVICES, "default", "web");
    cluster.until_rules(|rules| !rules.contains("10.43.0.80"));
}

#[test]
fn the_table_reads_like_upstreams() {
    let mut cluster = Cluster::new();
    let ports = doc!([{"name": "http", "port": 80, "protocol": "TCP", "nodePort": 30080}]);
    cluster.service(doc!({"type": "NodePort", "ports": (ports), "sessionAffinity": "ClientIP"}));
    cluster.endpoints(&["10.42.0.2"]);
    cluster.start();
    expect![[r#"
        table ip kube-proxy {
        	comment "rules for kube-proxy"
        	set cluster-ips {
        		type ipv4_addr
        		comment "Active ClusterIPs"
        		elements = { 10.43.0.80 }
        	}

        	set hairpin-connections {
        		type ipv4_addr . ipv4_addr
        		comment "Endpoints on this node to themselves"
        		elements = { 10.42.0.2 . 10.42.0.2 }
        	}

        	set nodeport-ips {
        		type ipv4_addr
        		comment "IPs that accept NodePort traffic"
        		elements = { 192.0.2.2 }
        	}

        	map service-ips {
        		type ipv4_addr . inet_proto . inet_service : verdict
        		comment "ClusterIP, ExternalIP and LoadBalancer IP traffic"
        		elements = { 10.43.0.80 . tcp . 80 : goto service-SUSTUHLJ-default/web/tcp/http }
        	}

        	map service-nodeports {
        		type inet_proto . inet_service : verdict
        		comment "NodePort traffic"
        		elements = { tcp . 30080 : goto external-SUSTUHLJ-default/web/tcp/http }
        	}

        	map service-endpoints {
        		type ipv4_addr . inet_proto . inet_service . mark : ipv4_addr . inet_service
        		comment "endpoints of services without chains of their own"
        	}

        	map no-endpoint-services {
        		type ipv4_addr . inet_proto . inet_service : verdict
        		comment "vmap to drop or reject packets to services with no endpoints"
        	}

        	map no-endpoint-nodeports {
        		type inet_proto . inet_service : verdict
        		comment "vmap to drop or reject packets to service nodeports with no endpoints"
        	}

        	map firewall-ips {
        		type ipv4_addr . inet_proto . inet_service : verdict
        		comment "destinations that are subject to LoadBalancerSourceRanges"
        	}

        	set affinity-ZJPGKYU5-default/web/tcp/http__10.42.0.2/8080 {
        		type ipv4_addr
        		size 65535
        		flags dynamic,timeout
        		timeout 3h
        	}

        	chain services {
        		ip saddr != 10.42.0.0/16 ip daddr @cluster-ips jump mark-for-masquerade comment "masquerade off-cluster traffic"
        		ip daddr . meta l4proto . th dport vmap @service-ips
        		ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports
        	}

        	chain mark-for-masquerade {
        		meta mark set meta mark | 0x00004000
        	}

        	chain masquerading {
        		ct status dnat ip saddr . ip daddr @hairpin-connections masquerade fully-random comment "masquerade hairpin traffic"
        		meta mark & 0x00004000 == 0x00000000 return
        		meta mark set meta mark & 0xffffbfff masquerade fully-random
        	}

        	chain cluster-ips-check {
        		ip daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"
        	}

        	chain firewall-check {
        		ip daddr . meta l4proto . th dport vmap @firewall-ips
        	}

        	chain service-endpoints-check {
        		ip daddr . meta l4proto . th dport vmap @no-endpoint-services
        	}

        	chain nodeport-endpoints-check {
        		ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports
        	}

        	chain reject-chain {
        		comment "helper for @no-endpoint-services / @no-endpoint-nodeports"
        		reject
        	}

        	chain filter-prerouting {
        		type filter hook prerouting priority dstnat - 10; policy accept;
        		ct state new jump firewall-check
        	}

        	chain filter-input {
        		type filter hook input priority -110; policy accept;
        		ct state new jump nodeport-endpoints-check
        		ct state new jump service-endpoints-check
        	}

        	chain filter-forward {
        		type filter hook forward priority -110; policy accept;
        		ct state new jump service-endpoints-check
        		ct state new jump cluster-ips-check
        	}

        	chain filter-output {
        		type filter hook output priority -110; policy accept;
        		ct state new jump firewall-check
        	}

        	chain filter-output-post-dnat {
        		type filter hook output priority -90; policy accept;
        		ct state new jump service-endpoints-check
        		ct state new jump cluster-ips-check
        	}

        	chain nat-prerouting {
        		type nat hook prerouting priority dstnat; policy accept;
        		jump services
        	}

        	chain nat-output {
        		type nat hook output priority -100; policy accept;
        		jump services
        	}

        	chain nat-postrouting {
        		type nat hook postrouting priority srcnat; policy accept;
        		jump masquerading
        	}

        	chain endpoint-ZJPGKYU5-default/web/tcp/http__10.42.0.2/8080 {
        		update @affinity-ZJPGKYU5-default/web/tcp/http__10.42.0.2/8080 { ip saddr timeout 3h }
        		meta l4proto tcp dnat to 10.42.0.2:8080
        	}

        	chain external-SUSTUHLJ-default/web/tcp/http {
        		jump mark-for-masquerade
        		goto service-SUSTUHLJ-default/web/tcp/http
        	}

        	chain service-SUSTUHLJ-default/web/tcp/http {
        		ip saddr @affinity-ZJPGKYU5-default/web/tcp/http__10.42.0.2/8080 goto endpoint-ZJPGKYU5-default/web/tcp/http__10.42.0.2/8080
        		numgen random mod 1 vmap { 0 : goto endpoint-ZJPGKYU5-default/web/tcp/http__10.42.0.2/8080 }
        	}
        }
    "#]].assert_eq(&cluster.node.sh("nft list table ip kube-proxy"));
}
