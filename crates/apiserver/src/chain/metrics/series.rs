//! What is counted of requests of one kind: all series of the same labels, found with one look-up.

use skiff_telemetry::{Counter, Family, Gauge, Histogram, Registry};
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, PoisonError, RwLock};

/// Upstream's buckets for request durations.
const DURATIONS: &[f64] = &[
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0,
    20.0, 30.0, 45.0, 60.0,
];
/// Upstream's buckets for durations without the time that webhooks take.
const SLI_DURATIONS: &[f64] = &[
    0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0,
    45.0, 60.0,
];
/// Upstream's buckets for sizes of answers: a kilobyte to a gigabyte.
const SIZES: &[f64] = &[1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/// Most kinds of requests that are remembered; the families bound the rest.
const MAX_KINDS: usize = 4_096;

/// Labels of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Labels<'a> {
    pub(super) component: &'a str,
    pub(super) dry_run: &'a str,
    pub(super) group: &'a str,
    pub(super) resource: &'a str,
    pub(super) scope: &'a str,
    pub(super) subresource: &'a str,
    pub(super) verb: &'a str,
    pub(super) version: &'a str,
}

/// What is counted of requests with the same labels.
pub(super) struct Series {
    labels: [Box<str>; 8],
    /// By HTTP status code, of which few occur.
    answers: RwLock<Vec<(u16, Counter)>>,
    durations: Histogram,
    sli_durations: Histogram,
    /// Of requests that read.
    sizes: Option<Histogram>,
}

/// All kinds of requests that came.
pub(super) struct AllSeries {
    requests: Arc<Family<Counter>>,
    durations: Arc<Family<Histogram>>,
    sli_durations: Arc<Family<Histogram>>,
    sizes: Arc<Family<Histogram>>,
    long_running: Arc<Family<Gauge>>,
    terminations: Arc<Family<Counter>>,
    hasher: RandomState,
    // Keyed by the hash of the labels, so that looking one up allocates nothing.
    known: RwLock<HashMap<u64, Vec<Arc<Series>>>>,
}

// === impl Labels ===

impl<'a> Labels<'a> {
    /// In the order of the label names of counters, without the code.
    fn all(&self) -> [&'a str; 8] {
        [
            self.component,
            self.dry_run,
            self.group,
            self.resource,
            self.scope,
            self.subresource,
            self.verb,
            self.version,
        ]
    }

    fn without_dry_run(&self) -> [&'a str; 7] {
        [self.component, self.group, self.resource, self.scope, self.subresource, self.verb, self.version]
    }
}

// === impl AllSeries ===

impl AllSeries {
    /// Registers the metrics.
    pub(super) fn new(registry: &Registry) -> Self {
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
        let names: &[&str] = &["component", "group", "resource", "scope", "subresource", "verb", "version"];
        let sli_durations = registry.histograms(
            "apiserver_request_sli_duration_seconds",
            "Response latency distribution (not counting webhook duration and priority & fairness queue wait times) in seconds for each verb, group, version, resource, subresource, scope and component.",
            names,
            SLI_DURATIONS,
        );
        let sizes = registry.histograms(
            "apiserver_response_sizes",
            "Response size distribution in bytes for each group, version, verb, resource, subresource, scope and component.",
            names,
            SIZES,
        );
        let long_running = registry.gauges(
            "apiserver_longrunning_requests",
            "Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope and component. Not all requests are tracked this way.",
            names,
        );
        let terminations = registry.counters(
            "apiserver_request_terminations_total",
            "Number of requests which apiserver terminated in self-defense.",
            &["code", "component", "group", "resource", "scope", "subresource", "verb", "version"],
        );
        Self {
            requests,
            durations,
            sli_durations,
            sizes,
            long_running,
            terminations,
            hasher: RandomState::new(),
            known: RwLock::default(),
        }
    }

    /// The gauge of long-running requests with these labels.
    pub(super) fn long_running(&self, labels: &Labels<'_>) -> Gauge {
        self.long_running.with(&labels.without_dry_run())
    }

