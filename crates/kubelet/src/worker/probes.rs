//! The probes of one pod: when each runs next and what its results mean. Pure; the shell runs the probes.
//!
//! A container's readiness starts as failure, its liveness as success. While a startup probe has not succeeded, the
//! other two wait. A result counts once its threshold of equal results in a row is reached.
//!
//! Within the first period of a container's life, readiness and startup are asked more often, until the first success:
//! a program that listens after 30 ms need not wait for the next period. Failures of these early looks do not count.

use super::runtime::PodRuntime;
use crate::pod::{ContainerView, PodView, Role};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Probe;
use std::collections::BTreeMap;

/// Which of a container's probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are the API's")]
pub enum ProbeKind {
    Startup,
    Liveness,
    Readiness,
}

/// A probe that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeRequest {
    /// Name of the container.
    pub container: String,
    /// Which probe.
    pub kind: ProbeKind,
    /// The container that is asked.
    pub container_id: String,
}

/// How a probe went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// It succeeded.
    Success,
    /// It failed, with what it said.
    Failure(String),
    /// It could not be run; counts as a failure.
    Error(String),
}

/// The probes of a pod's running containers.
#[derive(Debug, Clone, Default)]
pub struct Probes {
    states: BTreeMap<(String, ProbeKind), State>,
}

#[derive(Debug, Clone)]
struct State {
    container_id: String,
    next_at: Timestamp,
    /// The next beat of the probe's period.
    beat: Timestamp,
    in_flight: bool,
    /// The last raw result and how many like it came in a row.
    last: Option<bool>,
    run: i32,
    /// What the probe says of the container; `None` while a startup probe has said nothing.
    verdict: Option<bool>,
    /// Failed for good: waits for a new container.
    on_hold: bool,
    /// Until when failures do not count, and how many there were.
    early_until: Timestamp,
    early_failures: u32,
}

/// The first pause between early looks; each further one is twice as long.
const EARLY_PAUSE: SignedDuration = SignedDuration::from_millis(25);

// === impl ProbeKind ===

impl ProbeKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Startup, Self::Liveness, Self::Readiness];

    /// As event messages name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Startup => "Startup",
            Self::Liveness => "Liveness",
            Self::Readiness => "Readiness",
        }
    }

    /// The probe of this kind that a container declares.
    pub fn of(self, container: ContainerView<'_>) -> Option<&Probe> {
        match self {
            Self::Startup => container.spec.startup_probe.as_ref(),
            Self::Liveness => container.spec.liveness_probe.as_ref(),
            Self::Readiness => container.spec.readiness_probe.as_ref(),
        }
    }

    fn initial(self) -> Option<bool> {
        match self {
            Self::Startup => None,
            Self::Liveness => Some(true),
            Self::Readiness => Some(false),
        }
    }
}

fn seconds(value: Option<i32>, default: i64) -> SignedDuration {
    SignedDuration::from_secs(value.map_or(default, i64::from).max(0))
}

fn period(probe: &Probe) -> SignedDuration {
    seconds(probe.period_seconds, 10).max(SignedDuration::from_secs(1))
}

fn threshold(value: Option<i32>, default: i32) -> i32 {
    value.unwrap_or(default).max(1)
}

// === impl State, Probes ===

impl State {
    /// Whether failures do not count yet.
    fn is_early(&self, now: Timestamp) -> bool {
        self.last.is_none() && self.verdict != Some(true) && now < self.early_until
    }
}

impl Probes {
    /// Follows the containers: new ones get fresh states, ended ones lose theirs. `known_ready` tells which container
    /// ids the API already shows as ready and started, so that adoption keeps what was known.
    pub fn follow(&mut self, pod: &PodView, runtime: &PodRuntime, known: &KnownResults, now: Timestamp) {
        let mut wanted = BTreeMap::new();
        for container in pod.containers().filter(|c| matches!(c.role, Role::Regular | Role::Sidecar)) {
            let Some(record) = runtime.latest(&container.spec.name).filter(|record| record.is_running())
            else {
                continue;
            };
            for kind in ProbeKind::ALL {
                let Some(probe) = kind.of(container) else { continue };
                // A pod on its way out is asked for readiness only.
                if pod.is_deleted() && kind != ProbeKind::Readiness {
                    continue;
                }
                let key = (container.spec.name.clone(), kind);
                let state = match self.states.remove(&key) {
                    Some(state) if state.container_id == record.id => state,
                    _ => {
                        let started = record.started_at.unwrap_or(now);
                        let first = started + seconds(probe.initial_delay_seconds, 0);
                        let early =
                            if kind == ProbeKind::Liveness { SignedDuration::ZERO } else { period(probe) };
                        State {
                            container_id: record.id.clone(),
                            next_at: first.max(now),
                            beat: first,
                            early_until: first + early,
                            early_failures: 0,
                            in_flight: false,
                            last: None,
                            run: 0,
                            verdict: known.verdict(&record.id, kind).or(kind.initial()),
                            on_hold: false,
                        }
                    }
                };
                wanted.insert(key, state);
            }
        }
        self.states = wanted;
    }

