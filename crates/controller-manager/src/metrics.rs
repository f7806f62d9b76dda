//! `workqueue_*` metrics of the controllers' queues, under upstream's names.

use skiff_client::QueueObserver;
use skiff_telemetry::{Counter, Gauge, Histogram, Registry};
use std::sync::Arc;
use std::time::Duration;

/// Upstream's buckets: 10 ns to 1000 s.
const BOUNDS: &[f64] = &[1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0, 1000.0];

/// Measures one queue.
pub(crate) struct QueueMetrics {
    depth: Gauge,
    adds: Counter,
    retries: Counter,
    waited: Histogram,
    worked: Histogram,
}

impl QueueMetrics {
    pub(crate) fn observer(registry: &Registry, queue: &str) -> Arc<dyn QueueObserver> {
        let labels: &'static [&'static str] = &["name"];
        let counter = |name, help| registry.counters(name, help, labels).with(&[queue]);
        let histogram = |name, help| registry.histograms(name, help, labels, BOUNDS).with(&[queue]);
        Arc::new(Self {
            depth: registry.gauges("workqueue_depth", "Current depth of workqueue", labels).with(&[queue]),
            adds: counter("workqueue_adds_total", "Total number of adds handled by workqueue"),
            retries: counter("workqueue_retries_total", "Total number of retries handled by workqueue"),
            waited: histogram(
                "workqueue_queue_duration_seconds",
                "How long in seconds an item stays in workqueue before being requested.",
            ),
            worked: histogram(
                "workqueue_work_duration_seconds",
                "How long in seconds processing an item from workqueue takes.",
            ),
        })
    }
}

impl QueueObserver for QueueMetrics {
    fn added(&self, depth: usize) {
        self.adds.increment();
        self.show(depth);
    }

    fn taken(&self, depth: usize, waited: Duration) {
        self.waited.observe(waited.as_secs_f64());
        self.show(depth);
    }

    fn done(&self, took: Duration) {
        self.worked.observe(took.as_secs_f64());
    }

    fn retried(&self) {
        self.retries.increment();
    }
}

impl QueueMetrics {
    fn show(&self, depth: usize) {
        self.depth.set(i64::try_from(depth).unwrap_or(i64::MAX));
    }
}