    /// Counts a request that the server ended to protect itself.
    pub(super) fn terminated(&self, labels: &Labels<'_>, code: u16) {
        let code = code.to_string();
        let [component, group, resource, scope, subresource, verb, version] = labels.without_dry_run();
        self.terminations
            .with(&[&code, component, group, resource, scope, subresource, verb, version])
            .increment();
    }

    /// The series of these labels, made if they are new.
    pub(super) fn of(&self, labels: &Labels<'_>) -> Arc<Series> {
        let hash = self.hasher.hash_one(labels);
        let full = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(found) = known.get(&hash).and_then(|all| all.iter().find(|one| one.is(labels))) {
                return found.clone();
            }
            known.len() >= MAX_KINDS
        };
        let made = Arc::new(self.make(labels));
        if !full {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            known.entry(hash).or_default().push(made.clone());
        }
        made
    }

    fn make(&self, labels: &Labels<'_>) -> Series {
        let without_dry_run = labels.without_dry_run();
        Series {
            labels: labels.all().map(Box::from),
            answers: RwLock::default(),
            durations: self.durations.with(&labels.all()),
            sli_durations: self.sli_durations.with(&without_dry_run),
            sizes: matches!(labels.verb, "GET" | "LIST").then(|| self.sizes.with(&without_dry_run)),
        }
    }

    /// Counts an answer.
    pub(super) fn answered(&self, series: &Series, code: u16) {
        let found = {
            let answers = series.answers.read().unwrap_or_else(PoisonError::into_inner);
            answers.iter().find(|(known, _)| *known == code).map(|(_, counter)| counter.clone())
        };
        found.unwrap_or_else(|| self.add_code(series, code)).increment();
    }

    fn add_code(&self, series: &Series, code: u16) -> Counter {
        let text = code.to_string();
        let values: Vec<&str> =
            std::iter::once(text.as_str()).chain(series.labels.iter().map(|label| &**label)).collect();
        let counter = self.requests.with(&values);
        let mut answers = series.answers.write().unwrap_or_else(PoisonError::into_inner);
        if answers.iter().all(|(known, _)| *known != code) {
            answers.push((code, counter.clone()));
        }
        counter
    }
}

// === impl Series ===

impl Series {
    /// Notes how long a request took that is over.
    pub(super) fn took(&self, seconds: f64) {
        self.durations.observe(seconds);
        self.sli_durations.observe(seconds);
    }

    /// Notes how large an answer is, if that is told of such requests.
    pub(super) fn sent(&self, bytes: u64) {
        if let Some(sizes) = &self.sizes {
            sizes.observe(bytes as f64);
        }
    }

    fn is(&self, labels: &Labels<'_>) -> bool {
        self.labels.iter().map(|label| &**label).eq(labels.all())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: Labels<'static> = Labels {
        component: "apiserver",
        dry_run: "",
        group: "apps",
        resource: "deployments",
        scope: "resource",
        subresource: "",
        verb: "GET",
        version: "v1",
    };

    #[test]
    fn requests_of_a_kind_share_their_series() {
        let registry = Registry::new();
        let all = AllSeries::new(&registry);
        let first = all.of(&GET);
        assert!(Arc::ptr_eq(&first, &all.of(&GET)));
        assert!(!Arc::ptr_eq(&first, &all.of(&Labels { verb: "LIST", ..GET })));
        for code in [200, 404, 200] {
            all.answered(&first, code);
        }
        first.took(0.3);
        first.sent(2_000);
        let text = registry.render();
        let labels = r#"component="apiserver",dry_run="",group="apps",resource="deployments",scope="resource",subresource="",verb="GET",version="v1""#;
        for line in [
            format!("apiserver_request_total{{code=\"200\",{labels}}} 2"),
            format!("apiserver_request_total{{code=\"404\",{labels}}} 1"),
            format!("apiserver_request_duration_seconds_bucket{{{labels},le=\"0.4\"}} 1"),
            format!("apiserver_response_sizes_sum{{{}}} 2000", labels.replace("dry_run=\"\",", "")),
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
        }
    }
}
