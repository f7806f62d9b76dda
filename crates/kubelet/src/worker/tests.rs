//! The worker driven through a pod's life with a clock of its own.

use super::runtime::{ContainerRecord, ContainerState, Sandbox};
use super::*;
use crate::names::reason;
use crate::pod::testing;
use skiff_apimachinery::doc;

/// A pod whose runtime is a value that the test edits.
struct Drive {
    worker: Worker,
    runtime: PodRuntime,
    now: Timestamp,
    wake_at: Option<Timestamp>,
    log: Vec<String>,
    status: Document,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

impl Drive {
    fn new(spec: Document) -> Self {
        let pod = Arc::new(testing::pod(spec, doc!({})));
        Self::adopt(pod, PodRuntime::default())
    }

    fn adopt(pod: Arc<PodView>, runtime: PodRuntime) -> Self {
        let worker = Worker::new(pod, vec![], None, at(0));
        Self { worker, runtime, now: at(0), wake_at: None, log: vec![], status: Document::NULL }
    }

    /// Sends an event and carries everything out that follows from it, tasks succeeding.
    fn send(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let reaction = self.worker.step(event, self.now);
            self.wake_at = reaction.wake_at;
            for action in reaction.actions {
                events.extend(self.carry_out(action));
            }
        }
    }

    fn carry_out(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Observe => Some(Event::Observed(self.observed())),
            Action::Run(task) => {
                self.log.push(self.describe(&task));
                self.apply(&task);
                Some(Event::TaskDone(task, Ok(()), Some(self.observed())))
            }
            Action::Kill(kill) => {
                self.log.push(format!("kill {} {}s", kill.name, kill.grace));
                self.exit(&kill.name, 137);
                Some(Event::Killed(kill.id, Some(self.observed())))
            }
            Action::Tell(tell) => {
                self.log.push(format!("{}: {}", tell.reason, tell.message));
                None
            }
            Action::Report(status) => {
                self.status = status;
                None
            }
            Action::Probe(request) => {
                self.log.push(format!("probe {}", request.kind.as_str()));
                None
            }
            Action::CancelTask => None,
            Action::DeleteFromApi => {
                self.log.push("delete".into());
                Some(Event::Gone)
            }
            Action::Finish => {
                self.log.push("finish".into());
                None
            }
        }
    }

    fn describe(&self, task: &Task) -> String {
        match task {
            Task::SetUpVolumes => "volumes".into(),
            Task::CreateSandbox { attempt } => format!("sandbox {attempt}"),
            Task::StopSandbox { id } => format!("stop {id}"),
            Task::StartContainer { name, restart_count, .. } => format!("start {name} {restart_count}"),
            Task::TearDown => "tear down".into(),
            Task::Purge => "purge".into(),
        }
    }

    fn apply(&mut self, task: &Task) {
        match task {
            Task::CreateSandbox { attempt } => {
                let ips = vec!["10.0.0.2".parse().unwrap()];
                let id = format!("s{attempt}");
                self.runtime.sandboxes.push(Sandbox { id, ready: true, attempt: *attempt, ips });
            }
            Task::StartContainer { name, sandbox, restart_count, .. } => {
                let hash = self.worker.pod.container(name).unwrap().hash();
                self.runtime.containers.push(ContainerRecord {
                    id: format!("{name}{restart_count}"),
                    sandbox_id: sandbox.clone(),
                    name: name.clone(),
                    restart_count: *restart_count,
                    hash,
                    state: ContainerState::Running,
                    started_at: Some(self.now),
                    ..ContainerRecord::default()
                });
            }
            _ => {}
        }
    }

    fn observed(&mut self) -> PodRuntime {
        self.runtime.sequence += 1;
        let mut runtime = self.runtime.clone();
        runtime.sort();
        runtime
    }

    fn exit(&mut self, name: &str, code: i32) {
        let now = self.now;
        for record in self.runtime.containers.iter_mut().filter(|r| r.name == name && r.is_running()) {
            record.state = ContainerState::Exited;
            record.exit_code = code;
            record.finished_at = Some(now);
        }
    }

    fn take_log(&mut self) -> String {
        std::mem::take(&mut self.log).join(" | ")
    }

    fn pass_to_wake(&mut self) {
        self.now = self.wake_at.expect("the worker asked for a time");
        self.send(Event::Tick);
    }

    fn waiting_reason(&self) -> &str {
        self.status.array_at(&["containerStatuses"])[0].str_at(&["state", "waiting", "reason"])
    }

    fn deleted(&self) -> Arc<PodView> {
        let mut object = self.worker.pod.object().as_ref().clone();
        object.set(&["metadata", "deletionTimestamp"], "2026-01-01T00:00:00Z");
        object.set(&["metadata", "deletionGracePeriodSeconds"], 30);
        Arc::new(PodView::new(Arc::new(object)).unwrap())
    }
}

