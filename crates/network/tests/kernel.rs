//! The pod network in the kernel: a node and its pods are network namespaces of the test, traffic is real.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use skiff_cri::network::{HostPort, Protocol, SandboxNetwork, SandboxNetworkRequest};
use skiff_network::{NetworkConfig, PodNetwork, cleanup};
use skiff_testkit::netns::NetworkNamespace;
use skiff_testkit::traffic::{ask, serve};
use std::future::Future;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

/// A node with an uplink `up0` (192.0.2.2) to a world (192.0.2.1).
struct Node {
    namespace: NetworkNamespace,
    world: NetworkNamespace,
    data: tempfile::TempDir,
}

impl Node {
    fn new() -> Self {
        let (namespace, world) = (NetworkNamespace::new().unwrap(), NetworkNamespace::new().unwrap());
        namespace.sh(&format!(
            "ip link add up0 mtu 1400 type veth peer name down0 netns {}\n\
             ip addr add 192.0.2.2/24 dev up0; ip link set up0 up; ip route add default via 192.0.2.1",
            world.path().display()
        ));
        world.sh("ip addr add 192.0.2.1/24 dev down0; ip link set down0 up");
        Self { namespace, world, data: tempfile::tempdir().unwrap() }
    }

    fn config(&self) -> NetworkConfig {
        NetworkConfig {
            data_dir: self.data.path().to_owned(),
            bridge_name: "cni0".into(),
            cluster_cidrs: vec!["10.42.0.0/16".parse().unwrap()],
            mtu: None,
        }
    }

    /// Runs a future in the node's namespace.
    fn run<T: Send + 'static, F: Future<Output = T>>(&self, work: impl FnOnce() -> F + Send + 'static) -> T {
        self.namespace.run(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(work())
        })
    }

    fn network(&self) -> Arc<PodNetwork> {
        let config = self.config();
        self.run(|| async {
            let network = PodNetwork::open(config).await.unwrap();
            network.configure(vec!["10.42.7.0/24".into()]).await.unwrap();
            assert_eq!(network.not_ready(), None);
            Arc::new(network)
        })
    }

    fn add(
        &self,
        network: &Arc<PodNetwork>,
        pod: &NetworkNamespace,
        id: &str,
        ports: &[HostPort],
    ) -> Vec<IpAddr> {
        let (network, request) = (network.clone(), request(pod.path(), id, ports));
        self.run(|| async move { network.setup(request).await.unwrap() })
    }
}

fn request(netns: &Path, id: &str, ports: &[HostPort]) -> SandboxNetworkRequest {
    SandboxNetworkRequest {
        sandbox_id: id.into(),
        namespace: "default".into(),
        name: id.into(),
        netns: netns.to_owned(),
        host_ports: ports.to_vec(),
    }
}

fn tcp(host_ip: Option<&str>, host_port: u16) -> HostPort {
    let host_ip = host_ip.map(|address| address.parse().unwrap());
    HostPort { host_ip, host_port, container_port: 8080, protocol: Protocol::Tcp }
}

#[test]
fn pods_reach_each_other_the_node_and_the_world() {
    let node = Node::new();
    let network = node.network();
    let pods = [NetworkNamespace::new().unwrap(), NetworkNamespace::new().unwrap()];
    let first = node.add(&network, &pods[0], "a", &[]);
    let second = node.add(&network, &pods[1], "b", &[]);
    assert_eq!([first[0].to_string(), second[0].to_string()], ["10.42.7.2", "10.42.7.3"]);
    for namespace in [&pods[0], &pods[1], &node.namespace, &node.world] {
        serve(namespace, 8080, "pod");
    }
    assert_eq!(ask(&pods[0], "10.42.7.3:8080").unwrap(), "pod 10.42.7.2", "pod to pod keeps its address");
    assert_eq!(ask(&pods[0], "192.0.2.2:8080").unwrap(), "pod 10.42.7.2", "pod to node keeps its address");
    assert_eq!(ask(&pods[0], "192.0.2.1:8080").unwrap(), "pod 192.0.2.2", "pod to world is masqueraded");
    assert_eq!(ask(&node.namespace, "10.42.7.2:8080").unwrap(), "pod 10.42.7.1", "node to pod");
    assert!(pods[0].sh("ip link show eth0").contains("mtu 1400"));
}

