//! Service rules: how long one change among 10,000 Services takes from the informer's event until the kernel has it, and how
//! long 2,000 Services take to load, beside the `nft` tool with the same rules.
//!
//! The proxy runs in this process, over an API in memory and the kernel of a network namespace of its own.

use crate::figure::Figure;
use crate::objects;
use crate::row::{Bench, Measured, Row};
use crate::site::PATIENCE;
use crate::statistics::{milliseconds, quantile};
use anyhow::{Context, Result, ensure};
use skiff_apimachinery::doc;
use skiff_client::informer::SharedInformers;
use skiff_client::resources::{ENDPOINT_SLICES, NODES, SERVICES};
use skiff_proxy::facts::{Family, NodeFacts};
use skiff_proxy::nft::Nftables;
use skiff_proxy::{Backend, Change as RuleChange, Proxy, ProxyConfig};
use skiff_testkit::memory_api::MemoryApi;
use skiff_testkit::netns::NetworkNamespace;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How the tool lists the type of the map of endpoints; it does not accept that for a random number.
const LISTED_TYPE: &str = "type ipv4_addr . inet_proto . inet_service . mark : ipv4_addr . inet_service";
/// The same type in words that it accepts.
const ACCEPTED_TYPE: &str =
    "typeof ip daddr . meta l4proto . th dport . numgen random mod 2 : ip daddr . th dport";

/// One change among many Services.
pub struct Change;

/// All Services at once.
pub struct Load;

impl Row for Change {
    fn name(&self) -> &'static str {
        "service-change"
    }

    fn figures(&self) -> Vec<Figure> {
        vec![
            Figure::new("p50", "EndpointSlice event among 10,000 Services to netlink ACK: p50", "ms")
                .below(5.0),
            Figure::new("p99", "EndpointSlice event among 10,000 Services to netlink ACK: p99", "ms"),
        ]
    }

    fn needs_root(&self) -> bool {
        true
    }

    fn measure(&self, bench: &Bench) -> Result<Measured> {
        let services = bench.count(10_000, 20);
        let node = Node::start(services)?;
        let mut times = Vec::new();
        for number in 0..bench.count(100, 5) {
            let slice = objects::endpoint_slice(number * 97 % services, number + 1);
            let start = Instant::now();
            node.api.put(&ENDPOINT_SLICES, slice);
            node.commit()?;
            times.push(start.elapsed());
        }
        let times = milliseconds(&times);
        Ok([("p50", quantile(&times, 0.5)), ("p99", quantile(&times, 0.99))].into())
    }
}

impl Row for Load {
    fn name(&self) -> &'static str {
        "service-load"
    }

    fn figures(&self) -> Vec<Figure> {
        vec![
            // What the nft tool took where the design was made.
            Figure::new("load", "2,000 Services to the kernel", "ms").below(67.0),
            Figure::new("nft", "the same rules by the nft tool", "ms"),
        ]
    }

    fn needs_root(&self) -> bool {
        true
    }

    fn measure(&self, bench: &Bench) -> Result<Measured> {
        let node = Node::start(bench.count(2_000, 20))?;
        let file = tempfile::NamedTempFile::new()?;
        let rules = sh(&node, "nft list ruleset")?;
        std::fs::write(file.path(), rules.replace(LISTED_TYPE, ACCEPTED_TYPE))?;
        sh(&node, "nft flush ruleset")?;
        let load = format!("nft -f {}", file.path().display());
        let start = Instant::now();
        sh(&node, &load)?;
        let tool = start.elapsed();
        let milliseconds = milliseconds(&[node.loaded, tool]);
        Ok([("load", milliseconds[0]), ("nft", milliseconds[1])].into())
    }
}

/// Runs a script in the node's namespace.
fn sh(node: &Node, script: &str) -> Result<String> {
    let (done, output) = node.namespace.try_sh(script);
    ensure!(done, "{script}: {output}");
    Ok(output)
}

/// A namespace with a proxy that has loaded its Services.
struct Node {
    namespace: NetworkNamespace,
    api: MemoryApi,
    commits: mpsc::Receiver<Duration>,
    /// How long the first commit took, which is all Services.
    loaded: Duration,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Node {
    fn start(services: usize) -> Result<Self> {
        let api = MemoryApi::default();
        let addresses = doc!([{"type": "InternalIP", "address": "192.0.2.2"}]);
        api.put(&NODES, doc!({"metadata": {"name": "here"}, "status": {"addresses": addresses}}));
        for number in 0..services {
            api.put(&SERVICES, objects::service(number));
            api.put(&ENDPOINT_SLICES, objects::endpoint_slice(number, 0));
        }
        let namespace = NetworkNamespace::new()?;
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (sender, commits) = mpsc::channel();
        let client = api.client();
        let config = ProxyConfig {
            node_name: "here".to_owned(),
            node_port_addresses: Vec::new(),
            cluster_cidrs: vec!["10.42.0.0/16".parse()?],
        };
        let thread = namespace.run(move || {
            let backend = Timed { backend: Nftables::open()?, commits: sender };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            anyhow::Ok(std::thread::spawn(move || {
                runtime.block_on(async {
                    let proxy = Proxy::new(config, &SharedInformers::new(client));
                    proxy.run_with(backend, async { stopped.await.unwrap_or(()) }).await;
                });
            }))
        })?;
        let loaded = commits.recv_timeout(PATIENCE).context("the rules are not loaded")?;
        Ok(Self { namespace, api, commits, loaded, stop: Some(stop), thread: Some(thread) })
    }

    /// Waits for the next commit; returns how long the kernel took.
    fn commit(&self) -> Result<Duration> {
        self.commits.recv_timeout(PATIENCE).context("a change does not reach the kernel")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Tells how long the kernel took for each commit.
struct Timed {
    backend: Nftables,
    commits: mpsc::Sender<Duration>,
}

impl Backend for Timed {
    fn replace(&mut self, node: &NodeFacts, all: &[(Family, Vec<RuleChange>)]) -> skiff_proxy::Result<()> {
        let start = Instant::now();
        self.backend.replace(node, all)?;
        let _ = self.commits.send(start.elapsed());
        Ok(())
    }

    fn apply(&mut self, changes: &[(Family, Vec<RuleChange>)]) -> skiff_proxy::Result<()> {
        let start = Instant::now();
        self.backend.apply(changes)?;
        let _ = self.commits.send(start.elapsed());
        Ok(())
    }
}
