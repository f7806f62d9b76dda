//! Leader election of components of which several run, one acts.

use crate::component::election::Election;
use anyhow::{Result, ensure};
use skiff_apimachinery::go_duration::parse_duration;
use skiff_client::leader::Timings;
use std::time::Duration;

/// Upstream's `--leader-elect*`.
#[derive(clap::Args, Debug)]
pub(crate) struct LeaderElectFlags {
    /// Wait for the leadership before acting
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    leader_elect: bool,
    /// How long others wait without a renewal before they take over
    #[arg(long, default_value = "15s", value_parser = parse_duration)]
    leader_elect_lease_duration: Duration,
    /// How long the leader goes on without being able to renew
    #[arg(long, default_value = "10s", value_parser = parse_duration)]
    leader_elect_renew_deadline: Duration,
    /// How long between attempts
    #[arg(long, default_value = "2s", value_parser = parse_duration)]
    leader_elect_retry_period: Duration,
    /// Kind of the lock
    #[arg(long, default_value = "leases", value_parser = ["leases"])]
    leader_elect_resource_lock: String,
    /// Name of the lease (default: the component's)
    #[arg(long)]
    leader_elect_resource_name: Option<String>,
    /// Namespace of the lease
    #[arg(long, default_value = "kube-system")]
    leader_elect_resource_namespace: String,
}

impl LeaderElectFlags {
    /// The election; `None` without one.
    pub(crate) fn election(self, component: &str) -> Result<Option<Election>> {
        let timings = Timings {
            lease_duration: self.leader_elect_lease_duration,
            renew_deadline: self.leader_elect_renew_deadline,
            retry_period: self.leader_elect_retry_period,
        };
        ensure!(
            timings.lease_duration > timings.renew_deadline,
            "leaseDuration must be greater than renewDeadline"
        );
        // Upstream's jitter factor.
        ensure!(
            timings.renew_deadline > timings.retry_period.mul_f64(1.2),
            "renewDeadline must be greater than retryPeriod*JitterFactor"
        );
        ensure!(timings.retry_period > Duration::ZERO, "retryPeriod must be greater than zero");
        Ok(self.leader_elect.then(|| Election {
            namespace: self.leader_elect_resource_namespace,
            name: self.leader_elect_resource_name.unwrap_or_else(|| component.to_owned()),
            timings,
        }))
    }
}