#[test]
fn host_ports_lead_into_the_sandbox_from_everywhere() {
    let node = Node::new();
    let network = node.network();
    let pod = NetworkNamespace::new().unwrap();
    node.add(&network, &pod, "a", &[tcp(None, 80), tcp(Some("192.0.2.2"), 81), tcp(Some("192.0.2.9"), 82)]);
    serve(&pod, 8080, "pod");
    assert_eq!(ask(&node.world, "192.0.2.2:80").unwrap(), "pod 192.0.2.1");
    assert_eq!(ask(&node.world, "192.0.2.2:81").unwrap(), "pod 192.0.2.1");
    ask(&node.world, "192.0.2.2:82").unwrap_err();
    ask(&node.namespace, "192.0.2.2:80").unwrap();
    assert_eq!(ask(&node.namespace, "127.0.0.1:80").unwrap(), "pod 10.42.7.1");
    assert_eq!(ask(&pod, "192.0.2.2:80").unwrap(), "pod 10.42.7.1", "hairpin");
    let gone = network.clone();
    node.run(|| async move {
        gone.teardown("a".into()).await.unwrap();
        gone.teardown("a".into()).await.unwrap();
    });
    ask(&node.world, "192.0.2.2:80").unwrap_err();
    assert!(!node.namespace.sh("ip -o link; nft list ruleset").contains("veth"));
}

#[test]
fn a_restart_keeps_addresses_and_connectivity() {
    let node = Node::new();
    let pod = NetworkNamespace::new().unwrap();
    let before = node.add(&node.network(), &pod, "a", &[tcp(None, 80)]);
    serve(&pod, 8080, "pod");
    // The process is gone; pods serve.
    assert_eq!(ask(&node.world, "192.0.2.2:80").unwrap(), "pod 192.0.2.1");
    let config = node.config();
    let network = node.run(|| async { Arc::new(PodNetwork::open(config).await.unwrap()) });
    assert_eq!(network.not_ready(), None, "the pod CIDR is remembered");
    assert_eq!(ask(&node.world, "192.0.2.2:80").unwrap(), "pod 192.0.2.1");
    let other = NetworkNamespace::new().unwrap();
    assert_ne!(node.add(&network, &other, "b", &[]), before);
    assert_eq!(
        node.add(&network, &pod, "a", &[tcp(None, 80)]),
        before,
        "the same sandbox has the same address"
    );
    let live = network.clone();
    node.run(|| async move { live.collect(vec!["b".into()]).await.unwrap() });
    ask(&node.world, "192.0.2.2:80").unwrap_err();
    ask(&node.namespace, &format!("{}:8080", before[0])).unwrap_err();
}

#[test]
fn it_comes_up_without_a_default_route_and_leaves_nothing_behind() {
    let node = NetworkNamespace::new().unwrap();
    let data = tempfile::tempdir().unwrap();
    let before = node.sh("ip -o link | cut -d: -f2; nft list tables");
    let pod = NetworkNamespace::new().unwrap();
    let request = request(pod.path(), "a", &[tcp(None, 80)]);
    let config = NetworkConfig {
        data_dir: data.path().join("network"),
        bridge_name: "cni0".into(),
        cluster_cidrs: Vec::new(),
        mtu: None,
    };
    let made = node.run(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let network = PodNetwork::open(config.clone()).await.unwrap();
            assert_eq!(network.not_ready().unwrap(), "the node's pod CIDR is not known yet");
            network.setup(request.clone()).await.unwrap_err();
            network.configure(vec!["10.42.0.0/24".into(), "fd00:42::/64".into()]).await.unwrap();
            let addresses = network.setup(request).await.unwrap();
            drop(network);
            let other = NetworkConfig { data_dir: config.data_dir.with_extension("other"), ..config.clone() };
            let foreign = PodNetwork::open(other.clone()).await.unwrap();
            foreign.configure(vec!["10.43.0.0/24".into()]).await.unwrap_err();
            assert!(foreign.not_ready().unwrap().starts_with("interface cni0 exists"));
            cleanup(&other.data_dir).await.unwrap();
            addresses
        })
    });
    assert_eq!(made.len(), 2);
    serve(&pod, 8080, "pod");
    for address in made {
        ask(&node, &std::net::SocketAddr::new(address, 8080).to_string()).unwrap();
    }
    let path = data.path().join("network");
    node.run(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            cleanup(&path).await.unwrap();
            cleanup(&path).await.unwrap();
        });
    });
    assert_eq!(node.sh("ip -o link | cut -d: -f2; nft list tables"), before);
}
