//! `skiff server`: its flags, named as k3s names them.

use super::flags::api_versions::ApiVersionFlags;
use super::flags::features::FeatureFlags;
use super::flags::logging::LoggingFlags;
use super::flags::requests::RequestFlags;
use super::flags::storage::StorageFlags;
use crate::component::datastore::Etcd;
use crate::server::{self, Config};
use anyhow::{Context, Result, bail, ensure};
use ipnet::IpNet;
use std::net::IpAddr;
use std::path::PathBuf;

/// Flags of `skiff server`.
#[derive(clap::Args, Debug)]
#[command(args_override_self = true)]
pub(crate) struct Args {
    /// Flags from a YAML file; the command line wins
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where all state is kept
    #[arg(long, short, default_value = "/var/lib/skiff", value_name = "DIR")]
    data_dir: PathBuf,
    /// Address that the API server listens on
    #[arg(long, default_value = "0.0.0.0")]
    bind_address: IpAddr,
    /// Port that the API server listens on
    #[arg(long, default_value_t = 6443)]
    https_listen_port: u16,
    /// Address that the API server tells to pods (default: the node's)
    #[arg(long)]
    advertise_address: Option<IpAddr>,
    /// Further names or addresses in the API server's certificate
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    tls_san: Vec<String>,
    /// Where the administrator's kubeconfig is written (default: DATA-DIR/kubeconfig)
    #[arg(long, short = 'o', value_name = "FILE")]
    write_kubeconfig: Option<PathBuf>,
    /// Name of this node (default: the host's name)
    #[arg(long)]
    node_name: Option<String>,
    /// Addresses of this node, one per address family (default: that of the default route)
    #[arg(long, value_delimiter = ',')]
    node_ip: Vec<IpAddr>,
    /// Addresses of pods, one block per address family
    #[arg(long, default_value = "10.42.0.0/16", value_delimiter = ',')]
    cluster_cidr: Vec<IpNet>,
    /// Addresses of Services, one block per address family
    #[arg(long, default_value = "10.43.0.0/16", value_delimiter = ',')]
    service_cidr: Vec<IpNet>,
    /// Ports of NodePort Services
    #[arg(long, default_value = "30000-32767")]
    service_node_port_range: String,
    /// Address of the cluster DNS (default: the tenth of the Service block)
    #[arg(long, value_delimiter = ',')]
    cluster_dns: Vec<IpAddr>,
    /// Domain of the cluster's names
    #[arg(long, default_value = "cluster.local")]
    cluster_domain: String,
    /// Port that the kubelet listens on
    #[arg(long, default_value_t = 10250)]
    kubelet_port: u16,
    /// Cgroup below which the cgroups of pods are made
    #[arg(long, default_value = "/")]
    cgroup_root: String,
    /// Resolvers of the node, for pods and for names outside of the cluster
    #[arg(long, default_value = "/etc/resolv.conf", value_name = "FILE")]
    resolv_conf: PathBuf,
    /// Parts that are not run: dns, kube-proxy, kube-scheduler, kube-controller-manager
    #[arg(long, value_delimiter = ',')]
    disable: Vec<String>,
    /// Run the control plane only: no node, no root needed
    #[arg(long)]
    disable_agent: bool,
    /// Store: empty for the embedded one, else URLs of an etcd cluster
    #[arg(long, default_value = "", value_name = "URLS", env = "SKIFF_DATASTORE_ENDPOINT")]
    datastore_endpoint: String,
    /// CA of the etcd cluster
    #[arg(long, value_name = "FILE")]
    datastore_cafile: Option<PathBuf>,
    /// Client certificate for the etcd cluster
    #[arg(long, value_name = "FILE")]
    datastore_certfile: Option<PathBuf>,
    /// Key of the client certificate for the etcd cluster
    #[arg(long, value_name = "FILE")]
    datastore_keyfile: Option<PathBuf>,
    /// File that audit events are appended to
    #[arg(long, value_name = "FILE")]
    audit_log_path: Option<PathBuf>,
    #[command(flatten)]
    storage: StorageFlags,
    #[command(flatten)]
    requests: RequestFlags,
    #[command(flatten)]
    versions: ApiVersionFlags,
    #[command(flatten)]
    features: FeatureFlags,
    #[command(flatten)]
    logging: LoggingFlags,
}

