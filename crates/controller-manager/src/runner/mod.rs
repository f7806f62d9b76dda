//! Runs one controller: wakes it, settles its own writes, carries its plans out.
//!
//! Per key: wait until the informers show what this controller wrote for the key last time (so that it never acts on a
//! world from before its own writes), observe, plan, act, conclude. A failure brings the key back after a growing
//! pause. Nothing runs while nothing changes.

mod execute;
mod settle;

use crate::controller::{Context, Controller};
use crate::metrics::QueueMetrics;
use crate::sources::Sources;
use execute::Executor;
use futures::future::join_all;
use settle::Writes;
use skiff_apimachinery::Status;
use skiff_client::{EventRecorder, WorkQueue};
use std::sync::Arc;
use tokio::task::JoinSet;
use tracing::{debug, warn};

/// Why a key was not brought to its end.
enum Setback {
    /// The informers do not show the last writes yet.
    Unsettled,
    /// A call failed.
    Failed(Status),
}

struct Runner<C: Controller> {
    controller: C,
    queue: WorkQueue<C::Key>,
    writes: Writes<C::Key>,
    executor: Executor,
    clock: Arc<dyn skiff_apimachinery::time::Clock>,
}

/// Runs a controller until the future is dropped.
pub(crate) async fn run<C: Controller>(context: Context) {
    let queue = WorkQueue::observed(QueueMetrics::observer(&context.metrics, C::QUEUE));
    let recorder = EventRecorder::new(context.client.clone(), C::EVENT_SOURCE, "", context.clock.clone());
    let controller = C::new(&context);
    let mut sources = Sources::new(queue.clone());
    controller.sources(&mut sources);
    let (followed, triggers) = sources.into_parts();
    join_all(followed.iter().map(|informer| informer.synced())).await;

    // Aborted together when this future is dropped.
    let mut tasks = JoinSet::new();
    triggers.into_iter().for_each(|trigger| {
        tasks.spawn(trigger);
    });
    let runner = Arc::new(Runner {
        controller,
        queue: queue.clone(),
        writes: Writes::new(followed),
        executor: Executor::new(context.client, recorder),
        clock: context.clock,
    });
    for _ in 0..C::WORKERS {
        tasks.spawn(runner.clone().work());
    }
    debug!(controller = C::NAME, "started");
    runner.controller.background(queue).await;
}

impl<C: Controller> Runner<C> {
    async fn work(self: Arc<Self>) {
        while let Some(key) = self.queue.next().await {
            match self.sync(&key).await {
                Ok(()) => self.queue.forget(&key),
                Err(setback) => {
                    setback.log(C::NAME, &*key);
                    self.queue.add_rate_limited((*key).clone());
                }
            }
        }
    }

    async fn sync(&self, key: &C::Key) -> Result<(), Setback> {
        if !self.writes.settled(key).await {
            return Err(Setback::Unsettled);
        }
        let Some(world) = self.controller.observe(key).await? else { return Ok(()) };
        let plan = C::plan(&world, self.clock.now());
        let (report, written) = self.executor.carry_out(&plan).await;
        let conclusion = C::conclude(&world, &report, self.clock.now());
        let (after, concluded) = self.executor.carry_out(&conclusion).await;
        self.writes.remember(key, written.into_iter().chain(concluded));
        if let Some(after) = [plan.requeue_after, conclusion.requeue_after].into_iter().flatten().min() {
            self.queue.add_after(key.clone(), after);
        }
        match report.failures.into_iter().chain(after.failures).next() {
            Some(failure) => Err(Setback::Failed(failure.status)),
            None => Ok(()),
        }
    }
}

impl From<Status> for Setback {
    fn from(status: Status) -> Self {
        Self::Failed(status)
    }
}

impl Setback {
    fn log(&self, controller: &str, key: &dyn std::fmt::Display) {
        match self {
            Self::Unsettled => debug!(controller, %key, "waiting for the informers"),
            Self::Failed(status) if status.is_conflict() => {
                debug!(controller, %key, %status, "conflict, again")
            }
            Self::Failed(status) => warn!(controller, %key, %status, "sync failed, again later"),
        }
    }
}
