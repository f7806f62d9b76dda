//! `skiff cleanup`: removes what a data directory owns on this machine. The directory itself stays.

use crate::component::kubelet::network_dir;
use crate::server::data_dir::{DataDir, kubelet_dir};
use anyhow::{Context, Result};
use skiff_kubelet::KubeletConfig;
use std::path::PathBuf;

/// Flags of `skiff cleanup`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The data directory
    #[arg(long, short, default_value = "/var/lib/skiff", value_name = "DIR")]
    data_dir: PathBuf,
    /// The directory of a kubelet that ran alone (default: DATA-DIR/kubelet)
    #[arg(long, value_name = "DIR")]
    root_dir: Option<PathBuf>,
}

/// Removes pods, network, rules, mounts and logs. Nothing there is success; a running server is refused.
pub(super) fn run(args: &Args) -> Result<()> {
    let data_dir = std::path::absolute(&args.data_dir)?;
    if !data_dir.exists() {
        return Ok(());
    }
    let _held = DataDir::open(&data_dir)?;
    skiff_runtime::cleanup(&data_dir).context("pods")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(skiff_network::cleanup(&network_dir(&data_dir))).context("pod network")?;
    skiff_proxy::nft::Nftables::cleanup().context("service rules")?;
    let root_dir = args.root_dir.clone().unwrap_or_else(|| kubelet_dir(&data_dir));
    let kubelet = KubeletConfig { root_dir, ..KubeletConfig::default() };
    skiff_kubelet::cleanup(&kubelet).context("pod directories")?;
    Ok(())
}
