//! What a runtime asks of the pod network when it makes a sandbox; the CNI commands ADD, DEL and GC as a trait.

use super::CriResult;
use futures::future::BoxFuture;
use std::net::IpAddr;
use std::path::PathBuf;

/// A port of the host that leads into a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// Address of the host to listen on; `None` for all.
    pub host_ip: Option<IpAddr>,
    /// Port of the host.
    pub host_port: u16,
    /// Port of the container.
    pub container_port: u16,
    /// IP protocol.
    pub protocol: Protocol,
}

/// Transport protocol of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

/// A sandbox that needs a network.
#[derive(Debug, Clone)]
pub struct SandboxNetworkRequest {
    /// The sandbox's id: the key of its addresses and rules.
    pub sandbox_id: String,
    /// Namespace of the pod.
    pub namespace: String,
    /// Name of the pod.
    pub name: String,
    /// The pinned network namespace.
    pub netns: PathBuf,
    /// Ports of the host that lead into it.
    pub host_ports: Vec<HostPort>,
}

/// A pod network: gives sandboxes addresses and connects them.
pub trait SandboxNetwork: Send + Sync + 'static {
    /// Tells the node's pod CIDRs (`10.42.0.0/24`); sandboxes can be set up once they are known.
    fn configure(&self, pod_cidrs: Vec<String>) -> BoxFuture<'_, CriResult<()>>;
    /// Why the network is not ready; `None` when it is.
    fn not_ready(&self) -> Option<String>;
    /// Connects a namespace (with its loopback up) and returns its addresses, the primary one first. Repeating it for the same sandbox gives
    /// the same addresses.
    fn setup(&self, request: SandboxNetworkRequest) -> BoxFuture<'_, CriResult<Vec<IpAddr>>>;
    /// Disconnects a sandbox and frees its addresses. Gone is success.
    fn teardown(&self, sandbox_id: String) -> BoxFuture<'_, CriResult<()>>;
    /// Frees whatever belongs to sandboxes not listed.
    fn collect(&self, live: Vec<String>) -> BoxFuture<'_, CriResult<()>>;
}
