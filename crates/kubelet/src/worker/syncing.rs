//! The part of the worker that keeps a pod running: volumes, sandbox, containers, in this order.

use super::backoff::go_duration;
use super::decide::{KillOrder, decide};
use super::runtime::ContainerState;
use super::{Action, Failure, Kill, Launch, Plan, RETRY, SHOW_FAILURE, Stage, Task, Volumes, Worker};
use crate::names::reason;
use crate::status::{PodFailure, Waiting};
use jiff::{SignedDuration, Timestamp};

/// Upstream waits this long after a failed mount, then twice as long each time.
const FIRST_MOUNT_PAUSE: SignedDuration = SignedDuration::from_millis(500);
const LAST_MOUNT_PAUSE: SignedDuration = SignedDuration::from_secs(122);

impl Worker {
    pub(super) fn sync(&mut self, plan: &mut Plan) {
        if self.must_terminate(plan) {
            self.begin_termination(plan);
            return;
        }
        // Containers of a ready sandbox are judged even while a task runs: a failed liveness probe does not wait.
        let sandbox = self
            .runtime
            .as_ref()
            .and_then(|runtime| runtime.ready_sandbox(self.pod.host_network()))
            .map(|sandbox| sandbox.id.clone());
        let Some(sandbox) = sandbox else {
            if self.task.is_none() && self.volumes_ready(plan) {
                self.make_sandbox(plan);
            }
            return;
        };
        let Some(runtime) = &self.runtime else { return };
        let decision = decide(&self.pod, runtime, &sandbox, &self.probes);
        if decision.finished && self.task.is_none() {
            self.begin_termination(plan);
            return;
        }
        if self.may_kill(plan) {
            decision.kill.iter().for_each(|order| self.kill(order, plan));
        }
        if self.task.is_none() && self.volumes_ready(plan) {
            self.start_first(&sandbox, &decision.start, plan);
        }
    }

    fn must_terminate(&mut self, plan: &mut Plan) -> bool {
        if self.gone || self.pod.is_deleted() || self.pod.is_terminal() || self.failure.is_some() {
            return true;
        }
        if let Some(seconds) = self.pod.spec().active_deadline_seconds {
            let deadline = self.start_time.checked_add(SignedDuration::from_secs(seconds));
            let deadline = deadline.unwrap_or(Timestamp::MAX);
            if plan.now >= deadline {
                let message = "Pod was active on the node longer than the specified deadline";
                plan.tell("", false, "DeadlineExceeded", message);
                self.failure =
                    Some(PodFailure { reason: "DeadlineExceeded".into(), message: message.into() });
                return true;
            }
            plan.wake(deadline);
        }
        false
    }

    /// Whether containers may be started; otherwise sets volumes up or waits to try again.
    fn volumes_ready(&mut self, plan: &mut Plan) -> bool {
        match self.volumes {
            Volumes::Ready => true,
            Volumes::Needed { at, .. } if at <= plan.now => {
                self.run(Task::SetUpVolumes, plan);
                false
            }
            Volumes::Needed { at, refresh } => {
                plan.wake(at);
                refresh
            }
        }
    }

    fn make_sandbox(&mut self, plan: &mut Plan) {
        if let Some(at) = self.sandbox_retry.filter(|at| *at > plan.now) {
            plan.wake(at);
            return;
        }
        let Some(runtime) = &self.runtime else { return };
        if let Some(old) = runtime.sandbox() {
            let in_old = |name: &str| runtime.latest(name);
            let stays_down = match self.pod.restart_policy() {
                "Never" => !runtime.containers.is_empty(),
                "OnFailure" => self
                    .pod
                    .regular_containers()
                    .all(|c| in_old(&c.spec.name).is_some_and(|r| r.is_exited() && r.exit_code == 0)),
                _ => false,
            };
            if stays_down {
                self.begin_termination(plan);
                return;
            }
            if old.ready || runtime.live().next().is_some() {
                let id = old.id.clone();
                plan.tell(
                    "",
                    false,
                    reason::SANDBOX_CHANGED,
                    "Pod sandbox changed, it will be killed and re-created.",
                );
                self.run(Task::StopSandbox { id }, plan);
                return;
            }
        }
        let attempt = runtime.sandbox().map_or(0, |old| old.attempt + 1);
        self.run(Task::CreateSandbox { attempt }, plan);
    }

    fn kill(&mut self, order: &KillOrder, plan: &mut Plan) {
        if self.kills.contains_key(&order.id) {
            return;
        }
        let grace = self.grace(&order.name, order.probe);
        self.kills.insert(order.id.clone(), grace);
        plan.tell(&order.name, false, reason::KILLING, order.message.clone());
        plan.act(Action::Kill(Kill { id: order.id.clone(), name: order.name.clone(), grace }));
    }

    /// Starts the first container that need not wait.
    fn start_first(&mut self, sandbox: &str, names: &[String], plan: &mut Plan) {
        for name in names {
            if let Some(until) = self.crash_wait(name, plan) {
                plan.wake(until);
                continue;
            }
            if let Some(launch) = self.launches.get(name).filter(|launch| launch.retry_at > plan.now) {
                plan.wake(launch.retry_at);
                continue;
            }
            self.start(sandbox, name, plan);
            return;
        }
    }