#[test]
fn a_pod_starts_runs_and_is_deleted() {
    let mut drive = Drive::new(doc!({"containers": [{"name": "a"}, {"name": "b"}]}));
    drive.send(Event::Tick);
    assert_eq!(drive.take_log(), "volumes | sandbox 0 | start a 0 | start b 0");
    assert_eq!(drive.status.str_at(&["phase"]), "Running");
    assert_eq!(drive.wake_at, None, "an idle pod needs no wake-up");
    let deleted = drive.deleted();
    drive.send(Event::Changed(deleted));
    assert_eq!(
        drive.take_log(),
        "Killing: Stopping container a | kill a 30s | Killing: Stopping container b | kill b 30s | tear down | purge | delete | finish"
    );
    assert_eq!(drive.status.str_at(&["phase"]), "Failed", "both containers were killed");
}

#[test]
fn a_crashing_container_backs_off() {
    let mut drive = Drive::new(doc!({"containers": [{"name": "a"}]}));
    drive.send(Event::Tick);
    drive.take_log();
    drive.now = at(5);
    drive.exit("a", 1);
    drive.send(Event::RuntimeChanged);
    assert_eq!(drive.take_log(), "start a 1", "the first restart is at once");
    drive.now = at(6);
    drive.exit("a", 1);
    drive.send(Event::RuntimeChanged);
    assert_eq!(drive.take_log(), "BackOff: Back-off restarting failed container a in pod web_default(u1)");
    assert_eq!(drive.waiting_reason(), reason::CRASH_LOOP_BACK_OFF);
    let message = drive.status.array_at(&["containerStatuses"])[0].str_at(&["state", "waiting", "message"]);
    assert_eq!(message, "back-off 10s restarting failed container=a pod=web_default(u1)");
    drive.pass_to_wake();
    assert_eq!((drive.now, drive.take_log().as_str()), (at(16), "start a 2"));
    assert_eq!(drive.status.array_at(&["containerStatuses"])[0].i64_at(&["restartCount"]), Some(2));
}

#[test]
fn a_finished_job_is_torn_down_and_kept() {
    let mut drive = Drive::new(doc!({"restartPolicy": "Never", "containers": [{"name": "a"}]}));
    drive.send(Event::Tick);
    drive.take_log();
    drive.exit("a", 0);
    drive.send(Event::RuntimeChanged);
    assert_eq!(drive.take_log(), "tear down");
    assert_eq!(drive.status.str_at(&["phase"]), "Succeeded");
    let deleted = drive.deleted();
    drive.send(Event::Changed(deleted));
    assert_eq!(drive.take_log(), "purge | delete | finish");
}

#[test]
fn what_runs_is_adopted_untouched() {
    let mut first = Drive::new(doc!({"containers": [{"name": "a"}]}));
    first.send(Event::Tick);
    let mut second = Drive::adopt(first.worker.pod.clone(), first.runtime.clone());
    second.send(Event::Tick);
    assert_eq!(second.take_log(), "volumes", "volumes are refreshed, nothing is started");
    assert_eq!(second.status["containerStatuses"], first.status["containerStatuses"]);
}

#[test]
fn a_failed_liveness_probe_restarts_the_container() {
    let probe = doc!({"exec": {"command": ["x"]}, "periodSeconds": 1, "failureThreshold": 1, "terminationGracePeriodSeconds": 7});
    let mut drive = Drive::new(doc!({"containers": [{"name": "a", "livenessProbe": probe}]}));
    drive.send(Event::Tick);
    assert_eq!(drive.take_log(), "volumes | sandbox 0 | start a 0 | probe Liveness");
    let request =
        ProbeRequest { container: "a".into(), kind: ProbeKind::Liveness, container_id: "a0".into() };
    drive.send(Event::Probed(request, ProbeOutcome::Failure("gone".into())));
    assert_eq!(
        drive.take_log(),
        "Unhealthy: Liveness probe failed: gone | Killing: Container a failed liveness probe, will be restarted | kill a 7s | start a 1 | probe Liveness"
    );
}

