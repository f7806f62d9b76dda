//! `/healthz`, `/livez`, `/readyz`: named checks, single or all, with upstream's names, order and text.
//!
//! Input: what the server and whoever composes it say about their progress, the store, the caches; output: texts for probes
//! and the metrics of `/metrics/slis`.

mod answer;
mod checks;

pub use answer::Answer;

use crate::cache::Caches;
use crate::request::Query;
use answer::Outcome;
use skiff_apimachinery::GroupResource;
use skiff_apimachinery::time::Clock;
use skiff_storage::Storage;
use skiff_telemetry::{Counter, Family, Gauge, Registry};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How long the store may take to answer; upstream's `--etcd-healthcheck-timeout` and `--etcd-readycheck-timeout`.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// Which of the three endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `/healthz`, deprecated, as livez without its grace period.
    Healthz,
    /// `/livez`: whether restarting would help.
    Livez,
    /// `/readyz`: whether requests should come.
    Readyz,
}

/// The checks.
pub struct Health {
    hooks: RwLock<Vec<Hook>>,
    stopping: AtomicBool,
    clock: Arc<dyn Clock>,
    /// Resources whose caches must be filled.
    warm: Vec<GroupResource>,
    /// Until then livez does not mind a boot sequence that is not through.
    grace_ends: jiff::Timestamp,
    metrics: Metrics,
}

#[derive(Clone)]
struct Hook {
    name: Arc<str>,
    done: Arc<AtomicBool>,
}

/// A check that fails until it is told to pass.
#[derive(Clone)]
pub struct Hold(Arc<AtomicBool>);

/// Results of checks under upstream's names; they have an endpoint of their own.
struct Metrics {
    registry: Registry,
    last: Arc<Family<Gauge>>,
    total: Arc<Family<Counter>>,
}

// === impl Hold ===

impl Hold {
    /// The check passes from now on.
    pub fn pass(&self) {
        self.0.store(true, Ordering::Release);
    }
}

// === impl Endpoint ===

impl Endpoint {
    /// The endpoint and the single check that a path names (empty for all).
    pub fn parse(path: &str) -> Option<(Self, &str)> {
        let path = path.strip_prefix('/')?;
        let (name, check) = path.split_once('/').unwrap_or((path, ""));
        let endpoint = match name {
            "healthz" => Self::Healthz,
            "livez" => Self::Livez,
            "readyz" => Self::Readyz,
            _ => return None,
        };
        Some((endpoint, check.trim_end_matches('/')))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Healthz => "healthz",
            Self::Livez => "livez",
            Self::Readyz => "readyz",
        }
    }
}

// === impl Health ===

impl Health {
    /// Every step of the boot sequence counts as done until someone holds it. What authorizers and plugins read of the warm
    /// resources must be there for the server to be ready.
    pub fn new(clock: Arc<dyn Clock>, livez_grace: Duration, warm: Vec<GroupResource>) -> Self {
        let done = |name: &&str| Hook { name: Arc::from(*name), done: Arc::new(AtomicBool::new(true)) };
        let registry = Registry::new();
        let now = clock.now();
        Self {
            hooks: RwLock::new(checks::BOOT_SEQUENCE.iter().map(done).collect()),
            stopping: AtomicBool::new(false),
            warm,
            // A grace period beyond all time never ends.
            grace_ends: now.checked_add(livez_grace).unwrap_or(jiff::Timestamp::MAX),
            clock,
            metrics: Metrics::new(registry),
        }
    }

    /// Makes a check fail until it is told to pass, such as `poststarthook/rbac/bootstrap-roles`; one that upstream does not
    /// have comes last.
    pub fn hold(&self, name: &str) -> Hold {
        let done = Arc::new(AtomicBool::new(false));
        let mut hooks = self.hooks.write().unwrap_or_else(PoisonError::into_inner);
        match hooks.iter_mut().find(|hook| *hook.name == *name) {
            Some(hook) => hook.done = done.clone(),
            None => hooks.push(Hook { name: Arc::from(name), done: done.clone() }),
        }
        Hold(done)
    }

    /// Makes readyz fail: the server is about to stop.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Metrics of the checks in text form.
    pub fn metrics(&self) -> String {
        self.metrics.registry.render_registered()
    }

    /// The paths of all checks.
    pub fn paths(&self) -> Vec<String> {
        let hooks = self.hooks();
        let mut paths = Vec::new();
        for endpoint in [Endpoint::Healthz, Endpoint::Livez, Endpoint::Readyz] {
            let root = format!("/{}", endpoint.name());
            paths.extend(names(endpoint, &hooks).into_iter().map(|name| format!("{root}/{name}")));
            paths.push(root);
        }
        paths
    }

    /// Runs the checks of an endpoint, or a single one; `None` if there is no such check.
    pub async fn answer(
        &self,
        caches: &Caches,
        endpoint: Endpoint,
        check: &str,
        query: &Query,
    ) -> Option<Answer> {
        let hooks = self.hooks();
        let names = names(endpoint, &hooks);
        if !check.is_empty() {
            let name = names.into_iter().find(|name| *name == check)?;
            return Some(answer::of_one(self.run(name, endpoint, &hooks, caches).await));
        }
        let excluded: Vec<&str> = query.all("exclude").collect();
        let mut outcomes: Vec<Outcome<'_>> = Vec::with_capacity(names.len());
        for name in names {
            if excluded.contains(&name) {
                outcomes.push((name, Ok(())));
                continue;
            }
            let outcome = self.run(name, endpoint, &hooks, caches).await;
            self.metrics.observe(endpoint, name, outcome.is_ok());
            outcomes.push((name, outcome));
        }
        Some(answer::of_all(endpoint, &outcomes, &excluded, query.contains("verbose")))
    }

