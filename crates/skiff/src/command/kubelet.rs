//! `skiff kubelet`: the node agent alone, with upstream's flags; the embedded container runtime and pod network are in it.
//!
//! Flags win over the file that `--config` names, which wins over the defaults.

use super::flags::features::FeatureFlags;
use super::flags::logging::LoggingFlags;
use super::flags::serving::{certificate, read};
use crate::component::kubelet::{self, Node};
use crate::component::monitor::Endpoint;
use crate::component::{access, process};
use crate::server::address;
use anyhow::{Context, Result, bail, ensure};
use ipnet::IpNet;
use skiff_kubelet::KubeletConfig;
use skiff_kubelet::configuration::{self, Surroundings};
use skiff_kubelet::server::ServerTls;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use tracing::warn;

/// Flags of `skiff kubelet`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Kubeconfig: the API server, and as whom to speak (`system:node:NAME`)
    #[arg(long, value_name = "FILE", required = true)]
    kubeconfig: PathBuf,
    /// KubeletConfiguration
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Pod directories and volumes
    #[arg(long, default_value = "/var/lib/kubelet", value_name = "DIR")]
    root_dir: PathBuf,
    /// Where the embedded runtime keeps images, containers and addresses
    #[arg(long, default_value = "/var/lib/skiff", value_name = "DIR")]
    data_dir: PathBuf,
    /// Name of this node (default: the host's name)
    #[arg(long)]
    hostname_override: Option<String>,
    /// Addresses of this node, one per address family (default: that of the default route)
    #[arg(long, value_delimiter = ',')]
    node_ip: Vec<IpAddr>,
    /// Pod networks of the cluster: what leaves them is masqueraded
    #[arg(long, value_delimiter = ',')]
    cluster_cidr: Vec<IpNet>,
    /// Only the embedded container runtime is known
    #[arg(long)]
    container_runtime_endpoint: Option<String>,
    /// Address to listen on
    #[arg(long)]
    address: Option<IpAddr>,
    /// Port to listen on
    #[arg(long)]
    port: Option<u16>,
    /// Address of the health check
    #[arg(long)]
    healthz_bind_address: Option<IpAddr>,
    /// Port of the health check; 0 for none
    #[arg(long)]
    healthz_port: Option<u16>,
    /// Serving certificate, with its chain (default: a self-signed one)
    #[arg(long, value_name = "FILE")]
    tls_cert_file: Option<PathBuf>,
    /// Key of the serving certificate
    #[arg(long, value_name = "FILE")]
    tls_private_key_file: Option<PathBuf>,
    /// Where a self-signed certificate is kept if none is given
    #[arg(long, default_value = "/var/lib/kubelet/pki", value_name = "DIR")]
    cert_dir: PathBuf,
    /// Authorities of client certificates
    #[arg(long, value_name = "FILE")]
    client_ca_file: Option<PathBuf>,
    /// Addresses of the cluster DNS
    #[arg(long, value_delimiter = ',')]
    cluster_dns: Vec<IpAddr>,
    /// Domain of the cluster's names
    #[arg(long)]
    cluster_domain: Option<String>,
    /// Cgroup below which the cgroups of pods are made
    #[arg(long)]
    cgroup_root: Option<String>,
    /// Resolvers of the node
    #[arg(long, value_name = "FILE")]
    resolv_conf: Option<PathBuf>,
    /// How many pods fit
    #[arg(long)]
    max_pods: Option<u32>,
    /// Labels of the Node at registration
    #[arg(long, value_delimiter = ',', value_name = "KEY=VALUE")]
    node_labels: Vec<String>,
    /// Taints of the Node at registration
    #[arg(long, value_delimiter = ',', value_name = "KEY=VALUE:EFFECT")]
    register_with_taints: Vec<String>,
    #[command(flatten)]
    features: FeatureFlags,
    #[command(flatten)]
    logging: LoggingFlags,
}

