//! One pod's loop: waits for whatever happens to the pod, steps its worker, carries out what the worker asks for.

use super::tasks::{kill, probe};
use super::{Agent, PodContext, observe, report, tasks};
use crate::pod::PodView;
use crate::status::PodFailure;
use crate::worker::{Action, Event, Failure, Reaction, Task, Tell, Worker};
use jiff::Timestamp;
use skiff_apimachinery::Document;
use skiff_client::Object;
use skiff_client::events::EventType;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What others tell a pod's loop.
#[derive(Debug, Clone)]
pub struct PodState {
    /// The pod as it was last seen.
    pub pod: Arc<PodView>,
    /// Whether it is gone from the API.
    pub gone: bool,
}

/// The other end of a pod's loop.
pub struct Mailbox {
    /// The pod's newest state.
    pub state: watch::Sender<PodState>,
    /// Told when the runtime has news of the pod.
    pub runtime_changed: Arc<Notify>,
}

/// What ended.
enum Done {
    Event(Event),
    Reported(Option<Object>),
    NotReported(Document),
    Deleted,
}

/// Statuses on their way to the API: one at a time, the newest next.
#[derive(Default)]
struct Reporter {
    base: Option<Object>,
    busy: bool,
    failures: u32,
    next: Option<Document>,
    delete: bool,
}

struct Loop {
    context: Arc<PodContext>,
    worker: Worker,
    running: JoinSet<Done>,
    cancel: Option<CancellationToken>,
    reporter: Reporter,
    wake_at: Option<Timestamp>,
    finished: bool,
}

/// Runs a pod until nothing is left of it.
pub async fn drive(
    agent: Arc<Agent>,
    mut state: watch::Receiver<PodState>,
    runtime_changed: Arc<Notify>,
    refused: Option<PodFailure>,
) {
    let first = state.borrow_and_update().clone();
    let context = Arc::new(PodContext::new(agent.clone(), first.pod.namespace()));
    let refresh = context.refresh.clone();
    let worker = Worker::new(first.pod.clone(), agent.config.node_ips.clone(), refused, agent.clock.now());
    let mut this = Loop {
        context,
        worker,
        running: JoinSet::new(),
        cancel: None,
        reporter: Reporter { base: Some(first.pod.object().clone()), ..Reporter::default() },
        wake_at: None,
        finished: false,
    };
    this.step(if first.gone { Event::Gone } else { Event::Tick });
    while !this.finished {
        let sleep = this.until_wake();
        tokio::select! {
            changed = state.changed() => {
                if changed.is_err() {
                    return;
                }
                let PodState { pod, gone } = state.borrow_and_update().clone();
                this.reporter.see(pod.object().clone());
                this.step(Event::Changed(pod));
                if gone {
                    this.step(Event::Gone);
                }
            }
            () = runtime_changed.notified() => this.step(Event::RuntimeChanged),
            () = refresh.notified() => this.step(Event::VolumesChanged),
            Some(done) = this.running.join_next() => this.done(done),
            () = sleep => {
                this.volumes_due();
                this.step(Event::Tick);
            }
        }
    }
}

impl Loop {
    fn now(&self) -> Timestamp {
        self.context.agent.clock.now()
    }

