//! The part of the worker that ends a pod: stop containers, take down what they used, remove what is left.

use super::{Action, Failure, Kill, Plan, Stage, Task, Worker};
use crate::names::reason;
use crate::pod::Role;
use jiff::SignedDuration;

/// How long to wait before a failed removal is tried again.
const AGAIN: SignedDuration = SignedDuration::from_secs(2);

impl Worker {
    pub(super) fn begin_termination(&mut self, plan: &mut Plan) {
        self.stage = Stage::Terminating;
        self.terminating_since = Some(plan.now);
        self.waiting.clear();
        if self.task.is_some() {
            plan.act(Action::CancelTask);
        }
        if let Some(runtime) = &self.runtime {
            self.probes.follow(&self.pod, runtime, &self.known, plan.now);
        }
    }

    pub(super) fn terminate(&mut self, plan: &mut Plan) {
        if self.stage == Stage::Terminating {
            self.stop_containers(plan);
            let ended = self.runtime.as_ref().is_some_and(|runtime| runtime.live().next().is_none());
            if ended && self.task.is_none() && self.kills.is_empty() {
                self.stage = Stage::TearingDown;
            }
        }
        if self.stage == Stage::TearingDown && self.task.is_none() {
            self.run_when_due(Task::TearDown, plan);
        }
        if self.stage == Stage::Terminated && (self.gone || self.pod.is_deleted()) {
            self.stage = Stage::Purging;
        }
        if self.stage == Stage::Purging && self.task.is_none() {
            self.run_when_due(Task::Purge, plan);
        }
    }

    fn run_when_due(&mut self, task: Task, plan: &mut Plan) {
        match self.sandbox_retry {
            Some(at) if at > plan.now => plan.wake(at),
            _ => self.run(task, plan),
        }
    }

    /// Stops regular containers at once, then sidecars, the last one first, within one grace period.
    fn stop_containers(&mut self, plan: &mut Plan) {
        if !self.may_kill(plan) {
            return;
        }
        let Some(runtime) = &self.runtime else { return };
        let since = self.terminating_since.unwrap_or(plan.now);
        let spent = plan.now.duration_since(since).as_secs();
        let grace = (self.pod.grace_period().max(1) - spent).max(1);
        let sidecars: Vec<&str> = self
            .pod
            .init_containers()
            .filter(|c| c.role == Role::Sidecar)
            .map(|c| c.spec.name.as_str())
            .collect();
        let live: Vec<(String, String)> = runtime.live().map(|r| (r.id.clone(), r.name.clone())).collect();
        let is_sidecar = |name: &str| sidecars.contains(&name);
        let others_live = live.iter().any(|(_, name)| !is_sidecar(name));
        let last_sidecar =
            sidecars.iter().rev().find(|name| live.iter().any(|(_, live)| live == *name)).copied();
        let now: Vec<_> = live
            .iter()
            .filter(
                |(_, name)| if others_live { !is_sidecar(name) } else { Some(name.as_str()) == last_sidecar },
            )
            .cloned()
            .collect();
        for (id, name) in now {
            match self.kills.get(&id) {
                // Asked again only if a second deletion grants less time.
                Some(given) if *given <= self.pod.grace_period().max(1) => continue,
                Some(_) => {}
                None => plan.tell(&name, false, reason::KILLING, format!("Stopping container {name}")),
            }
            self.kills.insert(id.clone(), grace);
            plan.act(Action::Kill(Kill { id, name, grace }));
        }
    }

    pub(super) fn taken_down(&mut self, task: &Task, result: Result<(), Failure>, plan: &mut Plan) {
        match (task, result) {
            (_, Err(failure)) => {
                self.sandbox_retry = Some(plan.now + AGAIN);
                let message = format!("error killing pod: {}", failure.message);
                plan.tell("", true, reason::FAILED_KILL_POD, message);
            }
            (Task::TearDown, Ok(())) => {
                self.sandbox_retry = None;
                self.stage = Stage::Terminated;
            }
            (_, Ok(())) => {
                self.stage = Stage::Purged;
                if !self.gone {
                    plan.act(Action::DeleteFromApi);
                }
            }
        }
    }
}
