//! Settings of the controller manager; the names of the fields follow upstream's flags.

use ipnet::IpNet;
use std::time::Duration;

/// Settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// `--controllers`: names to run, `*` for all that are on by default, `-name` for those not to run.
    pub controllers: Vec<String>,
    /// `--root-ca-file`: the certificates that pods check the API server with, PEM. Empty publishes nothing.
    pub root_ca: String,
    /// `--cluster-cidr`: what pod CIDRs are taken from, at most one per IP family. Empty allocates nothing.
    pub cluster_cidrs: Vec<IpNet>,
    /// `--node-cidr-mask-size-ipv4`.
    pub node_cidr_mask_size_ipv4: u8,
    /// `--node-cidr-mask-size-ipv6`.
    pub node_cidr_mask_size_ipv6: u8,
    /// `--node-monitor-grace-period`: how long a node may be silent before it is taken for dead.
    pub node_monitor_grace_period: Duration,
    /// `--node-startup-grace-period`: the same for a node that has not reported yet.
    pub node_startup_grace_period: Duration,
    /// `--terminated-pod-gc-threshold`: how many finished pods are kept; 0 keeps all.
    pub terminated_pod_gc_threshold: usize,
    /// `--max-endpoints-per-slice`.
    pub max_endpoints_per_slice: usize,
    /// `--mirroring-max-endpoints-per-subset`.
    pub mirroring_max_endpoints_per_subset: usize,
    /// `--resource-quota-sync-period`: how often quotas are counted anew though nothing tells of a change.
    pub resource_quota_sync_period: Duration,
    /// `--horizontal-pod-autoscaler-sync-period`: how often each autoscaler compares use with its target.
    pub horizontal_pod_autoscaler_sync_period: Duration,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`: for how long the highest recommendation counts.
    pub horizontal_pod_autoscaler_downscale_stabilization: Duration,
    /// `--horizontal-pod-autoscaler-tolerance`: how far use may be from its target, as a share of the target.
    pub horizontal_pod_autoscaler_tolerance: f64,
    /// `--horizontal-pod-autoscaler-cpu-initialization-period`: how long pods may need much cpu to start.
    pub horizontal_pod_autoscaler_cpu_initialization_period: Duration,
    /// `--horizontal-pod-autoscaler-initial-readiness-delay`: within which time from its start a pod that becomes unready
    /// is taken to have never been ready.
    pub horizontal_pod_autoscaler_initial_readiness_delay: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            controllers: vec!["*".to_owned()],
            root_ca: String::new(),
            cluster_cidrs: Vec::new(),
            node_cidr_mask_size_ipv4: 24,
            node_cidr_mask_size_ipv6: 64,
            node_monitor_grace_period: Duration::from_secs(50),
            node_startup_grace_period: Duration::from_secs(60),
            terminated_pod_gc_threshold: 12500,
            max_endpoints_per_slice: 100,
            mirroring_max_endpoints_per_subset: 1000,
            resource_quota_sync_period: Duration::from_secs(300),
            horizontal_pod_autoscaler_sync_period: Duration::from_secs(15),
            horizontal_pod_autoscaler_downscale_stabilization: Duration::from_secs(300),
            horizontal_pod_autoscaler_tolerance: 0.1,
            horizontal_pod_autoscaler_cpu_initialization_period: Duration::from_secs(300),
            horizontal_pod_autoscaler_initial_readiness_delay: Duration::from_secs(30),
        }
    }
}

impl Config {
    /// Whether a controller is to run: named itself, or on by default, meant by `*` and not turned off.
    pub fn selects(&self, name: &str, on_by_default: bool) -> bool {
        let says = |word: &str| self.controllers.iter().any(|c| c == word);
        let turned_off = || self.controllers.iter().any(|c| c.strip_prefix('-') == Some(name));
        says(name) || (on_by_default && says("*") && !turned_off())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controllers_are_chosen_by_name() {
        let config = |list: &[&str]| Config {
            controllers: list.iter().map(|&s| s.to_owned()).collect(),
            ..Config::default()
        };
        assert!(config(&["*"]).selects("a", true));
        assert!(!config(&["*", "-a"]).selects("a", true));
        assert!(config(&["b", "a"]).selects("a", true));
        assert!(!config(&["b"]).selects("a", true));
        assert!(!config(&["*"]).selects("a", false));
        assert!(config(&["*", "a"]).selects("a", false));
    }
}
