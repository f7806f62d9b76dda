//! Who was let in and who might do what, under upstream's names.

use crate::authorization::Decision;
use skiff_telemetry::{Counter, Family, Histogram, Registry};
use std::sync::Arc;
use std::time::Duration;

/// Upstream's buckets: a millisecond, doubled fourteen times.
const DURATIONS: &[f64] = &[
    0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384,
];
/// User names that are told as they are; all others are gathered.
const TOLD_USERS: [&str; 5] =
    ["admin", "client", "kube_proxy", "kubelet", "system:serviceaccount:kube-system:default"];

/// How a request's credentials were judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authentication {
    /// They are somebody's, or nobody's.
    Success,
    /// They are not valid.
    Error,
}

/// Counts and times of one outcome.
struct Outcome {
    attempts: Counter,
    durations: Histogram,
}

/// Metrics of authentication and authorization.
pub(super) struct Access {
    authenticated: [Outcome; 2],
    authorized: [Outcome; 3],
    users: Arc<Family<Counter>>,
}

impl Access {
    /// Registers the metrics.
    pub(super) fn new(registry: &Registry) -> Self {
        let attempts =
            registry.counters("authentication_attempts", "Counter of authenticated attempts.", &["result"]);
        let durations = registry.histograms(
            "authentication_duration_seconds",
            "Authentication duration in seconds broken out by result.",
            &["result"],
            DURATIONS,
        );
        let authenticated = outcomes(["success", "error"], &attempts, &durations);
        let attempts = registry.counters(
            "authorization_attempts_total",
            "Counter of authorization attempts broken down by result. It can be either 'allowed', 'denied', 'no-opinion' or 'error'.",
            &["result"],
        );
        let durations = registry.histograms(
            "authorization_duration_seconds",
            "Authorization duration in seconds broken out by result.",
            &["result"],
            DURATIONS,
        );
        let authorized = outcomes(["allowed", "denied", "no-opinion"], &attempts, &durations);
        let users = registry.counters(
            "authenticated_user_requests",
            "Counter of authenticated requests broken out by username.",
            &["username"],
        );
        Self { authenticated, authorized, users }
    }

    /// Counts a look at credentials.
    pub(super) fn authenticated(&self, result: Authentication, user: &str, took: Duration) {
        let [success, error] = &self.authenticated;
        match result {
            Authentication::Success => {
                success.note(took);
                self.users.with(&[gathered(user)]).increment();
            }
            Authentication::Error => error.note(took),
        }
    }

    /// Counts a decision.
    pub(super) fn authorized(&self, decision: &Decision, took: Duration) {
        let [allowed, denied, no_opinion] = &self.authorized;
        match decision {
            Decision::Allow(_) => allowed.note(took),
            Decision::Deny(_) => denied.note(took),
            Decision::NoOpinion(_) => no_opinion.note(took),
        }
    }
}

impl Outcome {
    fn note(&self, took: Duration) {
        self.attempts.increment();
        self.durations.observe(took.as_secs_f64());
    }
}

fn outcomes<const N: usize>(
    results: [&str; N],
    attempts: &Family<Counter>,
    durations: &Family<Histogram>,
) -> [Outcome; N] {
    results.map(|result| Outcome { attempts: attempts.with(&[result]), durations: durations.with(&[result]) })
}

/// A user name as it is told: names are many, so most are not.
fn gathered(user: &str) -> &str {
    if TOLD_USERS.contains(&user) {
        user
    } else if user.contains('@') {
        "email_id"
    } else {
        "other"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_are_gathered() {
        let (registry, second) = (Registry::new(), Duration::from_secs(1));
        let access = Access::new(&registry);
        for user in ["admin", "jane@example.com", "jane", "system:anonymous"] {
            access.authenticated(Authentication::Success, user, second);
        }
        access.authenticated(Authentication::Error, "", second);
        access.authorized(&Decision::NoOpinion(String::new()), second);
        let text = registry.render();
        for line in [
            r#"authenticated_user_requests{username="admin"} 1"#,
            r#"authenticated_user_requests{username="email_id"} 1"#,
            r#"authenticated_user_requests{username="other"} 2"#,
            r#"authentication_attempts{result="success"} 4"#,
            r#"authentication_attempts{result="error"} 1"#,
            r#"authorization_attempts_total{result="no-opinion"} 1"#,
            r#"authorization_duration_seconds_bucket{result="no-opinion",le="1.024"} 1"#,
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
        }
    }
}
