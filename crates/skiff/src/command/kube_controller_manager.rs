//! `skiff kube-controller-manager`: the controllers alone, with upstream's flags.

use super::flags::cluster_access::ClusterAccessFlags;
use super::flags::features::FeatureFlags;
use super::flags::leader_elect::LeaderElectFlags;
use super::flags::logging::LoggingFlags;
use super::flags::serving::{ServingFlags, read};
use crate::component::{controller_manager, process};
use anyhow::{Result, ensure};
use ipnet::IpNet;
use skiff_apimachinery::go_duration::parse_duration;
use skiff_controller_manager::Config as Settings;
use std::path::PathBuf;
use std::time::Duration;

/// Flags of `skiff kube-controller-manager`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: ClusterAccessFlags,
    #[command(flatten)]
    leader: LeaderElectFlags,
    #[command(flatten)]
    serving: ServingFlags,
    /// Port of health checks and metrics; 0 for none
    #[arg(long, default_value_t = 10257)]
    secure_port: u16,
    /// Accepted as upstream has it; reviews go to the API server of --kubeconfig
    #[arg(long, value_name = "FILE")]
    authentication_kubeconfig: Option<PathBuf>,
    /// Accepted as upstream has it; reviews go to the API server of --kubeconfig
    #[arg(long, value_name = "FILE")]
    authorization_kubeconfig: Option<PathBuf>,
    /// Controllers to run: `*` for those on by default, `name` for one, `-name` for all but one
    #[arg(long, default_value = "*", value_delimiter = ',', allow_hyphen_values = true)]
    controllers: Vec<String>,
    /// Let every controller act under its own service account
    #[arg(long, default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    use_service_account_credentials: bool,
    /// Authorities that pods check the API server with
    #[arg(long, value_name = "FILE")]
    root_ca_file: Option<PathBuf>,
    /// Give nodes their pod addresses from --cluster-cidr
    #[arg(long, default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    allocate_node_cidrs: bool,
    /// Addresses of pods, one block per address family
    #[arg(long, value_delimiter = ',')]
    cluster_cidr: Vec<IpNet>,
    /// Accepted as upstream has it; Service addresses are the API server's matter
    #[arg(long, value_delimiter = ',')]
    service_cluster_ip_range: Vec<IpNet>,
    /// Size of a node's IPv4 block
    #[arg(long, default_value_t = Settings::default().node_cidr_mask_size_ipv4)]
    node_cidr_mask_size_ipv4: u8,
    /// Size of a node's IPv6 block
    #[arg(long, default_value_t = Settings::default().node_cidr_mask_size_ipv6)]
    node_cidr_mask_size_ipv6: u8,
    /// Size of a node's block in a cluster of one family
    #[arg(long)]
    node_cidr_mask_size: Option<u8>,
    /// How long a node may be silent before it is taken for dead
    #[arg(long, default_value = "50s", value_parser = parse_duration)]
    node_monitor_grace_period: Duration,
    /// The same for a node that has not reported yet
    #[arg(long, default_value = "1m0s", value_parser = parse_duration)]
    node_startup_grace_period: Duration,
    /// How many finished pods are kept; 0 keeps all
    #[arg(long, default_value_t = Settings::default().terminated_pod_gc_threshold)]
    terminated_pod_gc_threshold: usize,
    /// How many endpoints a slice holds at most
    #[arg(long, default_value_t = Settings::default().max_endpoints_per_slice)]
    max_endpoints_per_slice: usize,
    /// How many addresses of a subset of a custom Endpoints object are mirrored to slices
    #[arg(long, default_value_t = Settings::default().mirroring_max_endpoints_per_subset)]
    mirroring_max_endpoints_per_subset: usize,
    /// How often quotas are counted anew though nothing tells of a change
    #[arg(long, default_value = "5m0s", value_parser = parse_duration)]
    resource_quota_sync_period: Duration,
    /// How often each autoscaler compares use with its target
    #[arg(long, default_value = "15s", value_parser = parse_duration)]
    horizontal_pod_autoscaler_sync_period: Duration,
    /// For how long the highest recommendation of an autoscaler counts
    #[arg(long, default_value = "5m0s", value_parser = parse_duration)]
    horizontal_pod_autoscaler_downscale_stabilization: Duration,
    /// How far use may be from its target before an autoscaler acts, as a share of the target
    #[arg(long, default_value_t = Settings::default().horizontal_pod_autoscaler_tolerance)]
    horizontal_pod_autoscaler_tolerance: f64,
    /// How long pods may need much cpu to start
    #[arg(long, default_value = "5m0s", value_parser = parse_duration)]
    horizontal_pod_autoscaler_cpu_initialization_period: Duration,
    /// Within which time from its start a pod that becomes unready is taken to have never been ready
    #[arg(long, default_value = "30s", value_parser = parse_duration)]
    horizontal_pod_autoscaler_initial_readiness_delay: Duration,
    #[command(flatten)]
    features: FeatureFlags,
    #[command(flatten)]
    logging: LoggingFlags,
}

/// Runs the controllers until they are told to stop.
pub(super) fn run(args: Args) -> Result<()> {
    args.logging.init()?;
    // None of them changes anything here yet; a wrong one is told all the same.
    args.features.gates()?;
    ensure!(
        !args.allocate_node_cidrs || !args.cluster_cidr.is_empty(),
        "--cluster-cidr is required when --allocate-node-cidrs is true"
    );
    let endpoint = args.serving.endpoint("kube-controller-manager", args.secure_port)?;
    let root_ca = match &args.root_ca_file {
        Some(path) => read(path)?,
        None => String::new(),
    };
    let settings = Settings {
        controllers: args.controllers,
        root_ca,
        cluster_cidrs: if args.allocate_node_cidrs { args.cluster_cidr } else { Vec::new() },
        node_cidr_mask_size_ipv4: args.node_cidr_mask_size.unwrap_or(args.node_cidr_mask_size_ipv4),
        node_cidr_mask_size_ipv6: args.node_cidr_mask_size.unwrap_or(args.node_cidr_mask_size_ipv6),
        node_monitor_grace_period: args.node_monitor_grace_period,
        node_startup_grace_period: args.node_startup_grace_period,
        terminated_pod_gc_threshold: args.terminated_pod_gc_threshold,
        max_endpoints_per_slice: args.max_endpoints_per_slice,
        mirroring_max_endpoints_per_subset: args.mirroring_max_endpoints_per_subset,
        resource_quota_sync_period: args.resource_quota_sync_period,
        horizontal_pod_autoscaler_sync_period: args.horizontal_pod_autoscaler_sync_period,
        horizontal_pod_autoscaler_downscale_stabilization: args
            .horizontal_pod_autoscaler_downscale_stabilization,
        horizontal_pod_autoscaler_tolerance: args.horizontal_pod_autoscaler_tolerance,
        horizontal_pod_autoscaler_cpu_initialization_period: args
            .horizontal_pod_autoscaler_cpu_initialization_period,
        horizontal_pod_autoscaler_initial_readiness_delay: args
            .horizontal_pod_autoscaler_initial_readiness_delay,
    };
    let config = controller_manager::Config {
        access: args.cluster.read()?,
        election: args.leader.election("kube-controller-manager")?,
        endpoint,
        settings,
        own_accounts: args.use_service_account_credentials,
    };
    process::run(|shutdown| controller_manager::serve(config, shutdown))
}
