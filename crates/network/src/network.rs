//! The pod network as the runtime sees it.
//!
//! Bookkeeping happens under one lock and on disk; links are made outside of it, so that many sandboxes can be
//! connected at once.

use crate::addresses::Pool;
use crate::interface::{self, INSIDE};
use crate::links::{Links, VethPair};
use crate::namespace::Namespace;
use crate::rules::Rules;
use crate::state::{Lease, LeasedPort, State};
use crate::{Error, Result, families, sysctl};
use futures::future::BoxFuture;
use ipnet::IpNet;
use skiff_cri::CriResult;
use skiff_cri::network::{SandboxNetwork, SandboxNetworkRequest};
use skiff_nftables::conntrack;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// MTU where no default route tells a better one.
const MTU: u32 = 1500;

/// How to make a pod network.
#[derive(Debug, Clone)]
pub struct NetworkConfig {
    /// Directory for the network's own state.
    pub data_dir: PathBuf,
    /// Name of the bridge.
    pub bridge_name: String,
    /// Pod networks of the whole cluster; traffic to them is not masqueraded.
    pub cluster_cidrs: Vec<IpNet>,
    /// MTU of bridge and pods; `None` takes that of the default route's link.
    pub mtu: Option<u32>,
}

/// A bridge on this node, and the sandboxes on it.
pub struct PodNetwork {
    config: NetworkConfig,
    rules: Rules,
    state: tokio::sync::Mutex<State>,
    readiness: Mutex<Readiness>,
}

/// Whether sandboxes can be connected.
#[derive(Debug, Clone)]
enum Readiness {
    Ready(Ground),
    Not(String),
}

/// What sandboxes are connected to.
#[derive(Debug, Clone, Copy)]
struct Ground {
    bridge: u32,
    mtu: u32,
}

impl PodNetwork {
    /// Takes up the network of an earlier process, or prepares a new one, which is made when the pod CIDRs are known.
    ///
    /// # Errors
    /// If the data directory cannot be used. A network that cannot be made is no error yet: [`SandboxNetwork::not_ready`]
    /// tells why.
    pub async fn open(config: NetworkConfig) -> Result<Self> {
        std::fs::create_dir_all(&config.data_dir).map_err(|e| Error::file(&config.data_dir, e))?;
        let state = State::load(&config.data_dir, &config.bridge_name)?;
        let rules = Rules { bridge: config.bridge_name.clone(), cluster_cidrs: config.cluster_cidrs.clone() };
        let network = Self {
            config,
            rules,
            readiness: Mutex::new(Readiness::Not(Error::NotConfigured.to_string())),
            state: tokio::sync::Mutex::new(state),
        };
        let mut state = network.state.lock().await;
        if !state.pod_cidrs.is_empty()
            && let Err(error) = network.lay(&mut state).await
        {
            tracing::warn!(%error, "the pod network of the last run cannot be taken up");
        }
        drop(state);
        Ok(network)
    }

    async fn reconfigure(&self, pod_cidrs: Vec<String>) -> Result<()> {
        let pod_cidrs = parse_cidrs(&pod_cidrs)?;
        let mut state = self.state.lock().await;
        if state.pod_cidrs == pod_cidrs && self.ground().is_ok() {
            return Ok(());
        }
        state.pod_cidrs = pod_cidrs;
        self.lay(&mut state).await
    }

    /// Makes the bridge and the rules as the state wants them.
    async fn lay(&self, state: &mut State) -> Result<()> {
        let made = self.make(state).await;
        let readiness = match &made {
            Ok(ground) => Readiness::Ready(*ground),
            Err(error) => Readiness::Not(error.to_string()),
        };
        *self.readiness.lock().unwrap_or_else(PoisonError::into_inner) = readiness;
        made.map(|_| ())
    }

