//! `skiff kube-scheduler`: the scheduler alone, with upstream's flags.

use super::flags::cluster_access::ClusterAccessFlags;
use super::flags::features::FeatureFlags;
use super::flags::leader_elect::LeaderElectFlags;
use super::flags::logging::LoggingFlags;
use super::flags::serving::ServingFlags;
use crate::component::{process, scheduler};
use anyhow::Result;
use skiff_scheduler::SchedulerConfig;
use std::path::PathBuf;

/// Flags of `skiff kube-scheduler`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: ClusterAccessFlags,
    #[command(flatten)]
    leader: LeaderElectFlags,
    #[command(flatten)]
    serving: ServingFlags,
    /// Port of health checks and metrics; 0 for none
    #[arg(long, default_value_t = 10259)]
    secure_port: u16,
    /// Accepted as upstream has it; reviews go to the API server of --kubeconfig
    #[arg(long, value_name = "FILE")]
    authentication_kubeconfig: Option<PathBuf>,
    /// Accepted as upstream has it; reviews go to the API server of --kubeconfig
    #[arg(long, value_name = "FILE")]
    authorization_kubeconfig: Option<PathBuf>,
    #[command(flatten)]
    features: FeatureFlags,
    #[command(flatten)]
    logging: LoggingFlags,
}

/// Runs a scheduler until it is told to stop.
pub(super) fn run(args: Args) -> Result<()> {
    args.logging.init()?;
    // None of them changes anything here yet; a wrong one is told all the same.
    args.features.gates()?;
    let config = scheduler::Config {
        access: args.cluster.read()?,
        election: args.leader.election("kube-scheduler")?,
        endpoint: args.serving.endpoint("kube-scheduler", args.secure_port)?,
        scheduler: SchedulerConfig::default(),
    };
    process::run(|shutdown| scheduler::serve(config, shutdown))
}
