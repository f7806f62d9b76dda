//! What watches are sent, under upstream's names.

use skiff_api::Resource;
use skiff_telemetry::{Counter, Family, Histogram, Registry};
use std::sync::Arc;

/// Upstream's buckets: a kibibyte, doubled seven times.
const SIZES: &[f64] = &[1_024.0, 2_048.0, 4_096.0, 8_192.0, 16_384.0, 32_768.0, 65_536.0, 131_072.0];
const LABELS: &[&str] = &["group", "resource", "version"];

/// Events of all watches.
pub(super) struct WatchEvents {
    totals: Arc<Family<Counter>>,
    sizes: Arc<Family<Histogram>>,
}

/// Counts the events of one watch, whose labels were looked up when it began.
#[derive(Clone)]
pub struct EventTally {
    total: Counter,
    sizes: Histogram,
}

impl WatchEvents {
    /// Registers the metrics.
    pub(super) fn new(registry: &Registry) -> Self {
        Self {
            totals: registry.counters(
                "apiserver_watch_events_total",
                "Number of events sent in watch clients",
                LABELS,
            ),
            sizes: registry.histograms(
                "apiserver_watch_events_sizes",
                "Watch event size distribution in bytes",
                LABELS,
                SIZES,
            ),
        }
    }

    /// For a watch of a row.
    pub(super) fn of(&self, row: &Resource) -> EventTally {
        let labels = [&*row.gvk.group, &*row.plural, &*row.gvk.version];
        EventTally { total: self.totals.with(&labels), sizes: self.sizes.with(&labels) }
    }
}

impl EventTally {
    /// Counts an event of so many bytes.
    pub fn sent(&self, bytes: usize) {
        self.total.increment();
        self.sizes.observe(bytes as f64);
    }
}
