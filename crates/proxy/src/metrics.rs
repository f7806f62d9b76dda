//! `kubeproxy_*` metrics, under upstream's names.

use skiff_telemetry::{Counter, Gauge, Histogram, Registry};
use std::time::Duration;

/// Upstream's buckets: 1 ms to 16 s, doubling.
const BOUNDS: &[f64] = &[
    0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384,
];

/// What the proxy counts.
pub(crate) struct Metrics {
    /// Service events.
    pub(crate) service_changes: Counter,
    /// EndpointSlice events.
    pub(crate) endpoint_changes: Counter,
    any: Histogram,
    full: Histogram,
    partial: Histogram,
    failures: Counter,
    last: Gauge,
}

impl Metrics {
    pub(crate) fn new(registry: &Registry) -> Self {
        let counter = |name, help| registry.counters(name, help, &[]).with(&[]);
        let histogram = |name, help| registry.histograms(name, help, &[], BOUNDS).with(&[]);
        Self {
            service_changes: counter(
                "kubeproxy_sync_proxy_rules_service_changes_total",
                "Cumulative proxy rules Service changes",
            ),
            endpoint_changes: counter(
                "kubeproxy_sync_proxy_rules_endpoint_changes_total",
                "Cumulative proxy rules Endpoint changes",
            ),
            any: histogram(
                "kubeproxy_sync_proxy_rules_duration_seconds",
                "SyncProxyRules latency in seconds",
            ),
            full: histogram(
                "kubeproxy_sync_full_proxy_rules_duration_seconds",
                "SyncProxyRules latency in seconds for full resyncs",
            ),
            partial: histogram(
                "kubeproxy_sync_partial_proxy_rules_duration_seconds",
                "SyncProxyRules latency in seconds for partial resyncs",
            ),
            failures: counter(
                "kubeproxy_sync_proxy_rules_nftables_sync_failures_total",
                "Cumulative proxy nftables sync failures",
            ),
            last: registry
                .gauges(
                    "kubeproxy_sync_proxy_rules_last_timestamp_seconds",
                    "The last time proxy rules were successfully synced",
                    &[],
                )
                .with(&[]),
        }
    }

    /// The kernel took everything (`full`) or changes.
    pub(crate) fn synced(&self, full: bool, took: Duration, now: jiff::Timestamp) {
        let kind = if full { &self.full } else { &self.partial };
        kind.observe(took.as_secs_f64());
        self.any.observe(took.as_secs_f64());
        self.last.set(now.as_second());
    }

    /// The kernel refused.
    pub(crate) fn failed(&self) {
        self.failures.increment();
    }
}