    async fn make(&self, state: &State) -> Result<Ground> {
        state.store(&self.config.data_dir)?;
        let links = Links::open()?;
        let mtu = match self.config.mtu {
            Some(mtu) => mtu,
            None => links.default_route_mtu().await?.unwrap_or(MTU),
        };
        let pools = state.pod_cidrs.iter().map(|cidr| Pool::new(*cidr)).collect::<Result<Vec<_>>>()?;
        let gateway = pools.first().ok_or(Error::NotConfigured)?.gateway();
        let name = &self.config.bridge_name;
        let owner = owner(&self.config.data_dir);
        let bridge = match links.find(name).await? {
            Some(link) if link.alias == owner => link.index,
            Some(_) => return Err(Error::ForeignBridge(name.clone())),
            None => links.add_bridge(name, &owner, mtu, gateway).await?,
        };
        for pool in &pools {
            let address = IpNet::new_assert(pool.gateway(), pool.cidr().prefix_len());
            prepare_node(name, address.addr())?;
            links.add_address(bridge, address).await?;
        }
        self.rules.replace(state)?;
        Ok(Ground { bridge, mtu })
    }

    fn ground(&self) -> Result<Ground> {
        match &*self.readiness.lock().unwrap_or_else(PoisonError::into_inner) {
            Readiness::Ready(ground) => Ok(*ground),
            Readiness::Not(_) => Err(Error::NotConfigured),
        }
    }

    async fn connect(&self, request: SandboxNetworkRequest) -> Result<Vec<IpAddr>> {
        let ground = self.ground()?;
        let namespace = Namespace::open(&request.netns)?;
        let lease = self.take_lease(&request).await?;
        match self.wire(&request.sandbox_id, ground, &namespace, &lease).await {
            Ok(()) => Ok(lease.addresses),
            Err(error) => {
                if let Err(error) = self.disconnect(&request.sandbox_id).await {
                    tracing::warn!(sandbox = request.sandbox_id, %error, "cannot undo half a network");
                }
                Err(error)
            }
        }
    }

    async fn take_lease(&self, request: &SandboxNetworkRequest) -> Result<Lease> {
        let mut state = self.state.lock().await;
        let ports = request.host_ports.iter().map(LeasedPort::from).collect();
        let lease = state.lease(&request.sandbox_id, ports)?;
        state.store(&self.config.data_dir)?;
        if !lease.host_ports.is_empty() {
            self.rules.add(&lease)?;
        }
        Ok(lease)
    }

    async fn wire(&self, sandbox: &str, ground: Ground, namespace: &Namespace, lease: &Lease) -> Result<()> {
        let links = Links::open()?;
        let outside = interface::outside(sandbox);
        // Half a pair of an attempt that was cut short.
        links.remove(&outside).await?;
        let primary = *lease.addresses.first().ok_or(Error::NotConfigured)?;
        links
            .add_veth(VethPair {
                outside: &outside,
                bridge: ground.bridge,
                mtu: ground.mtu,
                namespace: namespace.fd(),
                hardware_address: interface::hardware_address(primary),
            })
            .await?;
        let routes = self.routes(&lease.addresses).await?;
        namespace.run(move || configure_inside(routes)).await
    }

    /// Each address with the gateway that it reaches the world through.
    async fn routes(&self, addresses: &[IpAddr]) -> Result<Vec<(IpAddr, IpAddr)>> {
        let state = self.state.lock().await;
        let mut routes = Vec::new();
        for address in addresses {
            let cidrs =
                || state.pod_cidrs.iter().filter(|cidr| families::of(cidr.addr()) == families::of(*address));
            let cidr = cidrs().find(|cidr| cidr.contains(address)).or_else(|| cidrs().next());
            routes.push((*address, Pool::new(*cidr.ok_or(Error::NotConfigured)?)?.gateway()));
        }
        Ok(routes)
    }

    async fn disconnect(&self, sandbox: &str) -> Result<()> {
        Links::open()?.remove(&interface::outside(sandbox)).await?;
        let mut state = self.state.lock().await;
        let Some(lease) = state.sandboxes.get(sandbox).cloned() else { return Ok(()) };
        if !lease.host_ports.is_empty() {
            self.rules.remove(&lease)?;
            forget_flows(&lease);
        }
        state.sandboxes.remove(sandbox);
        state.store(&self.config.data_dir)
    }

    async fn keep_only(&self, live: Vec<String>) -> Result<()> {
        let live: BTreeSet<String> = live.into_iter().collect();
        let gone: Vec<String> =
            self.state.lock().await.sandboxes.keys().filter(|id| !live.contains(*id)).cloned().collect();
        for sandbox in gone {
            self.disconnect(&sandbox).await?;
        }
        Ok(())
    }
}

