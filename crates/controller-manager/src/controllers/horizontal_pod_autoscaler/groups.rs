//! Which pods count when use is compared with its target: those that are starting distort it, and so do those that are
//! leaving.

use super::metrics::{Sample, Samples};
use crate::pods::{self, CachedPod};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// How long pods are given before their use counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Delays {
    /// `--horizontal-pod-autoscaler-cpu-initialization-period`: so long after its start a pod's use of cpu only counts while
    /// the pod is ready.
    pub(super) cpu_initialization: Duration,
    /// `--horizontal-pod-autoscaler-initial-readiness-delay`: a pod that became unready within this time from its start has
    /// never been ready.
    pub(super) initial_readiness: Duration,
}

/// Pods by what is known of them; names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Groups<'p> {
    /// How many count.
    pub(super) ready: usize,
    /// Those that do not run yet, or whose use is not to be trusted yet.
    pub(super) unready: Vec<&'p str>,
    /// Those whose use is not known.
    pub(super) missing: Vec<&'p str>,
    /// Those that are leaving or failed.
    pub(super) ignored: Vec<&'p str>,
}

impl<'p> Groups<'p> {
    pub(super) fn of(
        pods: &'p [CachedPod],
        samples: &Samples,
        resource: &str,
        delays: &Delays,
        now: Timestamp,
    ) -> Self {
        let mut groups = Self::default();
        for pod in pods {
            let name = pod.name();
            match (pods::phase(pod), samples.get(name)) {
                _ if pod.deletion_timestamp().is_some() => groups.ignored.push(name),
                ("Failed", _) => groups.ignored.push(name),
                ("Pending", _) => groups.unready.push(name),
                (_, None) => groups.missing.push(name),
                (_, Some(sample)) if resource == "cpu" && is_starting(pod, sample, delays, now) => {
                    groups.unready.push(name);
                }
                (_, Some(_)) => groups.ready += 1,
            }
        }
        groups
    }
}

/// Whether what a pod uses of cpu says more about its start than about its work.
fn is_starting(pod: &CachedPod, sample: &Sample, delays: &Delays, now: Timestamp) -> bool {
    let started = pod.typed.status.as_ref().and_then(|status| status.start_time.as_ref()).map(|time| time.0);
    let (Some(ready), Some(started)) = (pods::condition(pod, "Ready"), started) else { return true };
    let since = ready.last_transition_time.as_ref().map_or(Timestamp::MIN, |time| time.0);
    let is_unready = ready.status == "False";
    let later = |time: Timestamp, delay: SignedDuration| time.checked_add(delay).unwrap_or(Timestamp::MAX);
    let delayed =
        |delay: Duration| later(started, SignedDuration::try_from(delay).unwrap_or(SignedDuration::MAX));
    if delayed(delays.cpu_initialization) > now {
        is_unready || sample.at < later(since, sample.window)
    } else {
        is_unready && delayed(delays.initial_readiness) > since
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::{Document, doc};
    use skiff_client::Cached;
    use std::sync::Arc;

    const DELAYS: Delays =
        Delays { cpu_initialization: Duration::from_secs(300), initial_readiness: Duration::from_secs(30) };

    fn time(text: &str) -> Timestamp {
        format!("2026-01-01T{text}Z").parse().unwrap()
    }

    /// A pod that started and whose Ready condition has this status since then.
    fn pod(name: &str, started: &str, ready: &str, since: &str) -> Document {
        doc!({
            "metadata": {"name": name},
            "status": {"phase": "Running", "startTime": (format!("2026-01-01T{started}Z")), "conditions": [
                {"type": "Ready", "status": ready, "lastTransitionTime": (format!("2026-01-01T{since}Z"))}]}
        })
    }

    fn with(mut pod: Document, path: &[&str], value: impl Into<Document>) -> Document {
        pod.set(path, value);
        pod
    }

    /// The group of a pod whose use was measured over half a minute up to noon, when it is asked for.
    fn group(pod: Document, resource: &str) -> &'static str {
        let name = pod.name().to_owned();
        let pods: Vec<CachedPod> = vec![Arc::new(Cached::decode(Arc::new(pod)).unwrap())];
        let sample = Sample { value: 1, at: time("12:00:00"), window: SignedDuration::from_secs(30) };
        let samples: Samples = if name == "missing" { Samples::new() } else { [(name, sample)].into() };
        let groups = Groups::of(&pods, &samples, resource, &DELAYS, time("12:00:00"));
        match (groups.ready, groups.unready.len(), groups.missing.len(), groups.ignored.len()) {
            (1, 0, 0, 0) => "ready",
            (0, 1, 0, 0) => "unready",
            (0, 0, 1, 0) => "missing",
            (0, 0, 0, 1) => "ignored",
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn pods_count_once_their_use_can_be_trusted() {
        let old = || pod("a", "11:00:00", "True", "11:00:10");
        let plain = |phase: &str| doc!({"metadata": {"name": "a"}, "status": {"phase": phase}});
        let cases = [
            ("running", old(), "cpu", "ready"),
            (
                "leaving",
                with(old(), &["metadata", "deletionTimestamp"], "2026-01-01T12:00:00Z"),
                "cpu",
                "ignored",
            ),
            ("failed", plain("Failed"), "memory", "ignored"),
            ("pending", plain("Pending"), "memory", "unready"),
            ("unknown use", pod("missing", "11:00:00", "True", "11:00:10"), "cpu", "missing"),
            ("unknown readiness", plain("Running"), "cpu", "unready"),
            ("which only matters to cpu", plain("Running"), "memory", "ready"),
            ("starting and ready", pod("a", "11:58:00", "True", "11:59:30"), "cpu", "ready"),
            ("measured while it was not ready", pod("a", "11:58:00", "True", "11:59:31"), "cpu", "unready"),
            ("starting", pod("a", "11:58:00", "False", "11:58:01"), "cpu", "unready"),
            ("never ready", pod("a", "11:00:00", "False", "11:00:20"), "cpu", "unready"),
            ("no longer ready", pod("a", "11:00:00", "False", "11:30:00"), "cpu", "ready"),
        ];
        for (case, pod, resource, wanted) in cases {
            assert_eq!(group(pod, resource), wanted, "{case}");
        }
    }
}