#[test]
fn a_container_is_probed_only_after_its_start_has_ended() {
    let probe = doc!({"exec": {"command": ["x"]}});
    let mut drive = Drive::new(doc!({"containers": [{"name": "a", "livenessProbe": probe}]}));
    let mut start = None;
    let mut events = vec![Event::Tick];
    while let Some(event) = events.pop() {
        for action in drive.worker.step(event, at(0)).actions {
            match action {
                Action::Run(task @ Task::StartContainer { .. }) => start = Some(task),
                action => events.extend(drive.carry_out(action)),
            }
        }
    }
    // The container runs, its hook does too.
    let start = start.unwrap();
    drive.apply(&start);
    let runtime = drive.observed();
    let probes =
        |reaction: Reaction| reaction.actions.iter().filter(|a| matches!(a, Action::Probe(_))).count();
    assert_eq!(probes(drive.worker.step(Event::Observed(runtime), at(1))), 0);
    let runtime = drive.observed();
    assert_eq!(probes(drive.worker.step(Event::TaskDone(start, Ok(()), Some(runtime)), at(2))), 1);
}

#[test]
fn a_start_is_not_forgotten_when_a_newer_observation_arrives_before_its_end() {
    let mut drive = Drive::new(doc!({"containers": [{"name": "a"}]}));
    drive.send(Event::Tick);
    drive.take_log();
    drive.exit("a", 1);
    let observed = drive.observed();
    let actions = drive.worker.step(Event::Observed(observed), at(1)).actions;
    let start = actions.into_iter().find_map(|action| match action {
        Action::Run(task) => Some(task),
        _ => None,
    });
    let start = start.expect("the container is restarted at once");
    drive.apply(&start);
    let (with_the_end, newer) = (drive.observed(), drive.observed());
    drive.send(Event::Observed(newer));
    drive.send(Event::TaskDone(start, Ok(()), Some(with_the_end)));
    assert_eq!(drive.take_log(), "", "nothing waits, nothing is started again");
    assert_eq!(drive.status.array_at(&["containerStatuses"])[0].i64_at(&["restartCount"]), Some(1));
}

#[test]
fn a_lost_sandbox_is_made_anew() {
    let mut drive = Drive::new(doc!({"containers": [{"name": "a"}]}));
    drive.send(Event::Tick);
    drive.take_log();
    drive.runtime.sandboxes[0].ready = false;
    drive.exit("a", 137);
    drive.send(Event::RuntimeChanged);
    assert_eq!(drive.take_log(), "sandbox 1 | start a 1");
}

#[test]
fn a_failed_pull_backs_off() {
    let mut drive = Drive::new(doc!({"containers": [{"name": "a", "image": "x"}]}));
    drive.runtime.sandboxes.push(Sandbox {
        id: "s0".into(),
        ready: true,
        attempt: 0,
        ips: vec!["10.0.0.2".parse().unwrap()],
    });
    drive.worker.volumes = Volumes::Ready;
    let runtime = drive.observed();
    let start = |reaction: Reaction| {
        reaction.actions.into_iter().find_map(|action| match action {
            Action::Run(task) => Some(task),
            _ => None,
        })
    };
    let task = start(drive.worker.step(Event::Observed(runtime), at(0))).unwrap();
    let failure = Failure::new(reason::ERR_IMAGE_PULL, "no such host");
    let reaction = drive.worker.step(Event::TaskDone(task, Err(failure), None), at(0));
    assert_eq!(reaction.wake_at, Some(at(2)));
    let task = start(drive.worker.step(Event::Tick, at(2))).unwrap();
    assert!(matches!(task, Task::StartContainer { may_pull: false, .. }));
    let failure = Failure::new(reason::IMAGE_PULL_BACK_OFF, "Back-off pulling image \"x\"");
    drive.worker.step(Event::TaskDone(task, Err(failure), None), at(2));
    assert_eq!(drive.worker.waiting["a"].message, "Back-off pulling image \"x\": ErrImagePull: no such host");
    let task = start(drive.worker.step(Event::Tick, at(10))).unwrap();
    assert!(matches!(task, Task::StartContainer { may_pull: true, .. }));
}
