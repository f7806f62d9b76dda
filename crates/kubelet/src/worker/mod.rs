//! The state machine of one pod: what happened goes in, what is to be done comes out. Pure: no I/O, no clock.
//!
//! [`Worker::step`] takes an [`Event`] and the time; it returns [`Action`]s and when to wake it if nothing happens. The
//! shell (`crate::agent`) carries actions out and brings their results back as events.
//!
//! What always holds:
//! - at most one [`Task`] runs at a time; kills and probes run beside it;
//! - a decision is made only on an observation that began after the last task ended;
//! - a pod that began to terminate never starts anything again.

pub mod backoff;
pub mod decide;
mod messages;
pub mod probes;
pub mod runtime;
mod syncing;
mod terminating;
#[cfg(test)]
mod tests;

pub use messages::{Action, Event, Failure, Kill, Reaction, Task, Tell};

use crate::pod::PodView;
use crate::pod::field_ref::Addresses;
use crate::status::{self, PodFailure, StatusInput, Waiting};
use backoff::BackOff;
use jiff::{SignedDuration, Timestamp};
use probes::{KnownResults, ProbeKind, ProbeOutcome, ProbeRequest, Probes};
use runtime::PodRuntime;
use skiff_apimachinery::Document;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// How long upstream waits before it tries a failed step again.
const RETRY: SignedDuration = SignedDuration::from_secs(10);
/// How long to wait before a container that survived a kill is killed again.
const KILL_AGAIN: SignedDuration = SignedDuration::from_secs(2);
/// How long a failed pull shows as ErrImagePull before it shows as ImagePullBackOff.
const SHOW_FAILURE: SignedDuration = SignedDuration::from_secs(2);

/// Where a pod is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// Its containers are kept as the spec wants them.
    Syncing,
    /// Its containers are being stopped.
    Terminating,
    /// Its containers have ended; sandboxes, volumes and cgroup are being taken down.
    TearingDown,
    /// Nothing is left but records and logs; waits for its deletion.
    Terminated,
    /// What is left is being removed.
    Purging,
    /// Everything is removed; waits for the API to forget the pod.
    Purged,
    /// Done.
    Finished,
}

/// State of a pod's volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Volumes {
    /// Not set up, or to be refreshed.
    Needed {
        /// When to try (again).
        at: Timestamp,
        /// Whether containers already rely on them.
        refresh: bool,
    },
    /// Set up.
    Ready,
}

/// The last failure to start a container.
#[derive(Debug, Clone)]
struct Launch {
    failure: Failure,
    retry_at: Timestamp,
}

/// One pod's state machine.
#[derive(Debug)]
pub struct Worker {
    pod: Arc<PodView>,
    host_ips: Vec<IpAddr>,
    gone: bool,
    stage: Stage,
    /// The newest observation, whole.
    observed: Option<PodRuntime>,
    /// What counts of it.
    runtime: Option<PodRuntime>,
    observing: bool,
    observe_again: bool,
    task: Option<Task>,
    /// Containers that are being stopped, with the grace they were given.
    kills: BTreeMap<String, i64>,
    kill_retry: Option<Timestamp>,
    volumes: Volumes,
    /// What volumes show changed while they were being set up.
    volumes_stale: bool,
    mount_failures: u32,
    sandbox_retry: Option<Timestamp>,
    launches: BTreeMap<String, Launch>,
    waiting: BTreeMap<String, Waiting>,
    /// Container ids for which a back-off was told.
    told: BTreeMap<String, String>,
    crashes: BackOff,
    pulls: BackOff,
    probes: Probes,
    known: KnownResults,
    failure: Option<PodFailure>,
    start_time: Timestamp,
    terminating_since: Option<Timestamp>,
    reported: Option<Document>,
}

/// Collects what a step asks for.
struct Plan {
    now: Timestamp,
    reaction: Reaction,
}

// === impl Plan ===

impl Plan {
    fn act(&mut self, action: Action) {
        self.reaction.actions.push(action);
    }

    fn tell(&mut self, container: &str, warning: bool, reason: &'static str, message: impl Into<String>) {
        self.act(Action::Tell(Tell {
            container: container.into(),
            warning,
            reason,
            message: message.into(),
        }));
    }

