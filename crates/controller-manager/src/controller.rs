//! The shape that all controllers share.

use crate::config::Config;
use crate::plan::{Plan, Report};
use crate::sources::Sources;
use futures::future::BoxFuture;
use jiff::Timestamp;
use skiff_apimachinery::Status;
use skiff_apimachinery::time::Clock;
use skiff_client::{Client, SharedInformers, WorkQueue};
use skiff_telemetry::Registry;
use std::fmt::Display;
use std::hash::Hash;
use std::sync::Arc;

/// Brings one kind of object towards what it asks for.
///
/// The runner calls [`observe`](Self::observe), then [`plan`](Self::plan), carries the plan out, then asks
/// [`conclude`](Self::conclude) what is to be written about how it went. `plan` and `conclude` are pure.
///
/// To add a controller: make a file (or folder) under `controllers`, implement this trait on a struct that holds its
/// informers, and add one line to `controllers::all`. Plans are tested with tables beside them.
pub trait Controller: Send + Sync + Sized + 'static {
    /// Upstream's name, as `--controllers` takes it.
    const NAME: &'static str;
    /// The service account in kube-system under which it calls the API.
    const IDENTITY: &'static str;
    /// The component that its events name.
    const EVENT_SOURCE: &'static str = Self::IDENTITY;
    /// The name of its queue in metrics.
    const QUEUE: &'static str = Self::NAME;
    /// How many keys are worked on at a time; upstream's `--concurrent-*-syncs`.
    const WORKERS: usize = 5;
    /// Whether `*` in `--controllers` means it too.
    const ON_BY_DEFAULT: bool = true;

    /// What is queued.
    type Key: Clone + Eq + Hash + Display + Send + Sync + 'static;
    /// What a plan is made from: all that matters for one key, as it was at one moment.
    type World: Send + Sync;

    /// Opens its informers.
    fn new(context: &Context) -> Self;

    /// Names the informers that it reads, and which keys to look at when one of them changes.
    fn sources(&self, sources: &mut Sources<Self::Key>);

    /// Takes what matters for a key from the informers; `None` if there is nothing to do about it.
    fn observe<'a>(&'a self, key: &'a Self::Key) -> BoxFuture<'a, Result<Option<Self::World>, Status>>;

    /// What to do.
    fn plan(world: &Self::World, now: Timestamp) -> Plan;

    /// What to write about how the plan went, such as status.
    fn conclude(_world: &Self::World, _report: &Report, _now: Timestamp) -> Plan {
        Plan::nothing()
    }

    /// Runs beside the workers for controllers that follow more than fixed informers.
    fn background(&self, _queue: WorkQueue<Self::Key>) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

/// What controllers are made with.
pub struct Context {
    /// Settings of the controller manager.
    pub config: Arc<Config>,
    /// Informers shared by all controllers.
    pub informers: SharedInformers,
    /// The client under the controller's own identity.
    pub client: Client,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where metrics are registered.
    pub metrics: Registry,
}

/// An observation that needs no call.
pub fn observed<'a, W: Send + 'a>(world: Option<W>) -> BoxFuture<'a, Result<Option<W>, Status>> {
    Box::pin(std::future::ready(Ok(world)))
}
