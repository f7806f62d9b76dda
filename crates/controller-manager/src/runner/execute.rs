//! Carries plans out and tells the events that belong to them.

use crate::plan::{Action, Ending, Failure, Guard, Notice, Plan, Report, Write};
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
        if let Some(guard) = &write.guard
            && let Err(status) = self.check(guard).await
        {
            return Tried::Failed(Failure { call: call.clone(), status });
        }
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

    /// Whether the object in whose name a write is made lives.
    async fn check(&self, guard: &Guard) -> Result<(), Status> {
        let Guard { resource, namespace, name, uid } = guard;
        let current = self.client.get(resource, namespace, name).await?;
        let (kind, group_resource) = (&resource.kind, resource.group_resource());
        if current.uid() != uid {
            let why = format!(
                "original {kind} {namespace}/{name} is gone: got uid {}, wanted {uid}",
                current.uid()
            );
            return Err(Status::conflict(&group_resource, name, &why));
        }
        match current.deletion_timestamp() {
            None => Ok(()),
            Some(time) => {
                let why = format!("{namespace}/{name} has just been deleted at {time}");
                Err(Status::conflict(&group_resource, name, &why))
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

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::BoxFuture;
    use skiff_apimachinery::doc;
    use skiff_apimachinery::time::SystemClock;
    use skiff_client::resources::{PODS, REPLICA_SETS};
    use skiff_client::{Call, List, PatchKind, Transport, WatchStream};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// An API with one object that counts patches.
    struct OneObject {
        object: Document,
        patches: AtomicUsize,
    }

    impl Transport for OneObject {
        fn call(&self, call: Call) -> BoxFuture<'_, Result<Object, Status>> {
            if matches!(call.verb, Verb::Patch(_)) {
                self.patches.fetch_add(1, Ordering::Relaxed);
            }
            Box::pin(async { Ok(Arc::new(self.object.clone())) })
        }

        fn list(&self, _: Call) -> BoxFuture<'_, Result<List, Status>> {
            Box::pin(async { Err(Status::no_such_path()) })
        }

        fn watch(&self, _: Call) -> BoxFuture<'_, Result<WatchStream, Status>> {
            Box::pin(async { Err(Status::no_such_path()) })
        }

        fn get_path<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Object, Status>> {
            Box::pin(async { Err(Status::no_such_path()) })
        }
    }

    fn set(uid: &str) -> Document {
        doc!({"metadata": {"name": "web", "namespace": "n", "uid": uid}})
    }

    /// How many patches are made in the name of the ReplicaSet `u`, and why none is.
    async fn patches(current: Document) -> (usize, String) {
        let api = Arc::new(OneObject { object: current, patches: AtomicUsize::new(0) });
        let client = Client::new(api.clone());
        let recorder = EventRecorder::new(client.clone(), "test", "", Arc::new(SystemClock));
        let pod = doc!({"metadata": {"name": "p", "namespace": "n"}});
        let write = Write::patch(&PODS, &pod, "", PatchKind::Merge, doc!({}));
        let mut plan = Plan::default();
        plan.write(write.while_lives(&REPLICA_SETS, &set("u")));
        let (report, _) = Executor::new(client, recorder).carry_out(&plan).await;
        let why = report.first().map(|failure| failure.status.message.clone()).unwrap_or_default();
        (api.patches.load(Ordering::Relaxed), why)
    }

    #[tokio::test]
    async fn nothing_is_written_in_the_name_of_who_goes_or_is_gone() {
        assert_eq!(patches(set("u")).await, (1, String::new()));
        let prefix = "Operation cannot be fulfilled on replicasets.apps \"web\": ";
        let mut going = set("u");
        going.set(&["metadata", "deletionTimestamp"], "2026-01-01T00:00:00Z");
        let why = format!("{prefix}n/web has just been deleted at 2026-01-01T00:00:00Z");
        assert_eq!(patches(going).await, (0, why));
        let why = format!("{prefix}original ReplicaSet n/web is gone: got uid v, wanted u");
        assert_eq!(patches(set("v")).await, (0, why));
    }
}