    fn start(&mut self, sandbox: &str, name: &str, plan: &mut Plan) {
        let record = self.runtime.as_ref().and_then(|runtime| runtime.latest(name));
        let known = || {
            let statuses = &self.pod.status().container_statuses;
            let count = statuses.iter().flatten().find(|s| s.name == name).map(|s| s.restart_count + 1);
            count.and_then(|count| u32::try_from(count).ok())
        };
        let restart_count = match record {
            // Created but never started, by a kubelet that went away in between: made anew under its number.
            Some(record) if record.state == ContainerState::Created => record.restart_count,
            Some(record) => record.restart_count + 1,
            // The records are gone but the container did run.
            None => known().filter(|_| self.ran_before(name)).unwrap_or(0),
        };
        if record.is_some_and(|record| record.is_exited()) {
            self.crashes.next(name, plan.now);
        }
        let image = self.pod.container(name).and_then(|c| c.spec.image.clone()).unwrap_or_default();
        let may_pull = self.pulls.wait_since_attempt(&image, plan.now).is_none();
        let task = Task::StartContainer {
            name: name.to_owned(),
            sandbox: sandbox.to_owned(),
            restart_count,
            may_pull,
        };
        self.run(task, plan);
    }

    fn ran_before(&self, name: &str) -> bool {
        let statuses = &self.pod.status().container_statuses;
        statuses
            .iter()
            .flatten()
            .any(|s| s.name == name && s.container_id.as_ref().is_some_and(|id| !id.is_empty()))
    }

    /// Until when a crashed container must wait; tells so once per crash.
    fn crash_wait(&mut self, name: &str, plan: &mut Plan) -> Option<Timestamp> {
        let record = self.runtime.as_ref()?.latest(name).filter(|record| record.is_exited())?;
        let (until, delay) = self.crashes.wait(name, record.finished_at.unwrap_or(plan.now), plan.now)?;
        let message = format!(
            "back-off {} restarting failed container={name} pod={}",
            go_duration(delay),
            self.pod.full_name()
        );
        if self.told.insert(name.to_owned(), record.id.clone()).as_ref() != Some(&record.id) {
            let text = format!("Back-off restarting failed container {name} in pod {}", self.pod.full_name());
            plan.tell(name, true, reason::BACK_OFF, text);
        }
        self.waiting.insert(name.to_owned(), Waiting { reason: reason::CRASH_LOOP_BACK_OFF.into(), message });
        Some(until)
    }

    pub(super) fn task_done(&mut self, task: &Task, result: Result<(), Failure>, plan: &mut Plan) {
        let now = plan.now;
        match (task, result) {
            (Task::SetUpVolumes, Ok(())) => {
                self.volumes = if std::mem::take(&mut self.volumes_stale) {
                    Volumes::Needed { at: now, refresh: true }
                } else {
                    Volumes::Ready
                };
                self.mount_failures = 0;
            }
            (Task::SetUpVolumes, Err(_)) => {
                let pause = FIRST_MOUNT_PAUSE * (1 << self.mount_failures.min(8));
                self.mount_failures += 1;
                self.volumes =
                    Volumes::Needed { at: now + pause.min(LAST_MOUNT_PAUSE), refresh: self.volumes_set_up() };
            }
            (Task::CreateSandbox { .. }, Ok(())) => {
                let host_network = self.pod.host_network();
                let usable = self.runtime.as_ref().is_some_and(|r| r.ready_sandbox(host_network).is_some());
                self.sandbox_retry = if usable { None } else { Some(now + RETRY) };
            }
            (Task::CreateSandbox { .. }, Err(failure)) => {
                self.sandbox_retry = Some(now + RETRY);
                if failure.reason == reason::NETWORK_NOT_READY {
                    plan.tell("", true, reason::NETWORK_NOT_READY, failure.message);
                } else {
                    let message = format!("Failed to create pod sandbox: {}", failure.message);
                    plan.tell("", true, reason::FAILED_CREATE_POD_SANDBOX, message);
                }
            }
            (Task::StartContainer { name, .. }, Ok(())) => {
                self.launches.remove(name);
                self.waiting.remove(name);
            }
            (Task::StartContainer { name, .. }, Err(failure)) => self.start_failed(name, failure, plan),
            (Task::StopSandbox { .. }, _) => {}
            (Task::TearDown | Task::Purge, result) => self.taken_down(task, result, plan),
        }
    }

    fn start_failed(&mut self, name: &str, failure: Failure, plan: &mut Plan) {
        if self.stage > Stage::Syncing {
            return;
        }
        let now = plan.now;
        let image = self.pod.container(name).and_then(|c| c.spec.image.clone()).unwrap_or_default();
        let mut shown = failure.clone();
        let retry_at = match failure.reason.as_str() {
            reason::ERR_IMAGE_PULL => {
                self.pulls.next(&image, now);
                now + SHOW_FAILURE
            }
            reason::IMAGE_PULL_BACK_OFF => {
                let earlier = self.launches.get(name).map(|launch| launch.failure.clone());
                if let Some(cause) = earlier.filter(|cause| cause.reason != reason::IMAGE_PULL_BACK_OFF) {
                    shown.message = format!("{}: {}: {}", shown.message, cause.reason, cause.message);
                } else if let Some(waiting) = self.waiting.get(name) {
                    shown.message.clone_from(&waiting.message);
                }
                let (until, _) =
                    self.pulls.wait_since_attempt(&image, now).unwrap_or((now, SignedDuration::ZERO));
                until.min(now + RETRY)
            }
            _ => now + RETRY,
        };
        self.waiting.insert(name.to_owned(), Waiting { reason: shown.reason, message: shown.message });
        self.launches.insert(name.to_owned(), Launch { failure, retry_at });
    }
}