    /// The probes to run now; each is in flight until its result is recorded.
    pub fn due(&mut self, now: Timestamp) -> Vec<ProbeRequest> {
        let waiting: Vec<(String, ProbeKind)> = self
            .states
            .iter()
            .filter(|(key, state)| self.may_run(key, state) && state.next_at <= now)
            .map(|(key, _)| key.clone())
            .collect();
        let mut out = Vec::new();
        for key in waiting {
            if let Some(state) = self.states.get_mut(&key) {
                state.in_flight = true;
                let (container, kind) = key;
                out.push(ProbeRequest { container, kind, container_id: state.container_id.clone() });
            }
        }
        out
    }

    /// When the next probe is due.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.states
            .iter()
            .filter(|(key, state)| self.may_run(key, state))
            .map(|(_, state)| state.next_at)
            .min()
    }

    fn may_run(&self, (container, kind): &(String, ProbeKind), state: &State) -> bool {
        let startup = self.states.get(&(container.clone(), ProbeKind::Startup));
        let phase_fits = match startup {
            Some(startup) => (*kind == ProbeKind::Startup) != (startup.verdict == Some(true)),
            None => true,
        };
        phase_fits && !state.in_flight && !state.on_hold
    }

    /// Takes in a result; returns whether the probe's verdict changed.
    pub fn record(
        &mut self,
        pod: &PodView,
        request: &ProbeRequest,
        outcome: &ProbeOutcome,
        now: Timestamp,
    ) -> bool {
        let Some(state) = self.states.get_mut(&(request.container.clone(), request.kind)) else {
            return false;
        };
        if state.container_id != request.container_id {
            return false;
        }
        let Some(probe) = pod.container(&request.container).and_then(|c| request.kind.of(c)) else {
            return false;
        };
        state.in_flight = false;
        let success = *outcome == ProbeOutcome::Success;
        if !success && state.is_early(now) {
            state.next_at = (now + EARLY_PAUSE * (1 << state.early_failures.min(16))).min(state.early_until);
            state.early_failures += 1;
            return false;
        }
        // Keep the rhythm that the probe began with; skip beats that a slow probe missed.
        while state.beat <= now {
            state.beat += period(probe);
        }
        state.next_at = state.beat;
        state.run = if state.last == Some(success) { state.run + 1 } else { 1 };
        state.last = Some(success);
        let needed = if success {
            threshold(probe.success_threshold, 1)
        } else {
            threshold(probe.failure_threshold, 3)
        };
        if state.run < needed {
            return true;
        }
        state.verdict = Some(success);
        if request.kind != ProbeKind::Readiness && !success {
            state.on_hold = true;
            state.run = 0;
        }
        if request.kind == ProbeKind::Startup && success {
            state.run = 0;
        }
        true
    }

    fn verdict(&self, container: &str, kind: ProbeKind) -> Option<Option<bool>> {
        self.states.get(&(container.to_owned(), kind)).map(|state| state.verdict)
    }

    /// Whether a running container has started up.
    pub fn started(&self, container: ContainerView<'_>) -> bool {
        match self.verdict(&container.spec.name, ProbeKind::Startup) {
            Some(verdict) => verdict == Some(true),
            // Deleted pods are no longer asked: what ran counts as started.
            None => true,
        }
    }

    /// Whether a running container is ready.
    pub fn ready(&self, container: ContainerView<'_>) -> bool {
        self.started(container)
            && match self.verdict(&container.spec.name, ProbeKind::Readiness) {
                Some(verdict) => verdict == Some(true),
                None => ProbeKind::Readiness.of(container).is_none(),
            }
    }

    /// The probe that asks for a container's end, if one does.
    pub fn failed(&self, container: &str, container_id: &str) -> Option<ProbeKind> {
        [ProbeKind::Liveness, ProbeKind::Startup].into_iter().find(|kind| {
            self.states
                .get(&(container.to_owned(), *kind))
                .is_some_and(|state| state.container_id == container_id && state.verdict == Some(false))
        })
    }
}

/// What the API already shows of running containers: ids of started and of ready ones.
#[derive(Debug, Clone, Default)]
pub struct KnownResults {
    started: Vec<String>,
    ready: Vec<String>,
}

impl KnownResults {
    /// Reads a pod's status.
    pub fn of(pod: &PodView) -> Self {
        let statuses = || {
            let status = pod.status();
            status.container_statuses.iter().chain(&status.init_container_statuses).flatten()
        };
        let ids = |flag: fn(&k8s_openapi::api::core::v1::ContainerStatus) -> bool| {
            statuses()
                .filter(|status| flag(status))
                .filter_map(|s| Some(s.container_id.as_ref()?.split_once("://")?.1.to_owned()))
                .collect()
        };
        Self { started: ids(|s| s.started == Some(true)), ready: ids(|s| s.ready) }
    }

