//! Carries plans out and tells the events that belong to them.

use crate::plan::{Action, Ending, Failure, Notice, Plan, Report, Write};
use futures::StreamExt;
use skiff_apimachinery::{Document, Status};
use skiff_client::{Client, EventRecorder, Object, Resource, Verb};
use tracing::debug;

/// Writes of one plan that are under way at a time.
const PARALLEL: usize = 32;

/// A write that succeeded.
pub(super) struct Written {
    pub(super) resource: Resource,
    pub(super) effect: Effect,
}

/// What an informer must show before the write is behind us.
pub(super) enum Effect {
    /// The state at this resourceVersion.
    Changed(u64),
    /// This object gone, or going.
    Deleted(Document),
}

pub(super) struct Executor {
    client: Client,
    recorder: EventRecorder,
}

enum Tried {
    Written { written: Option<Written>, created: Option<Object> },
    Failed(Failure),
}

impl Executor {
    pub(super) fn new(client: Client, recorder: EventRecorder) -> Self {
        Self { client, recorder }
    }

    /// Carries a plan out up to the first action that fails.
    pub(super) async fn carry_out(&self, plan: &Plan) -> (Report, Vec<Written>) {
        let mut report = Report::default();
        let mut written = Vec::new();
        for action in &plan.actions {
            match action {
                Action::Tell(notice) => self.tell(notice, ""),
                Action::Write(write) => {
                    self.all(std::slice::from_ref(write), &mut report, &mut written).await
                }
                Action::All(writes) => self.all(writes, &mut report, &mut written).await,
                Action::SlowStart(writes) => self.slow_start(writes, &mut report, &mut written).await,
            }
            if !report.is_ok() {
                break;
            }
        }
        (report, written)
    }

    async fn all(&self, writes: &[Write], report: &mut Report, written: &mut Vec<Written>) {
        let tries: Vec<_> = writes.iter().map(|write| self.attempt(write)).collect();
        let mut tries = futures::stream::iter(tries).buffer_unordered(PARALLEL);
        while let Some(tried) = tries.next().await {
            match tried {
                Tried::Written { written: done, created } => {
                    written.extend(done);
                    report.created.extend(created);
                }
                Tried::Failed(failure) => report.failures.push(failure),
            }
        }
    }

    async fn slow_start(&self, mut writes: &[Write], report: &mut Report, written: &mut Vec<Written>) {
        let mut batch = 1;
        while !writes.is_empty() && report.is_ok() {
            let (now, later) = writes.split_at(batch.min(writes.len()));
            self.all(now, report, written).await;
            writes = later;
            batch *= 2;
        }
    }

    async fn attempt(&self, write: &Write) -> Tried {
        let call = &write.call;
        match self.client.transport().call(call.clone()).await {
            Ok(object) => {
                if let Some(notice) = &write.success {
                    self.tell(notice, object.name());
                }
                let resource = call.resource.clone();
                let written = effect(write, &object).map(|effect| Written { resource, effect });
                Tried::Written { written, created: (call.verb == Verb::Create).then_some(object) }
            }
            Err(status) if moot(call.verb, &status) => {
                debug!(resource = %call.resource.gvr(), %status, "nothing left to do");
                Tried::Written { written: None, created: None }
            }
            Err(status) => {
                // Such an answer only means that the informers are behind; the next sync sees more.
                let stale = status.is_conflict() || status.is_already_exists();
                if let Some(notice) = write.failure.as_ref().filter(|_| !stale) {
                    self.tell(notice, &status.message);
                }
                Tried::Failed(Failure { call: call.clone(), status })
            }
        }
    }

    fn tell(&self, notice: &Notice, known_now: &str) {
        let message = match notice.ending {
            Ending::None => notice.message.clone(),
            Ending::ObjectName | Ending::Error => format!("{}{known_now}", notice.message),
        };
        self.recorder.event(notice.about.clone(), notice.kind, notice.reason, message);
    }
}

/// What was to be changed is gone, or nothing can be created because the namespace ends: the wish has lapsed.
fn moot(verb: Verb, status: &Status) -> bool {
    match verb {
        Verb::Create => {
            let causes = status.details.as_ref().map_or(&[][..], |details| &details.causes);
            causes.iter().any(|cause| cause.reason == "NamespaceTerminating")
        }
        _ => status.is_not_found(),
    }
}

fn effect(write: &Write, answer: &Object) -> Option<Effect> {
    let call = &write.call;
    match call.verb {
        Verb::Delete => {
            let uid = call.body.as_ref().map_or("", |options| options.str_at(&["preconditions", "uid"]));
            if uid.is_empty() {
                return None;
            }
            let mut object = Document::object();
            object.set(&["metadata", "namespace"], call.namespace.as_str());
            object.set(&["metadata", "name"], call.name.as_str());
            object.set(&["metadata", "uid"], uid);
            Some(Effect::Deleted(object))
        }
        Verb::Create | Verb::Update | Verb::Patch(_) => {
            answer.resource_version().parse().ok().map(Effect::Changed)
        }
        _ => None,
    }
}
