//! Metric registry in Prometheus text form, and tracing set-up.
//!
//! Place in the data's way: beside it. Components register metrics under upstream's names and update them without
//! allocating; the API server and the kubelet show [`Registry::render`] at `/metrics`.
//!
//! Invariants:
//! - updating a metric takes no lock that rendering holds for long;
//! - label cardinality is bounded: beyond it, series fall into one whose labels read `other`;
//! - nothing is sampled in the background: gauges of the process are read while rendering.

mod family;
pub mod logging;
mod metric;
mod process;
mod registry;
mod stability;

pub use family::Family;
pub use metric::{Counter, Gauge, Histogram};
pub use registry::{Registry, Sample};
