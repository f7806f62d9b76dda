//! `/healthz`, `/livez`, `/readyz`: named checks, single or all, with upstream's text.

use crate::request::Query;
use skiff_storage::Storage;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How long the store may take to answer.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// Which of the three endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `/healthz`, deprecated, as livez with the post-start hooks.
    Healthz,
    /// `/livez`: whether restarting would help.
    Livez,
    /// `/readyz`: whether requests should come.
    Readyz,
}

/// The checks.
#[derive(Default)]
pub struct Health {
    hooks: RwLock<Vec<Hook>>,
    stopping: AtomicBool,
}

struct Hook {
    name: String,
    done: Arc<AtomicBool>,
}

/// A check that fails until it is told to pass.
#[derive(Clone)]
pub struct Hold(Arc<AtomicBool>);

impl Hold {
    /// The check passes from now on.
    pub fn pass(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// What an endpoint answers.
pub struct Answer {
    /// HTTP status code.
    pub code: u16,
    /// Text for people and probes.
    pub text: String,
}

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

impl Health {
    /// Adds a check that fails until it is told to pass, such as `poststarthook/rbac/bootstrap-roles`.
    pub fn hold(&self, name: &str) -> Hold {
        let done = Arc::new(AtomicBool::new(false));
        let mut hooks = self.hooks.write().unwrap_or_else(PoisonError::into_inner);
        hooks.push(Hook { name: name.to_owned(), done: done.clone() });
        Hold(done)
    }

    /// Makes readyz fail: the server is about to stop.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Runs the checks of an endpoint.
    pub async fn answer(
        &self,
        storage: &dyn Storage,
        endpoint: Endpoint,
        check: &str,
        query: &Query,
    ) -> Answer {
        let mut results = vec![("ping".to_owned(), Ok(())), ("log".to_owned(), Ok(()))];
        if check.is_empty() || check == "etcd" {
            results.push(("etcd".to_owned(), store(storage).await));
        }
        {
            let hooks = self.hooks.read().unwrap_or_else(PoisonError::into_inner);
            results.extend(hooks.iter().map(|hook| {
                let done = hook.done.load(Ordering::Acquire);
                (hook.name.clone(), if done { Ok(()) } else { Err("not finished".to_owned()) })
            }));
        }
        if endpoint == Endpoint::Readyz {
            let stopping = self.stopping.load(Ordering::Acquire);
            results.push((
                "shutdown".to_owned(),
                if stopping { Err("process is shutting down".into()) } else { Ok(()) },
            ));
        }
        if !check.is_empty() {
            return match results.into_iter().find(|(name, _)| name == check) {
                None => Answer { code: 404, text: "404 page not found\n".into() },
                Some((_, Ok(()))) => Answer { code: 200, text: "ok".into() },
                Some((_, Err(why))) => Answer { code: 500, text: format!("internal server error: {why}\n") },
            };
        }
        let excluded: Vec<&str> = query.all("exclude").collect();
        results_text(endpoint, results, &excluded, query.contains("verbose"))
    }
}

fn results_text(
    endpoint: Endpoint,
    results: Vec<(String, Result<(), String>)>,
    excluded: &[&str],
    verbose: bool,
) -> Answer {
    let mut text = String::new();
    let mut failed = false;
    for (name, result) in results {
        if excluded.contains(&name.as_str()) {
            text.push_str(&format!("[+]{name} excluded: ok\n"));
            continue;
        }
        match result {
            Ok(()) => text.push_str(&format!("[+]{name} ok\n")),
            Err(why) => {
                failed = true;
                tracing::info!(check = name, why, "{} check failed", endpoint.name());
                text.push_str(&format!("[-]{name} failed: reason withheld\n"));
            }
        }
    }
    let name = endpoint.name();
    match (failed, verbose) {
        (true, _) => Answer { code: 500, text: format!("{text}{name} check failed\n") },
        (false, true) => Answer { code: 200, text: format!("{text}{name} check passed\n") },
        (false, false) => Answer { code: 200, text: "ok".into() },
    }
}

async fn store(storage: &dyn Storage) -> Result<(), String> {
    match tokio::time::timeout(STORE_PATIENCE, storage.revision()).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the store does not answer".into()),
    }
}