    fn wake(&mut self, at: Timestamp) {
        let earliest = self.reaction.wake_at.map_or(at, |earlier| earlier.min(at));
        self.reaction.wake_at = Some(earliest);
    }
}

// === impl Worker ===

impl Worker {
    /// The worker of a pod that was just seen. `refused` is why admission refuses it, if it does.
    pub fn new(
        pod: Arc<PodView>,
        host_ips: Vec<IpAddr>,
        refused: Option<PodFailure>,
        now: Timestamp,
    ) -> Self {
        let known = KnownResults::of(&pod);
        let start_time = pod.status().start_time.as_ref().map_or(now, |time| time.0);
        Self {
            host_ips,
            gone: false,
            stage: Stage::Syncing,
            observed: None,
            runtime: None,
            observing: false,
            observe_again: false,
            task: None,
            kills: BTreeMap::new(),
            kill_retry: None,
            mount_failures: 0,
            volumes: Volumes::Needed { at: now, refresh: false },
            volumes_stale: false,
            sandbox_retry: None,
            launches: BTreeMap::new(),
            waiting: BTreeMap::new(),
            told: BTreeMap::new(),
            crashes: BackOff::default(),
            pulls: BackOff::default(),
            probes: Probes::default(),
            known,
            failure: refused,
            start_time,
            terminating_since: None,
            reported: None,
            pod,
        }
    }

    /// The pod as it was last seen.
    pub fn pod(&self) -> &Arc<PodView> {
        &self.pod
    }

    /// The addresses of pod and node as they are known now.
    pub fn addresses(&self) -> Addresses {
        let pod = match self.runtime.as_ref().and_then(PodRuntime::sandbox) {
            _ if self.pod.host_network() => self.host_ips.clone(),
            Some(sandbox) => sandbox.ips.clone(),
            None => Vec::new(),
        };
        Addresses { pod, host: self.host_ips.clone() }
    }

    /// Takes an event in and tells what to do.
    pub fn step(&mut self, event: Event, now: Timestamp) -> Reaction {
        let mut plan = Plan { now, reaction: Reaction::default() };
        self.take_in(event, &mut plan);
        self.react(&mut plan);
        self.report(&mut plan);
        self.close(&mut plan);
        plan.reaction
    }

    fn take_in(&mut self, event: Event, plan: &mut Plan) {
        match event {
            Event::Changed(pod) => self.pod = pod,
            Event::Gone => self.gone = true,
            Event::Observed(runtime) => {
                self.observing = false;
                self.accept(Some(runtime), plan.now);
                if std::mem::take(&mut self.observe_again) {
                    self.observe(plan);
                }
            }
            Event::RuntimeChanged => self.observe(plan),
            Event::VolumesChanged => {
                let refresh = self.volumes_set_up();
                self.volumes = Volumes::Needed { at: plan.now, refresh };
                // The running set-up may have read what there was before.
                self.volumes_stale = self.task == Some(Task::SetUpVolumes);
            }
            Event::TaskDone(task, result, runtime) => {
                self.task = None;
                self.accept(runtime, plan.now);
                self.task_done(&task, result, plan);
            }
            Event::Killed(id, runtime) => {
                self.kills.remove(&id);
                self.accept(runtime, plan.now);
                let lives = |runtime: &PodRuntime| runtime.live().any(|record| record.id == id);
                if self.runtime.as_ref().is_some_and(lives) {
                    self.kill_retry = Some(plan.now + KILL_AGAIN);
                }
            }
            Event::Probed(request, outcome) => self.probed(&request, &outcome, plan),
            Event::Tick => {}
        }
    }

    /// Whether containers rely on the volumes, fresh or not.
    fn volumes_set_up(&self) -> bool {
        matches!(self.volumes, Volumes::Ready | Volumes::Needed { refresh: true, .. })
    }

    /// Whether containers may be killed now; one that survived is left alone for a moment.
    fn may_kill(&self, plan: &mut Plan) -> bool {
        match self.kill_retry {
            Some(at) if at > plan.now => {
                plan.wake(at);
                false
            }
            _ => true,
        }
    }