    fn refresh_at(&self) -> Option<Timestamp> {
        *self.context.refresh_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until the worker or a token wants attention; for ever if neither does.
    fn until_wake(&self) -> impl Future<Output = ()> + 'static {
        let at = [self.wake_at, self.refresh_at()].into_iter().flatten().min();
        let pause = at.map(|at| Duration::try_from(at.duration_since(self.now())).unwrap_or(Duration::ZERO));
        async move {
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => std::future::pending().await,
            }
        }
    }

    fn volumes_due(&mut self) {
        let mut at = self.context.refresh_at.lock().unwrap_or_else(PoisonError::into_inner);
        if at.is_some_and(|at| at <= self.context.agent.clock.now()) {
            *at = None;
            self.context.refresh.notify_one();
        }
    }

    fn step(&mut self, event: Event) {
        let Reaction { actions, wake_at } = self.worker.step(event, self.now());
        self.wake_at = wake_at;
        for action in actions {
            self.carry_out(action);
        }
    }

    fn done(&mut self, done: Result<Done, tokio::task::JoinError>) {
        match done {
            Ok(Done::Event(event)) => {
                if matches!(event, Event::TaskDone(..)) {
                    self.cancel = None;
                }
                self.step(event);
            }
            Ok(Done::Reported(object)) => {
                self.reporter.busy = false;
                self.reporter.failures = 0;
                object.into_iter().for_each(|object| self.reporter.see(object));
                self.send_next();
            }
            Ok(Done::NotReported(status)) => {
                self.reporter.busy = false;
                self.reporter.failures += 1;
                self.reporter.next.get_or_insert(status);
                self.send_next();
            }
            Ok(Done::Deleted) => {
                self.reporter.busy = false;
                self.send_next();
            }
            Err(error) => {
                // A task panicked: nothing may wait for it for ever.
                warn!(pod = self.worker.pod().full_name(), %error, "pod task died");
                self.finished = true;
            }
        }
    }

    fn carry_out(&mut self, action: Action) {
        let context = self.context.clone();
        let pod = self.worker.pod().clone();
        match action {
            Action::Observe => {
                self.running
                    .spawn(async move { Done::Event(Event::Observed(observed(&context, &pod).await)) });
            }
            Action::Run(task) => self.run(task),
            Action::CancelTask => {
                if let Some(cancel) = &self.cancel {
                    cancel.cancel();
                }
            }
            Action::Kill(order) => {
                self.spawn(async move {
                    kill::kill(&context, &pod, &order).await;
                    Done::Event(Event::Killed(order.id, Some(observed(&context, &pod).await)))
                });
            }
            Action::Probe(request) => {
                let addresses = self.worker.addresses();
                self.spawn(async move {
                    let outcome = probe::probe(&context.agent, &pod, &request, &addresses).await;
                    Done::Event(Event::Probed(request, outcome))
                });
            }
            Action::Tell(Tell { container, warning, reason, message }) => {
                let kind = if warning { EventType::Warning } else { EventType::Normal };
                context.agent.tell(&pod, &container, kind, reason, message);
            }
            Action::Report(status) => {
                self.reporter.next = Some(status);
                self.send_next();
            }
            Action::DeleteFromApi => {
                self.reporter.delete = true;
                self.send_next();
            }
            Action::Finish => self.finished = true,
        }
    }

    fn spawn(&mut self, work: impl Future<Output = Done> + Send + 'static) {
        self.running.spawn(self.context.agent.tasks.track_future(work));
    }

    fn run(&mut self, task: Task) {
        let context = self.context.clone();
        let pod = self.worker.pod().clone();
        let addresses = self.worker.addresses();
        let cancel = CancellationToken::new();
        self.cancel = Some(cancel.clone());
        self.spawn(async move {
            let result = tokio::select! {
                result = tasks::run(&context, &pod, &task, addresses) => result,
                () = cancel.cancelled() => Err(Failure::new("Cancelled", "the pod is being terminated")),
            };
            let runtime = observed(&context, &pod).await;
            Done::Event(Event::TaskDone(task, result, Some(runtime)))
        });
    }

    /// Sends what is to be sent, if nothing is on its way.
    fn send_next(&mut self) {
        if self.reporter.busy {
            return;
        }
        let context = self.context.clone();
        if let (Some(status), Some(base)) = (self.reporter.next.take(), self.reporter.base.clone()) {
            self.reporter.busy = true;
            let pause = match self.reporter.failures {
                0 => Duration::ZERO,
                failures => (FIRST_PAUSE * (1 << failures.min(8))).min(LONGEST_PAUSE),
            };
            self.spawn(async move {
                tokio::time::sleep(pause).await;
                match report::send_status(&context.agent, &base, &status).await {
                    Ok(object) => Done::Reported(object),
                    Err(error) if error.is_not_found() || error.is_conflict() => {
                        debug!(pod = base.name(), %error, "pod is gone, its status is not reported");
                        Done::Reported(None)
                    }
                    Err(error) => {
                        warn!(pod = base.name(), %error, "cannot report pod status");
                        Done::NotReported(status)
                    }
                }
            });
        } else if std::mem::take(&mut self.reporter.delete) {
            self.reporter.busy = true;
            let pod = self.worker.pod().clone();
            self.spawn(async move {
                let mut pause = FIRST_PAUSE;
                while let Err(error) = report::delete(&context.agent, &pod).await {
                    warn!(pod = pod.full_name(), %error, "cannot remove pod from the API");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Done::Deleted
            });
        }
    }
}

impl Reporter {
    fn see(&mut self, object: Object) {
        self.base = Some(match self.base.take() {
            Some(base) => report::newer(base, object),
            None => object,
        });
    }
}

/// Observes until the runtime answers.
async fn observed(context: &PodContext, pod: &PodView) -> crate::worker::runtime::PodRuntime {
    let mut pause = FIRST_PAUSE;
    loop {
        match observe::observe(&context.agent, pod.uid()).await {
            Ok(runtime) => return runtime,
            Err(error) => warn!(pod = pod.full_name(), %error, "cannot ask the runtime"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
