//! Counts and times of requests under upstream's names, with its labels and buckets.
//!
//! Series are looked up once for each kind of request and kept: counting costs no allocation, and a watch's events cost no
//! look-up at all.

mod access;
mod admission;
mod series;
mod watch_events;

pub(crate) use access::Authentication;
pub(crate) use admission::{AdmissionMetrics, Half};
pub use watch_events::EventTally;

use crate::authorization::Decision;
use crate::request::{RequestInfo, Verb};
use access::Access;
use series::{AllSeries, Labels, Series};
use skiff_api::Resource;
use skiff_storage::Storage;
use skiff_telemetry::{Counter, Family, Gauge, Registry};
use std::sync::Arc;
use std::time::{Duration, Instant};
use watch_events::WatchEvents;

/// The only store of a server, as upstream names the first of several.
const STORE: &str = "etcd-0";
/// Paths that are no resources but are told apart, as upstream does.
const TOLD_PATHS: [&str; 5] = ["/healthz", "/livez", "/metrics", "/openapi/v2", "/readyz"];

/// The API server's metrics.
pub struct Metrics {
    registry: Registry,
    series: AllSeries,
    access: Access,
    watch_events: WatchEvents,
    inflight_reading: Gauge,
    inflight_mutating: Gauge,
    dropped: Arc<Family<Counter>>,
    deprecated: Arc<Family<Gauge>>,
    audit_events: Counter,
    audit_levels: Counter,
    handshake_errors: Counter,
    store_size: Gauge,
}

/// What a request is counted as.
#[derive(Debug, Clone, Copy)]
pub struct Kind<'a> {
    /// What it asks for.
    pub info: &'a RequestInfo,
    /// Whether that is something that this server has.
    pub served: bool,
    /// The `dryRun` parameter.
    pub dry_run: &'a str,
    /// Whether it is a server-side apply.
    pub apply: bool,
}

/// A request that is being counted; dropped when it is over.
pub struct Running {
    gauge: Gauge,
    series: Arc<Series>,
    long: bool,
    begun: Instant,
}

impl Metrics {
    /// Registers the metrics.
    pub fn new(registry: Registry) -> Self {
        let inflight = registry.gauges(
            "apiserver_current_inflight_requests",
            "Maximal number of currently used inflight request limit of this apiserver per request kind in last second.",
            &["request_kind"],
        );
        let dropped = registry.counters(
            "apiserver_dropped_requests_total",
            "Number of requests dropped with 'Try again later' response",
            &["request_kind"],
        );
        let deprecated = registry.gauges(
            "apiserver_requested_deprecated_apis",
            "Gauge of deprecated APIs that have been requested, broken out by API group, version, resource, subresource, and removed_release.",
            &["group", "removed_release", "resource", "subresource", "version"],
        );
        let audit_events = registry.counters(
            "apiserver_audit_event_total",
            "Counter of audit events generated and sent to the audit backend.",
            &[],
        );
        let audit_levels = registry.counters(
            "apiserver_audit_level_total",
            "Counter of policy levels for audit events (1 per request).",
            &["level"],
        );
        let handshake_errors = registry.counters(
            "apiserver_tls_handshake_errors_total",
            "Number of requests dropped with 'TLS handshake error from' error",
            &[],
        );
        let store_size = registry.gauges(
            "apiserver_storage_size_bytes",
            "Size of the storage database file physically allocated in bytes.",
            &["storage_cluster_id"],
        );
        tell_build(&registry);
        Self {
            series: AllSeries::new(&registry),
            access: Access::new(&registry),
            watch_events: WatchEvents::new(&registry),
            inflight_reading: inflight.with(&["readOnly"]),
            inflight_mutating: inflight.with(&["mutating"]),
            dropped,
            deprecated,
            audit_events: audit_events.with(&[]),
            audit_levels: audit_levels.with(&["Metadata"]),
            handshake_errors: handshake_errors.with(&[]),
            store_size: store_size.with(&[STORE]),
            registry,
        }
    }

    /// Everything that is counted in the process.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Everything as text, with what has to be asked for first.
    pub(crate) async fn render(&self, storage: &dyn Storage) -> String {
        if let Ok(size) = storage.size().await {
            self.store_size.set(i64::try_from(size).unwrap_or(i64::MAX));
        }
        self.registry.render()
    }

    /// Counts a request as running.
    pub fn begin(&self, kind: Kind<'_>) -> Running {
        let labels = labels(&kind);
        let long = kind.info.is_long_running();
        let gauge = if long {
            self.series.long_running(&labels)
        } else if kind.info.verb.is_mutating() {
            self.inflight_mutating.clone()
        } else {
            self.inflight_reading.clone()
        };
        gauge.add(1);
        Running { gauge, series: self.series.of(&labels), long, begun: Instant::now() }
    }

    /// Counts a request as answered; the size of the answer if it is known.
    pub fn finish(&self, running: &Running, code: u16, size: Option<u64>) {
        self.series.answered(&running.series, code);
        if !running.long {
            running.series.took(running.begun.elapsed().as_secs_f64());
        }
        if let Some(size) = size {
            running.series.sent(size);
        }
    }

    /// Counts a request that was turned away because too many run.
    pub(crate) fn dropped(&self, kind: Kind<'_>) {
        let mutating = kind.info.verb.is_mutating();
        self.dropped.with(&[if mutating { "mutating" } else { "readOnly" }]).increment();
        self.series.terminated(&labels(&kind), 429);
    }

    /// Counts a request that took too long.
    pub(crate) fn timed_out(&self, kind: Kind<'_>) {
        self.series.terminated(&labels(&kind), 504);
    }