    fn observe(&mut self, plan: &mut Plan) {
        if self.observing {
            self.observe_again = true;
        } else {
            self.observing = true;
            plan.act(Action::Observe);
        }
    }

    /// Takes an observation, unless a newer one was taken before. A container that is being started counts as running
    /// only when its start has ended: until then its postStart hook runs, and no probe may ask it. What was seen of it
    /// counts from then on, also if the observation that came with the end is the older one.
    fn accept(&mut self, observed: Option<PodRuntime>, now: Timestamp) {
        if self.stage > Stage::Terminating {
            return;
        }
        let sequence = self.observed.as_ref().map_or(0, |have| have.sequence);
        if let Some(newer) = observed.filter(|observed| observed.sequence >= sequence) {
            self.observed = Some(newer);
        }
        let Some(mut runtime) = self.observed.clone() else { return };
        if let Some(Task::StartContainer { name, restart_count, .. }) = &self.task {
            runtime
                .containers
                .retain(|record| record.name != *name || record.restart_count != *restart_count);
        }
        self.probes.follow(&self.pod, &runtime, &self.known, now);
        for name in runtime.live().map(|record| &record.name) {
            self.waiting.remove(name);
            self.launches.remove(name);
        }
        self.runtime = Some(runtime);
    }

    fn probed(&mut self, request: &ProbeRequest, outcome: &ProbeOutcome, plan: &mut Plan) {
        if !self.probes.record(&self.pod, request, outcome, plan.now) {
            return;
        }
        let kind = request.kind.as_str();
        let message = match outcome {
            ProbeOutcome::Success => return,
            ProbeOutcome::Failure(output) => format!("{kind} probe failed: {output}"),
            ProbeOutcome::Error(error) => {
                format!("{kind} probe errored and resulted in unknown state: {error}")
            }
        };
        plan.tell(&request.container, true, crate::names::reason::UNHEALTHY, message);
    }

    fn react(&mut self, plan: &mut Plan) {
        if self.runtime.is_none() {
            if !self.observing {
                self.observe(plan);
            }
            return;
        }
        if self.stage == Stage::Syncing {
            self.sync(plan);
        }
        // A step may end one stage and begin the next.
        if self.stage > Stage::Syncing {
            self.terminate(plan);
        }
        if self.stage <= Stage::Terminating {
            for request in self.probes.due(plan.now) {
                plan.act(Action::Probe(request));
            }
            if let Some(at) = self.probes.next_at() {
                plan.wake(at);
            }
        }
    }

    fn run(&mut self, task: Task, plan: &mut Plan) {
        debug_assert!(self.task.is_none(), "one task at a time");
        self.task = Some(task.clone());
        plan.act(Action::Run(task));
    }

    /// Reports the status if it changed.
    fn report(&mut self, plan: &mut Plan) {
        let Some(runtime) = self.runtime.as_ref().filter(|_| !self.gone && self.stage < Stage::Purged) else {
            return;
        };
        // What a pod ended as was told by the kubelet that saw it end.
        if self.pod.is_terminal() && self.reported.is_none() {
            return;
        }
        let status = status::generate(&StatusInput {
            pod: &self.pod,
            runtime,
            waiting: &self.waiting,
            probes: &self.probes,
            ended: self.stage > Stage::Terminating,
            failure: self.failure.as_ref(),
            host_ips: &self.host_ips,
            start_time: self.start_time,
            now: plan.now,
        });
        if self.reported.as_ref() != Some(&status) {
            self.reported = Some(status.clone());
            plan.act(Action::Report(status));
        }
    }

    fn close(&mut self, plan: &mut Plan) {
        if self.stage == Stage::Purged && self.gone {
            self.stage = Stage::Finished;
            plan.act(Action::Finish);
        }
    }

    /// The grace period of a kill that a probe asks for, else the pod's.
    fn grace(&self, container: &str, probe: Option<ProbeKind>) -> i64 {
        let own = probe
            .and_then(|kind| kind.of(self.pod.container(container)?))
            .and_then(|probe| probe.termination_grace_period_seconds);
        own.unwrap_or_else(|| self.pod.grace_period()).max(1)
    }
}
