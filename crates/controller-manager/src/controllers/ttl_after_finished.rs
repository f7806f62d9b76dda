//! `ttl-after-finished-controller`: deletes Jobs some time after they ended, if they ask for that.
//!
//! Before a Job is deleted it is read live: who asks for more time must not find it gone because an informer was behind.

use crate::controller::{Context, Controller};
use crate::plan::{Plan, Write};
use crate::sources::Sources;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use skiff_apimachinery::meta::ObjectKey;
use skiff_apimachinery::time::{Clock, parse_time};
use skiff_apimachinery::{Document, Status};
use skiff_client::resources::JOBS;
use skiff_client::{Client, DeleteOptions, Event, Informer, Object, Selection, Untyped};
use std::sync::Arc;

/// The controller; its keys are those of Jobs.
pub struct TtlAfterFinished {
    client: Client,
    clock: Arc<dyn Clock>,
    jobs: Informer<Untyped>,
}

/// A Job that has ended.
pub enum World {
    /// Its time has not come, as far as the informer shows.
    Kept(Object),
    /// Its time seemed to have come; the Job as it is.
    Due(Object),
}

impl Controller for TtlAfterFinished {
    const NAME: &'static str = "ttl-after-finished-controller";
    const IDENTITY: &'static str = "ttl-after-finished-controller";
    const QUEUE: &'static str = "ttl_jobs_to_delete";

    type Key = ObjectKey;
    type World = World;

    fn new(context: &Context) -> Self {
        Self {
            client: context.client.clone(),
            clock: context.clock.clone(),
            jobs: context.informers.of(&JOBS, Selection::default()),
        }
    }

    fn sources(&self, sources: &mut Sources<ObjectKey>) {
        sources.watch(&self.jobs, |event| {
            let job = event.object();
            let ends = !matches!(event, Event::Deleted(_)) && expiry(job).is_some();
            ends.then(|| job.key())
        });
    }

    fn observe<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<World>, Status>> {
        Box::pin(async move {
            let Some(job) = self.jobs.get(&key.namespace, &key.name) else { return Ok(None) };
            match expiry(&job) {
                None => Ok(None),
                Some(expiry) if self.clock.now() < expiry => Ok(Some(World::Kept(job.object.clone()))),
                Some(_) => match self.client.get(&JOBS, &key.namespace, &key.name).await {
                    Ok(job) => Ok(Some(World::Due(job))),
                    Err(status) if status.is_not_found() => Ok(None),
                    Err(status) => Err(status),
                },
            }
        })
    }

    fn plan(world: &World, now: Timestamp) -> Plan {
        plan(world, now)
    }
}

/// When a Job is to go; `None` if it stays, or goes already.
fn expiry(job: &Document) -> Option<Timestamp> {
    let seconds = job.i64_at(&["spec", "ttlSecondsAfterFinished"])?;
    let ended = job.array_at(&["status", "conditions"]).iter().find(|condition| {
        matches!(condition.str_at(&["type"]), "Complete" | "Failed")
            && condition.str_at(&["status"]) == "True"
    })?;
    let ended = parse_time(ended.str_at(&["lastTransitionTime"]))?;
    let expiry = ended.checked_add(SignedDuration::from_secs(seconds)).ok()?;
    job.deletion_timestamp().is_none().then_some(expiry)
}

fn plan(world: &World, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let (World::Kept(job) | World::Due(job)) = world;
    let Some(expiry) = expiry(job) else { return plan };
    let left = expiry.duration_since(now);
    match world {
        World::Due(job) if !left.is_positive() => plan.write(deletion(job)),
        // One that is due by now is read first.
        World::Kept(_) | World::Due(_) => plan.requeue(left.max(SignedDuration::ZERO).unsigned_abs()),
    }
    plan
}

/// The Job goes after its pods.
fn deletion(job: &Document) -> Write {
    let options = DeleteOptions {
        uid: Some(job.uid().to_owned()),
        propagation_policy: Some("Foreground"),
        ..DeleteOptions::default()
    };
    Write::delete_with(&JOBS, job, &options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;
    use skiff_client::Verb;
    use std::time::Duration;

    const ENDED: &str = "2026-01-01T12:00:00Z";

    fn at(second: i64) -> Timestamp {
        ENDED.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
    }

    /// A Job that ended so, and stays for ten seconds.
    fn job(end: &str, status: &str) -> Document {
        doc!({
            "metadata": {"name": "j", "namespace": "n", "uid": "u"},
            "spec": {"ttlSecondsAfterFinished": 10},
            "status": {"conditions": [{"type": end, "status": status, "lastTransitionTime": ENDED}]}
        })
    }

    fn with(mut job: Document, path: &[&str], value: impl Into<Document>) -> Document {
        job.set(path, value);
        job
    }

    #[test]
    fn jobs_expire_some_time_after_they_ended() {
        let mut lasting = job("Complete", "True");
        lasting.remove(&["spec", "ttlSecondsAfterFinished"]);
        let deleted = with(job("Complete", "True"), &["metadata", "deletionTimestamp"], ENDED);
        let cases = [
            ("complete", job("Complete", "True"), Some(at(10))),
            ("failed", job("Failed", "True"), Some(at(10))),
            ("at once", with(job("Failed", "True"), &["spec", "ttlSecondsAfterFinished"], 0), Some(at(0))),
            ("not failed", job("Failed", "False"), None),
            ("about to fail", job("FailureTarget", "True"), None),
            ("for ever", lasting, None),
            ("being deleted", deleted, None),
        ];
        for (case, job, expected) in cases {
            assert_eq!(expiry(&job), expected, "{case}");
        }
    }

    #[test]
    fn a_job_that_is_due_goes_after_its_pods() {
        let plan = plan(&World::Due(Arc::new(job("Complete", "True"))), at(10));
        let call = &plan.writes().next().unwrap().call;
        assert_eq!((call.verb, &*call.resource.plural, call.name.as_str()), (Verb::Delete, "jobs", "j"));
        let options = call.body.as_ref().unwrap();
        assert_eq!(options.str_at(&["propagationPolicy"]), "Foreground");
        assert_eq!(options.str_at(&["preconditions", "uid"]), "u");
    }

    #[test]
    fn a_job_that_is_not_due_or_not_read_live_is_looked_at_again() {
        let ended = || Arc::new(job("Complete", "True"));
        let later = Arc::new(with(job("Complete", "True"), &["spec", "ttlSecondsAfterFinished"], 60));
        let cases = [
            ("kept", World::Kept(ended()), 4, 6),
            ("due meanwhile", World::Kept(ended()), 11, 0),
            ("given more time", World::Due(later), 10, 50),
        ];
        for (case, world, now, expected) in cases {
            let plan = plan(&world, at(now));
            assert!(plan.actions.is_empty(), "{case}");
            assert_eq!(plan.requeue_after, Some(Duration::from_secs(expected)), "{case}");
        }
    }
}
