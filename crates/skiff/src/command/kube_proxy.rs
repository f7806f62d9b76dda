//! `skiff kube-proxy`: the Service proxy of a node alone, with upstream's flags.

use super::flags::cluster_access::ClusterAccessFlags;
use super::flags::features::FeatureFlags;
use super::flags::logging::LoggingFlags;
use crate::component::monitor::Endpoint;
use crate::component::process;
use crate::component::proxy::{self, Monitors};
use anyhow::{Context, Result, bail, ensure};
use ipnet::IpNet;
use skiff_proxy::ProxyConfig;
use std::net::{IpAddr, SocketAddr};

/// Flags of `skiff kube-proxy`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: ClusterAccessFlags,
    /// Name of this node (default: the host's name)
    #[arg(long)]
    hostname_override: Option<String>,
    /// Pod networks of the cluster, one block per address family
    #[arg(long, value_delimiter = ',')]
    cluster_cidr: Vec<IpNet>,
    /// Which back end: nftables
    #[arg(long, default_value = "nftables")]
    proxy_mode: String,
    /// Addresses on which node ports answer (default: the node's internal addresses)
    #[arg(long, value_delimiter = ',')]
    nodeport_addresses: Vec<String>,
    /// Where `/healthz` is told; empty for nowhere
    #[arg(long, default_value_t = format!("0.0.0.0:{}", proxy::HEALTHZ_PORT))]
    healthz_bind_address: String,
    /// Where `/metrics` is told; empty for nowhere
    #[arg(long, default_value = "127.0.0.1:10249")]
    metrics_bind_address: String,
    /// Remove all rules and end
    #[arg(long)]
    cleanup: bool,
    #[command(flatten)]
    features: FeatureFlags,
    #[command(flatten)]
    logging: LoggingFlags,
}

/// Runs a proxy until it is told to stop.
pub(super) fn run(args: Args) -> Result<()> {
    args.logging.init()?;
    // None of them changes anything here yet; a wrong one is told all the same.
    args.features.gates()?;
    ensure!(rustix::process::geteuid().is_root(), "a Service proxy needs root");
    if args.cleanup {
        return skiff_proxy::nft::Nftables::cleanup().context("service rules");
    }
    match args.proxy_mode.as_str() {
        "nftables" => {}
        "iptables" | "ipvs" => {
            bail!("--proxy-mode {}: not part of this version yet; use nftables", args.proxy_mode)
        }
        other => bail!("--proxy-mode {other}: must be nftables"),
    }
    let node_name = match args.hostname_override {
        Some(name) => name,
        None => rustix::system::uname().nodename().to_string_lossy().to_lowercase(),
    };
    let config = proxy::Config {
        access: args.cluster.read()?,
        proxy: ProxyConfig {
            node_name,
            node_port_addresses: node_port_addresses(&args.nodeport_addresses)?,
            cluster_cidrs: args.cluster_cidr,
        },
        monitors: Monitors {
            healthz: endpoint("--healthz-bind-address", &args.healthz_bind_address, proxy::HEALTHZ_PORT)?,
            metrics: endpoint("--metrics-bind-address", &args.metrics_bind_address, 10249)?,
        },
    };
    process::run(|shutdown| proxy::serve(config, shutdown))
}

/// Upstream takes blocks, and `primary` for the node's own addresses; a single address is a block of one.
fn node_port_addresses(given: &[String]) -> Result<Vec<IpAddr>> {
    let mut out = Vec::new();
    for text in given.iter().filter(|text| *text != "primary") {
        let block: Option<IpNet> = text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        match block {
            Some(block) if block.prefix_len() == block.max_prefix_len() => out.push(block.addr()),
            Some(_) => bail!("--nodeport-addresses {text}: only single addresses are known"),
            None => bail!("--nodeport-addresses {text}: must be an address"),
        }
    }
    Ok(out)
}

/// An address with or without a port.
fn endpoint(flag: &str, text: &str, default_port: u16) -> Result<Option<Endpoint>> {
    if text.is_empty() {
        return Ok(None);
    }
    let address = text
        .parse::<SocketAddr>()
        .or_else(|_| text.parse::<IpAddr>().map(|address| SocketAddr::new(address, default_port)))
        .with_context(|| format!("{flag} {text}: must be ADDRESS:PORT"))?;
    Ok((address.port() != 0).then_some(Endpoint { address, tls: None }))
}