/// Parts that can be left out.
const PARTS: [&str; 4] = ["dns", "kube-proxy", "kube-scheduler", "kube-controller-manager"];

/// Runs a server until it is told to stop.
pub(super) fn run(args: Args) -> Result<()> {
    args.logging.init()?;
    server::run(config(args)?)
}

fn config(args: Args) -> Result<Config> {
    for part in &args.disable {
        ensure!(
            PARTS.contains(&part.as_str()),
            "--disable {part}: no such part; there are {}",
            PARTS.join(", ")
        );
    }
    ensure!(
        !args.cluster_cidr.is_empty() && !args.service_cidr.is_empty(),
        "--cluster-cidr and --service-cidr must not be empty"
    );
    for pod_block in &args.cluster_cidr {
        if let Some(block) =
            args.service_cidr.iter().find(|b| b.contains(pod_block) || pod_block.contains(*b))
        {
            bail!("--cluster-cidr {pod_block} and --service-cidr {block} overlap");
        }
    }
    let node_port_range = port_range(&args.service_node_port_range)?;
    let node_name = match args.node_name {
        Some(name) => name,
        None => rustix::system::uname().nodename().to_string_lossy().to_lowercase(),
    };
    let complaints = skiff_apimachinery::names::dns1123_subdomain(&node_name);
    ensure!(complaints.is_empty(), "--node-name {node_name:?}: {}", complaints.join(", "));
    let node_addresses = if args.node_ip.is_empty() {
        vec![server::address::of_default_route().context("cannot find this node's address: give --node-ip")?]
    } else {
        args.node_ip
    };
    let cluster_dns = if args.cluster_dns.is_empty() {
        args.service_cidr.iter().filter_map(|block| server::address::nth(block, 10)).collect()
    } else {
        args.cluster_dns
    };
    for address in &cluster_dns {
        ensure!(
            args.service_cidr.iter().any(|block| block.contains(address)),
            "--cluster-dns {address} is not in --service-cidr"
        );
    }
    let datastore = (!args.datastore_endpoint.is_empty()).then(|| Etcd {
        endpoints: args.datastore_endpoint.split(',').map(str::to_owned).collect(),
        ca: args.datastore_cafile,
        certificate: args.datastore_certfile,
        key: args.datastore_keyfile,
    });
    let data_dir = std::path::absolute(&args.data_dir).context("--data-dir")?;
    Ok(Config {
        kubeconfig: args.write_kubeconfig.unwrap_or_else(|| data_dir.join("kubeconfig")),
        data_dir,
        bind_address: args.bind_address,
        port: args.https_listen_port,
        advertise_addresses: args.advertise_address.map_or_else(|| node_addresses.clone(), |a| vec![a]),
        certificate_names: args.tls_san,
        node_name,
        node_addresses,
        cluster_cidrs: args.cluster_cidr,
        service_cidrs: args.service_cidr,
        node_port_range,
        cluster_dns,
        cluster_domain: args.cluster_domain,
        kubelet_port: args.kubelet_port,
        cgroup_root: args.cgroup_root,
        resolv_conf: args.resolv_conf,
        disabled: args.disable,
        agent: !args.disable_agent,
        datastore,
        compaction_interval: args.storage.compaction_interval(),
        audit_log: args.audit_log_path,
        requests: args.requests.read()?,
        runtime_config: args.versions.config()?,
        features: args.features.gates()?,
    })
}

pub(super) fn port_range(text: &str) -> Result<(u16, u16)> {
    let range = text.split_once('-').and_then(|(low, high)| Some((low.parse().ok()?, high.parse().ok()?)));
    match range {
        Some((low, high)) if low > 0 && low <= high => Ok((low, high)),
        _ => bail!("--service-node-port-range {text}: must be two ports, such as 30000-32767"),
    }
}