impl SandboxNetwork for PodNetwork {
    fn configure(&self, pod_cidrs: Vec<String>) -> BoxFuture<'_, CriResult<()>> {
        Box::pin(async move { Ok(self.reconfigure(pod_cidrs).await?) })
    }

    fn not_ready(&self) -> Option<String> {
        match &*self.readiness.lock().unwrap_or_else(PoisonError::into_inner) {
            Readiness::Ready(_) => None,
            Readiness::Not(reason) => Some(reason.clone()),
        }
    }

    fn setup(&self, request: SandboxNetworkRequest) -> BoxFuture<'_, CriResult<Vec<IpAddr>>> {
        Box::pin(async move { Ok(self.connect(request).await?) })
    }

    fn teardown(&self, sandbox_id: String) -> BoxFuture<'_, CriResult<()>> {
        Box::pin(async move { Ok(self.disconnect(&sandbox_id).await?) })
    }

    fn collect(&self, live: Vec<String>) -> BoxFuture<'_, CriResult<()>> {
        Box::pin(async move { Ok(self.keep_only(live).await?) })
    }
}

/// How a bridge tells whose it is.
pub(crate) fn owner(data_dir: &Path) -> String {
    let path = std::fs::canonicalize(data_dir).unwrap_or_else(|_| data_dir.to_owned());
    format!("skiff {}", path.display())
}

fn parse_cidrs(texts: &[String]) -> Result<Vec<IpNet>> {
    let mut cidrs: Vec<IpNet> = Vec::new();
    for text in texts {
        let cidr: IpNet = text.trim().parse().map_err(|_| Error::InvalidCidr(text.clone()))?;
        cidrs.push(Pool::new(cidr)?.cidr());
    }
    if cidrs.is_empty() { Err(Error::NotConfigured) } else { Ok(cidrs) }
}

/// Lets the node route for its pods.
fn prepare_node(bridge: &str, gateway: IpAddr) -> Result<()> {
    if gateway.is_ipv4() {
        sysctl::set("ipv4/ip_forward", "1")?;
        sysctl::prefer(&format!("ipv4/conf/{bridge}/route_localnet"), "1");
        // Pods reach each other through the node on purpose.
        sysctl::prefer(&format!("ipv4/conf/{bridge}/send_redirects"), "0");
    } else {
        sysctl::set("ipv6/conf/all/forwarding", "1")?;
        sysctl::prefer(&format!("ipv6/conf/{bridge}/disable_ipv6"), "0");
    }
    Ok(())
}

/// Gives the sandbox's interface its addresses and routes; runs inside.
async fn configure_inside(routes: Vec<(IpAddr, IpAddr)>) -> Result<()> {
    let links = Links::open()?;
    let loopback = links.index("lo").await?;
    links.set_up(loopback).await?;
    let inside = links.index(INSIDE).await?;
    // A redirect would lead packets past the node's translation.
    sysctl::prefer("ipv4/conf/all/accept_redirects", "0");
    sysctl::prefer(&format!("ipv4/conf/{INSIDE}/accept_redirects"), "0");
    sysctl::prefer(&format!("ipv6/conf/{INSIDE}/accept_redirects"), "0");
    for (address, _) in &routes {
        links.add_address(inside, families::alone(*address)).await?;
    }
    links.set_up(inside).await?;
    for (_, gateway) in routes {
        links.route_through(inside, gateway).await?;
    }
    Ok(())
}

/// UDP senders would reach the sandbox's address through the connection table for as long as they keep sending.
fn forget_flows(lease: &Lease) {
    for address in
        lease.addresses.iter().filter(|_| lease.host_ports.iter().any(|p| p.protocol == conntrack::UDP))
    {
        let translated = |flow: &conntrack::Flow| {
            flow.reply.source.ip() == *address && flow.original.destination.ip() != *address
        };
        if let Err(error) = conntrack::delete_flows(families::of(*address), conntrack::UDP, translated) {
            tracing::warn!(%error, "cannot forget flows to a removed sandbox");
        }
    }
}