    fn hooks(&self) -> Vec<Hook> {
        self.hooks.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn run(
        &self,
        name: &str,
        endpoint: Endpoint,
        hooks: &[Hook],
        caches: &Caches,
    ) -> Result<(), String> {
        match name {
            checks::PING | checks::LOG => Ok(()),
            checks::STORE | checks::STORE_READINESS => store(&**caches.storage()).await,
            checks::CACHES => synced(caches, &self.warm),
            checks::SHUTDOWN if self.stopping.load(Ordering::Acquire) => {
                Err("process is shutting down".into())
            }
            checks::SHUTDOWN => Ok(()),
            hook => {
                let in_grace = endpoint == Endpoint::Livez && self.clock.now() <= self.grace_ends;
                let done = hooks.iter().any(|h| *h.name == *hook && h.done.load(Ordering::Acquire));
                if done || in_grace { Ok(()) } else { Err("not finished".to_owned()) }
            }
        }
    }
}

/// The checks of an endpoint, in order.
fn names(endpoint: Endpoint, hooks: &[Hook]) -> Vec<&str> {
    let ready = endpoint == Endpoint::Readyz;
    let mut names = vec![checks::PING, checks::LOG, checks::STORE];
    if ready {
        names.extend([checks::STORE_READINESS, checks::CACHES]);
    }
    names.extend(hooks.iter().map(|hook| &*hook.name));
    if ready {
        names.push(checks::SHUTDOWN);
    }
    names
}

async fn store(storage: &dyn Storage) -> Result<(), String> {
    match tokio::time::timeout(STORE_PATIENCE, storage.revision()).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("context deadline exceeded".into()),
    }
}

/// Whether the caches of these resources have been filled.
fn synced(caches: &Caches, resources: &[GroupResource]) -> Result<(), String> {
    let rows = caches.table().rows();
    let is_waiting = |resource: &&GroupResource| {
        let cache = rows.stored(resource).and_then(|row| caches.running(&row));
        cache.is_some_and(|cache| cache.revision() == 0)
    };
    let waiting: Vec<String> =
        resources.iter().filter(is_waiting).map(|resource| resource.to_string()).collect();
    if waiting.is_empty() {
        return Ok(());
    }
    Err(format!("{} informers not started yet: [{}]", waiting.len(), waiting.join(" ")))
}

// === impl Metrics ===

impl Metrics {
    fn new(registry: Registry) -> Self {
        let last = registry.gauges(
            "kubernetes_healthcheck",
            "This metric records the result of a single healthcheck.",
            &["name", "type"],
        );
        let total = registry.counters(
            "kubernetes_healthchecks_total",
            "This metric records the results of all healthcheck.",
            &["name", "status", "type"],
        );
        Self { registry, last, total }
    }

    fn observe(&self, endpoint: Endpoint, name: &str, passed: bool) {
        let kind = endpoint.name();
        let status = if passed { "success" } else { "error" };
        self.last.with(&[name, kind]).set(i64::from(passed));
        self.total.with(&[name, status, kind]).increment();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(grace: u64) -> Health {
        let clock = Arc::new(skiff_apimachinery::time::SystemClock);
        Health::new(clock, Duration::from_secs(grace), Vec::new())
    }

    #[test]
    fn every_endpoint_has_its_checks_in_upstreams_order() {
        let health = health(0);
        let hooks = health.hooks();
        let live = names(Endpoint::Livez, &hooks);
        assert_eq!(live[..4], ["ping", "log", "etcd", checks::BOOT_SEQUENCE[0]]);
        assert_eq!(live.last(), Some(&"poststarthook/apiservice-openapiv3-controller"));
        assert_eq!(names(Endpoint::Healthz, &hooks), live);
        let ready = names(Endpoint::Readyz, &hooks);
        assert_eq!(ready[..5], ["ping", "log", "etcd", "etcd-readiness", "informer-sync"]);
        assert_eq!(ready[5..ready.len() - 1], live[3..]);
        assert_eq!(ready.last(), Some(&"shutdown"));
        assert!(health.paths().contains(&"/readyz/poststarthook/rbac/bootstrap-roles".to_owned()));
    }

    #[test]
    fn what_is_held_keeps_its_place() {
        let health = health(0);
        let hold = health.hold("poststarthook/rbac/bootstrap-roles");
        let state = || -> Vec<bool> {
            let hooks = health.hooks();
            assert_eq!(hooks.len(), checks::BOOT_SEQUENCE.len());
            hooks.iter().map(|hook| hook.done.load(Ordering::Acquire)).collect()
        };
        let place = checks::BOOT_SEQUENCE.iter().position(|n| n.ends_with("bootstrap-roles")).unwrap();
        assert_eq!(state().iter().position(|done| !done), Some(place));
        hold.pass();
        assert!(state().into_iter().all(|done| done));
    }

    #[test]
    fn paths_name_endpoints_and_checks() {
        for (path, expected) in [
            ("/livez", Some((Endpoint::Livez, ""))),
            ("/readyz/etcd", Some((Endpoint::Readyz, "etcd"))),
            ("/healthz/poststarthook/a/", Some((Endpoint::Healthz, "poststarthook/a"))),
            ("/health", None),
        ] {
            assert_eq!(Endpoint::parse(path), expected, "{path}");
        }
    }
}