    /// Counts a look at credentials.
    pub(crate) fn authenticated(&self, result: Authentication, user: &str, took: Duration) {
        self.access.authenticated(result, user, took);
    }

    /// Counts a decision about a request.
    pub(crate) fn authorized(&self, decision: &Decision, took: Duration) {
        self.access.authorized(decision, took);
    }

    /// Notes that a deprecated resource was asked for.
    pub(crate) fn deprecated(&self, row: &Resource, subresource: &str) {
        let gvk = &row.gvk;
        // Upstream means to remove none of those that it still serves.
        self.deprecated.with(&[&*gvk.group, "", &*row.plural, subresource, &*gvk.version]).set(1);
    }

    /// Counts an audit event.
    pub(crate) fn audited(&self) {
        self.audit_events.increment();
        self.audit_levels.increment();
    }

    /// Counts a TLS handshake that failed.
    pub(crate) fn handshake_failed(&self) {
        self.handshake_errors.increment();
    }

    /// Counts the events of a watch of a row.
    pub(crate) fn watch_events(&self, row: &Resource) -> EventTally {
        self.watch_events.of(row)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.gauge.add(-1);
    }
}

fn tell_build(registry: &Registry) {
    use crate::version;
    let build = registry.gauges(
        "kubernetes_build_info",
        "A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, build date, Go version, and compiler from which Kubernetes was built, and platform on which it is running.",
        &[
            "build_date",
            "compiler",
            "git_commit",
            "git_tree_state",
            "git_version",
            "go_version",
            "major",
            "minor",
            "platform",
        ],
    );
    let platform = version::platform();
    let values = [
        version::BUILD_DATE,
        version::COMPILER,
        version::GIT_COMMIT,
        version::GIT_TREE_STATE,
        version::GIT_VERSION,
        version::GO_VERSION,
        version::MAJOR,
        version::MINOR,
        platform.as_str(),
    ];
    build.with(&values).set(1);
}

fn labels<'a>(kind: &Kind<'a>) -> Labels<'a> {
    let info = kind.info;
    // What is not served has no names: clients could make up any number.
    let [group, version, resource, mut subresource] = if kind.served {
        [info.group.as_str(), info.version.as_str(), info.resource.as_str(), info.subresource.as_str()]
    } else {
        [""; 4]
    };
    if !info.is_resource {
        subresource = TOLD_PATHS.into_iter().find(|path| *path == info.path).unwrap_or_default();
    }
    let dry_run = match kind.dry_run {
        "" | "All" => kind.dry_run,
        _ => "invalid",
    };
    Labels {
        component: if info.is_resource { "apiserver" } else { "" },
        dry_run,
        group,
        resource,
        scope: scope(info),
        subresource,
        verb: verb(kind),
        version,
    }
}

fn scope(info: &RequestInfo) -> &'static str {
    if !info.name.is_empty() || info.verb == Verb::Create {
        "resource"
    } else if !info.namespace.is_empty() {
        "namespace"
    } else if info.is_resource {
        "cluster"
    } else {
        ""
    }
}

fn verb(kind: &Kind<'_>) -> &'static str {
    if matches!(kind.info.subresource.as_str(), "exec" | "attach" | "portforward" | "proxy") {
        return "CONNECT";
    }
    match kind.info.verb {
        Verb::Get => "GET",
        Verb::List => "LIST",
        Verb::Watch => "WATCH",
        Verb::Create | Verb::Post => "POST",
        Verb::Update | Verb::Put => "PUT",
        Verb::Patch if kind.apply => "APPLY",
        Verb::Patch => "PATCH",
        Verb::Delete => "DELETE",
        Verb::DeleteCollection => "DELETECOLLECTION",
        Verb::Head => "HEAD",
        Verb::Options => "OPTIONS",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Query;
    use http::Method;

    fn told(method: Method, uri: &str, served: bool, apply: bool) -> String {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let query = Query::parse(query);
        let info = RequestInfo::parse(&method, path, &query);
        let kind = Kind { info: &info, served, dry_run: query.get("dryRun"), apply };
        let Labels { component, dry_run, group, resource, scope, subresource, verb, version } = labels(&kind);
        format!("{component},{dry_run},{group},{resource},{scope},{subresource},{verb},{version}")
    }

    #[test]
    fn requests_have_upstreams_labels() {
        let cases = [
            (Method::GET, "/api/v1/pods", true, false, "apiserver,,,pods,cluster,,LIST,v1"),
            (
                Method::GET,
                "/api/v1/namespaces/a/pods?watch=1",
                true,
                false,
                "apiserver,,,pods,namespace,,WATCH,v1",
            ),
            (
                Method::POST,
                "/api/v1/namespaces/a/pods?dryRun=All",
                true,
                false,
                "apiserver,All,,pods,resource,,POST,v1",
            ),
            (
                Method::PATCH,
                "/apis/apps/v1/namespaces/a/deployments/b/status?dryRun=x",
                true,
                true,
                "apiserver,invalid,apps,deployments,resource,status,APPLY,v1",
            ),
            (
                Method::GET,
                "/api/v1/namespaces/a/pods/b/exec",
                true,
                false,
                "apiserver,,,pods,resource,exec,CONNECT,v1",
            ),
            (Method::GET, "/apis/made/v1/up", false, false, "apiserver,,,,cluster,,LIST,"),
            (Method::GET, "/livez", false, false, ",,,,,/livez,GET,"),
            (Method::GET, "/made/up", false, false, ",,,,,,GET,"),
        ];
        for (method, uri, served, apply, expected) in cases {
            assert_eq!(told(method, uri, served, apply), expected, "{uri}");
        }
    }
}