    fn verdict(&self, container_id: &str, kind: ProbeKind) -> Option<bool> {
        let list = match kind {
            ProbeKind::Startup => &self.started,
            ProbeKind::Readiness => &self.ready,
            ProbeKind::Liveness => return None,
        };
        list.iter().any(|id| id == container_id).then_some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::super::runtime::{ContainerRecord, ContainerState};
    use super::*;
    use crate::pod::testing::pod;
    use skiff_apimachinery::{Document, doc};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn running(id: &str, started: i64) -> PodRuntime {
        let record = ContainerRecord {
            id: id.into(),
            name: "a".into(),
            state: ContainerState::Running,
            started_at: Some(at(started)),
            ..ContainerRecord::default()
        };
        PodRuntime { containers: vec![record], ..PodRuntime::default() }
    }

    fn with(probes: Document) -> PodView {
        let mut container = doc!({"name": "a"});
        for (key, value) in probes.as_object().unwrap().iter() {
            container.insert(key, value);
        }
        pod(doc!({"containers": [container]}), doc!({}))
    }

    #[test]
    fn readiness_follows_thresholds() {
        let pod = with(
            doc!({"readinessProbe": {"periodSeconds": 1, "failureThreshold": 2, "successThreshold": 2, "initialDelaySeconds": 3}}),
        );
        let container = pod.container("a").unwrap();
        let mut probes = Probes::default();
        probes.follow(&pod, &running("x", 0), &KnownResults::default(), at(0));
        assert_eq!(probes.next_at(), Some(at(3)));
        assert!(probes.due(at(2)).is_empty());
        let mut ready = Vec::new();
        for (second, success) in [(3, true), (4, true), (5, false), (6, true), (7, false), (8, false)] {
            let due = probes.due(at(second));
            assert_eq!(due.len(), 1, "at {second}");
            let outcome = if success { ProbeOutcome::Success } else { ProbeOutcome::Failure("x".into()) };
            probes.record(&pod, &due[0], &outcome, at(second));
            ready.push(probes.ready(container));
        }
        assert_eq!(ready, [false, true, true, true, true, false]);
    }

    #[test]
    fn a_young_container_is_asked_more_often_and_nothing_counts() {
        let pod = with(doc!({"readinessProbe": {"periodSeconds": 10}}));
        let mut probes = Probes::default();
        probes.follow(&pod, &running("x", 0), &KnownResults::default(), at(0));
        let mut now = at(0);
        let mut looks = 0;
        while now < at(10) {
            let due = probes.due(now);
            let failure = ProbeOutcome::Failure("refused".into());
            assert!(!probes.record(&pod, &due[0], &failure, now), "does not count");
            now = probes.next_at().unwrap();
            looks += 1;
        }
        assert_eq!((looks, now), (9, at(10)));
        let due = probes.due(now);
        assert!(probes.record(&pod, &due[0], &ProbeOutcome::Failure("refused".into()), now));
        assert_eq!(probes.next_at(), Some(at(20)));
    }

    #[test]
    fn startup_holds_the_others_back_and_liveness_fails_for_good() {
        let pod = with(doc!({
            "startupProbe": {"periodSeconds": 1},
            "livenessProbe": {"periodSeconds": 1, "failureThreshold": 1}
        }));
        let mut probes = Probes::default();
        probes.follow(&pod, &running("x", 0), &KnownResults::default(), at(0));
        let due = probes.due(at(0));
        assert_eq!(due.iter().map(|d| d.kind).collect::<Vec<_>>(), [ProbeKind::Startup]);
        assert!(!probes.started(pod.container("a").unwrap()));
        probes.record(&pod, &due[0], &ProbeOutcome::Success, at(0));
        assert!(probes.started(pod.container("a").unwrap()));
        let due = probes.due(at(1));
        assert_eq!(due.iter().map(|d| d.kind).collect::<Vec<_>>(), [ProbeKind::Liveness]);
        probes.record(&pod, &due[0], &ProbeOutcome::Failure("dead".into()), at(1));
        assert_eq!(probes.failed("a", "x"), Some(ProbeKind::Liveness));
        assert_eq!(probes.next_at(), None, "on hold until a new container");
        probes.follow(&pod, &running("y", 5), &KnownResults::default(), at(5));
        assert_eq!(probes.failed("a", "y"), None);
    }

    #[test]
    fn adopted_containers_keep_their_readiness() {
        let mut object = with(doc!({"readinessProbe": {"periodSeconds": 10}})).object().as_ref().clone();
        object.set(
            &["status", "containerStatuses"],
            doc!([{"name": "a", "ready": true, "started": true, "restartCount": 0, "image": "i", "imageID": "", "containerID": "skiff://x"}]),
        );
        let pod = PodView::new(std::sync::Arc::new(object)).unwrap();
        let mut probes = Probes::default();
        probes.follow(&pod, &running("x", 0), &KnownResults::of(&pod), at(100));
        assert!(probes.ready(pod.container("a").unwrap()));
    }
}
