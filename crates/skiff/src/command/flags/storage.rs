//! How the store is kept small.

use skiff_apimachinery::go_duration::parse_duration;
use std::time::Duration;

/// Upstream's flags of storage that both stores know.
#[derive(clap::Args, Debug)]
pub(crate) struct StorageFlags {
    /// How often old revisions are forgotten; 0 leaves that to others
    #[arg(long, default_value = "5m0s", value_parser = parse_duration)]
    etcd_compaction_interval: Duration,
}

impl StorageFlags {
    /// How often old revisions are forgotten; `None` for never.
    pub(crate) fn compaction_interval(&self) -> Option<Duration> {
        Some(self.etcd_compaction_interval).filter(|interval| !interval.is_zero())
    }
}