/// Runs a kubelet until it is told to stop; pods go on running.
pub(super) fn run(mut args: Args) -> Result<()> {
    args.logging.init()?;
    // None of them changes anything here yet; a wrong one is told all the same.
    args.features.gates()?;
    let mut settings =
        KubeletConfig { root_dir: std::path::absolute(&args.root_dir)?, ..KubeletConfig::default() };
    let file = match &args.config {
        Some(path) => configuration::read(&read(path)?, &mut settings)
            .with_context(|| format!("failed to load kubelet config file, path: {}", path.display()))?,
        None => Surroundings::default(),
    };
    if !file.unused.is_empty() {
        warn!(fields = file.unused.join(","), "fields of the configuration without meaning here yet");
    }
    let runtime = args.container_runtime_endpoint.take().or_else(|| file.container_runtime_endpoint.clone());
    if let Some(endpoint) = runtime.filter(|endpoint| !endpoint.is_empty()) {
        bail!("--container-runtime-endpoint {endpoint}: only the embedded container runtime is known");
    }
    let healthz = healthz(&args, &file)?;
    override_with_flags(&mut settings, &args)?;
    let config = kubelet::Config {
        access: access::read(&args.kubeconfig, None)?,
        tls: tls(&args, &file, &settings)?,
        healthz,
        node: Node {
            data_dir: std::path::absolute(&args.data_dir)?,
            cluster_cidrs: args.cluster_cidr,
            kubelet: settings,
        },
    };
    process::run(|shutdown| kubelet::serve(config, shutdown))
}

fn override_with_flags(settings: &mut KubeletConfig, args: &Args) -> Result<()> {
    settings.node_name = match &args.hostname_override {
        Some(name) => name.clone(),
        None => rustix::system::uname().nodename().to_string_lossy().to_lowercase(),
    };
    let complaints = skiff_apimachinery::names::dns1123_subdomain(&settings.node_name);
    ensure!(complaints.is_empty(), "node name {:?}: {}", settings.node_name, complaints.join(", "));
    settings.node_ips = if args.node_ip.is_empty() {
        vec![address::of_default_route().context("cannot find this node's address: give --node-ip")?]
    } else {
        args.node_ip.clone()
    };
    set(&mut settings.address, args.address.as_ref());
    set(&mut settings.port, args.port.as_ref());
    set(&mut settings.cluster_domain, args.cluster_domain.as_ref());
    set(&mut settings.cgroup_root, args.cgroup_root.as_ref());
    set(&mut settings.resolver_config, args.resolv_conf.as_ref());
    set(&mut settings.max_pods, args.max_pods.as_ref());
    if !args.cluster_dns.is_empty() {
        settings.cluster_dns.clone_from(&args.cluster_dns);
    }
    if !args.register_with_taints.is_empty() {
        settings.register_with_taints.clone_from(&args.register_with_taints);
    }
    settings.node_labels = labels(&args.node_labels)?;
    Ok(())
}

fn set<T: Clone>(setting: &mut T, flag: Option<&T>) {
    if let Some(value) = flag {
        setting.clone_from(value);
    }
}

fn labels(given: &[String]) -> Result<BTreeMap<String, String>> {
    given
        .iter()
        .map(|text| {
            let (key, value) =
                text.split_once('=').with_context(|| format!("--node-labels {text}: must be KEY=VALUE"))?;
            Ok((key.to_owned(), value.to_owned()))
        })
        .collect()
}

fn healthz(args: &Args, file: &Surroundings) -> Result<Option<Endpoint>> {
    let address = match (args.healthz_bind_address, &file.healthz_bind_address) {
        (Some(address), _) => address,
        (None, Some(text)) => text.parse().with_context(|| format!("healthzBindAddress {text}"))?,
        (None, None) => Ipv4Addr::LOCALHOST.into(),
    };
    let port = args.healthz_port.or(file.healthz_port).unwrap_or(10248);
    Ok((port != 0).then(|| Endpoint { address: SocketAddr::new(address, port), tls: None }))
}

fn tls(args: &Args, file: &Surroundings, settings: &KubeletConfig) -> Result<ServerTls> {
    let path = |flag: &Option<PathBuf>, file: &Option<PathBuf>| flag.clone().or_else(|| file.clone());
    let authority = path(&args.client_ca_file, &file.client_ca_file)
        .context("--client-ca-file is required: it tells who may ask this kubelet")?;
    Ok(ServerTls {
        certificate: certificate(
            path(&args.tls_cert_file, &file.tls_cert_file).as_deref(),
            path(&args.tls_private_key_file, &file.tls_private_key_file).as_deref(),
            Some(Path::new(&args.cert_dir)),
            "kubelet",
            &settings.node_ips,
        )?,
        client_roots: skiff_pki::serving::roots(&read(&authority)?)
            .with_context(|| format!("--client-ca-file {}", authority.display()))?,
    })
}
