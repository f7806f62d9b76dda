//! Counts and times of requests under upstream's names.

use crate::request::{RequestInfo, Verb};
use skiff_telemetry::{Counter, Family, Gauge, Histogram, Registry};
use std::sync::Arc;
use std::time::Duration;

/// Upstream's buckets for request durations.
const DURATIONS: &[f64] = &[
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0,
    20.0, 30.0, 45.0, 60.0,
];

/// The API server's metrics.
pub struct Metrics {
    registry: Registry,
    requests: Arc<Family<Counter>>,
    durations: Arc<Family<Histogram>>,
    inflight_reading: Gauge,
    inflight_mutating: Gauge,
    long_running: Arc<Family<Gauge>>,
    authentications: Arc<Family<Counter>>,
}

/// A request that is being counted; dropped when it is over.
pub struct Running(Gauge);

impl Metrics {
    /// Registers the metrics.
    pub fn new(registry: Registry) -> Self {
        let requests = registry.counters(
            "apiserver_request_total",
            "Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.",
            &["code", "component", "dry_run", "group", "resource", "scope", "subresource", "verb", "version"],
        );
        let durations = registry.histograms(
            "apiserver_request_duration_seconds",
            "Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.",
            &["component", "dry_run", "group", "resource", "scope", "subresource", "verb", "version"],
            DURATIONS,
        );
        let inflight = registry.gauges(
            "apiserver_current_inflight_requests",
            "Maximal number of currently used inflight request limit of this apiserver per request kind in last second.",
            &["request_kind"],
        );
        let long_running = registry.gauges(
            "apiserver_longrunning_requests",
            "Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope and component.",
            &["component", "group", "resource", "scope", "subresource", "verb", "version"],
        );
        let authentications =
            registry.counters("authentication_attempts", "Counter of authenticated attempts.", &["result"]);
        registry
            .gauges(
                "kubernetes_build_info",
                "A metric with a constant '1' value labeled by major, minor, git version and platform.",
                &["git_version", "major", "minor", "platform"],
            )
            .with(&[
                crate::version::GIT_VERSION,
                crate::version::MAJOR,
                crate::version::MINOR,
                &crate::version::platform(),
            ])
            .set(1);
        Self {
            inflight_reading: inflight.with(&["readOnly"]),
            inflight_mutating: inflight.with(&["mutating"]),
            registry,
            requests,
            durations,
            long_running,
            authentications,
        }
    }

    /// Everything that is counted in the process.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Counts a request as running; `served` says whether it is for something that this server has.
    pub fn begin(&self, info: &RequestInfo, served: bool) -> Running {
        let gauge = if info.is_long_running() {
            let [group, version, resource, subresource] = names(info, served);
            self.long_running.with(&[
                "apiserver",
                group,
                resource,
                scope(info),
                subresource,
                verb(info),
                version,
            ])
        } else if info.verb.is_mutating() {
            self.inflight_mutating.clone()
        } else {
            self.inflight_reading.clone()
        };
        gauge.add(1);
        Running(gauge)
    }

    /// Counts a request as answered.
    pub fn finish(&self, info: &RequestInfo, served: bool, dry_run: &str, code: u16, took: Duration) {
        let (verb, scope) = (verb(info), scope(info));
        let [group, version, resource, subresource] = names(info, served);
        let dry_run = match dry_run {
            "" | "All" => dry_run,
            _ => "invalid",
        };
        let code = code.to_string();
        self.requests
            .with(&[&code, "apiserver", dry_run, group, resource, scope, subresource, verb, version])
            .increment();
        if !info.is_long_running() {
            self.durations
                .with(&["apiserver", dry_run, group, resource, scope, subresource, verb, version])
                .observe(took.as_secs_f64());
        }
    }

    /// Counts credentials that were not valid.
    pub fn authentication_failed(&self) {
        self.authentications.with(&["failure"]).increment();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.add(-1);
    }
}

/// Group, version, resource and subresource as labels. What is not served has none: clients could make up any number.
fn names(info: &RequestInfo, served: bool) -> [&str; 4] {
    if served { [&info.group, &info.version, &info.resource, &info.subresource] } else { [""; 4] }
}

fn scope(info: &RequestInfo) -> &'static str {
    match (info.is_resource, info.name.is_empty(), info.namespace.is_empty()) {
        (false, ..) => "",
        (true, false, _) => "resource",
        (true, true, false) => "namespace",
        (true, true, true) => "cluster",
    }
}

fn verb(info: &RequestInfo) -> &'static str {
    match info.verb {
        Verb::Get => "GET",
        Verb::List => "LIST",
        Verb::Watch => "WATCH",
        Verb::Create | Verb::Post => "POST",
        Verb::Update | Verb::Put => "PUT",
        Verb::Patch => "PATCH",
        Verb::Delete => "DELETE",
        Verb::DeleteCollection => "DELETECOLLECTION",
        Verb::Head => "HEAD",
        Verb::Options => "OPTIONS",
    }
}
