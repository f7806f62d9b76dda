//! The conditions Available, Progressing and ReplicaFailure, with upstream's reasons and messages.

use super::rollout::Rollout;
use super::{CachedSet, World, status, template};
use crate::plan::Report;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::Deployment;
use skiff_apimachinery::time::{format_time, parse_time};
use skiff_apimachinery::{Document, doc};
use skiff_client::resources::REPLICA_SETS;
use skiff_client::{Cached, Verb};
use std::time::Duration;

const NEW_AVAILABLE: &str = "NewReplicaSetAvailable";
const TIMED_OUT: &str = "ProgressDeadlineExceeded";
const PAUSED: &str = "DeploymentPaused";

/// A Deployment's conditions while they are worked out.
pub(super) struct Conditions(Vec<Document>);

impl Conditions {
    pub(super) fn of(deployment: &Cached<Deployment>) -> Self {
        Self(deployment.array_at(&["status", "conditions"]).to_vec())
    }

    pub(super) fn into_documents(self) -> Vec<Document> {
        self.0
    }

    fn get(&self, kind: &str) -> Option<&Document> {
        self.0.iter().find(|condition| condition.str_at(&["type"]) == kind)
    }

    fn reason(&self, kind: &str) -> &str {
        self.get(kind).map_or("", |condition| condition.str_at(&["reason"]))
    }

    fn remove(&mut self, kind: &str) {
        self.0.retain(|condition| condition.str_at(&["type"]) != kind);
    }

    /// Sets a condition unless it stands with this status and reason; its message and times then stay too.
    fn set(&mut self, kind: &str, status: &str, reason: &str, message: String, now: Timestamp) {
        let stands = |c: &Document| c.str_at(&["status"]) == status && c.str_at(&["reason"]) == reason;
        if !self.get(kind).is_some_and(stands) {
            self.renew(kind, status, reason, message, now);
        }
    }

    /// Sets a condition with a new update time; the transition time stays if the status does.
    fn renew(&mut self, kind: &str, status: &str, reason: &str, message: String, now: Timestamp) {
        let now = format_time(now);
        let same_status = self.get(kind).filter(|c| c.str_at(&["status"]) == status);
        let since = same_status.map_or(now.as_str(), |c| c.str_at(&["lastTransitionTime"])).to_owned();
        self.remove(kind);
        self.0.push(doc!({
            "type": kind,
            "status": status,
            "lastUpdateTime": now,
            "lastTransitionTime": since,
            "reason": reason,
            "message": message
        }));
    }
}

fn has_deadline(rollout: &Rollout<'_>) -> bool {
    deadline_seconds(rollout).is_some()
}

fn deadline_seconds(rollout: &Rollout<'_>) -> Option<i64> {
    let seconds = rollout.deployment.i64_at(&["spec", "progressDeadlineSeconds"]);
    seconds.filter(|seconds| *seconds < i64::from(i32::MAX))
}

/// What this sync's stage says: paused, resumed, created, found or failed to create the new ReplicaSet.
pub(super) fn stage(
    conditions: &mut Conditions,
    world: &World,
    rollout: &Rollout<'_>,
    report: &Report,
    now: Timestamp,
) {
    if !has_deadline(rollout) {
        return;
    }
    let mut progressing = |status: &str, reason: &str, message: String| {
        conditions.set("Progressing", status, reason, message, now);
    };
    let reason = progress_reason(rollout);
    if rollout.paused {
        if reason != TIMED_OUT {
            progressing("Unknown", PAUSED, "Deployment is paused".to_owned());
        }
        return;
    }
    if reason == PAUSED {
        progressing("Unknown", "DeploymentResumed", "Deployment is resumed".to_owned());
    }
    let name = template::set_name(rollout.deployment);
    match rollout.new {
        Some(new) if reason.is_empty() => {
            progressing("True", "FoundNewReplicaSet", format!("Found new replica set {:?}", new.name()));
        }
        Some(_) => {}
        None => match creation(report) {
            Creation::Failed(why) => {
                let message = format!("Failed to create new replica set {name:?}: {why}");
                progressing("False", "ReplicaSetCreateError", message);
            }
            Creation::Done if super::creates(world, rollout) => {
                progressing("True", "NewReplicaSetCreated", format!("Created new replica set {name:?}"));
            }
            Creation::Done => {}
        },
    }
}

fn progress_reason<'w>(rollout: &Rollout<'w>) -> &'w str {
    let conditions = rollout.deployment.array_at(&["status", "conditions"]);
    let progressing = conditions.iter().find(|c| c.str_at(&["type"]) == "Progressing");
    progressing.map_or("", |c| c.str_at(&["reason"]))
}

enum Creation<'r> {
    Failed(&'r str),
    Done,
}

fn creation(report: &Report) -> Creation<'_> {
    let failure = report.failures.iter().find(|failure| {
        failure.call.verb == Verb::Create
            && failure.call.resource == REPLICA_SETS
            && !failure.status.is_already_exists()
    });
    failure.map_or(Creation::Done, |failure| Creation::Failed(&failure.status.message))
}

/// Whether enough pods are available.
pub(super) fn availability(
    conditions: &mut Conditions,
    rollout: &Rollout<'_>,
    status: &Document,
    now: Timestamp,
) {
    let available = status.i64_at(&["availableReplicas"]).unwrap_or(0);
    let (status, reason, message) = if available >= rollout.replicas - rollout.max_unavailable {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    conditions.set("Available", status, reason, message.to_owned(), now);
}

/// How far the rollout is, and whether ReplicaSets fail.
pub(super) fn evaluate(
    conditions: &mut Conditions,
    rollout: &Rollout<'_>,
    status: &Document,
    now: Timestamp,
) {
    let count = |field: &str| status.i64_at(&[field]).unwrap_or(0);
    let complete_before =
        count("replicas") == count("updatedReplicas") && conditions.reason("Progressing") == NEW_AVAILABLE;
    if !has_deadline(rollout) {
        conditions.remove("Progressing");
    } else if !complete_before {
        let who = match rollout.new {
            Some(new) => format!("ReplicaSet {:?}", new.name()),
            None => format!("Deployment {:?}", rollout.deployment.name()),
        };
        if status::is_complete(rollout, status) {
            let message = format!("{who} has successfully progressed.");
            conditions.set("Progressing", "True", NEW_AVAILABLE, message, now);
        } else if advances(rollout, status) {
            conditions.renew(
                "Progressing",
                "True",
                "ReplicaSetUpdated",
                format!("{who} is progressing."),
                now,
            );
        } else if timed_out(conditions, rollout, now) {
            let message = format!("{who} has timed out progressing.");
            conditions.set("Progressing", "False", TIMED_OUT, message, now);
        }
    }
    match replica_failure(rollout) {
        Some(failure) => {
            let text = |field: &str| failure.str_at(&[field]);
            let message = text("message").to_owned();
            conditions.set("ReplicaFailure", text("status"), text("reason"), message, now);
        }
        None => conditions.remove("ReplicaFailure"),
    }
}

/// Whether the counts moved towards the goal since the status was last written.
fn advances(rollout: &Rollout<'_>, status: &Document) -> bool {
    let before = |field: &str| rollout.deployment.i64_at(&["status", field]).unwrap_or(0);
    let after = |field: &str| status.i64_at(&[field]).unwrap_or(0);
    let old_before = before("replicas") - before("updatedReplicas");
    let old_after = after("replicas") - after("updatedReplicas");
    old_after < old_before
        || ["updatedReplicas", "readyReplicas", "availableReplicas"]
            .iter()
            .any(|field| after(field) > before(field))
}

fn timed_out(conditions: &Conditions, rollout: &Rollout<'_>, now: Timestamp) -> bool {
    match conditions.reason("Progressing") {
        "" | NEW_AVAILABLE => false,
        TIMED_OUT => true,
        _ => deadline_time(conditions, rollout).is_some_and(|deadline| deadline < now),
    }
}

fn deadline_time(conditions: &Conditions, rollout: &Rollout<'_>) -> Option<Timestamp> {
    let from = parse_time(conditions.get("Progressing")?.str_at(&["lastUpdateTime"]))?;
    from.checked_add(SignedDuration::from_secs(deadline_seconds(rollout)?)).ok()
}

/// When to look again whether the rollout is stuck.
pub(super) fn deadline(
    conditions: &Conditions,
    rollout: &Rollout<'_>,
    status: &Document,
    now: Timestamp,
) -> Option<Duration> {
    let settled = matches!(conditions.reason("Progressing"), "" | TIMED_OUT | NEW_AVAILABLE | PAUSED);
    if settled || status::is_complete(rollout, status) {
        return None;
    }
    let left = deadline_time(conditions, rollout)?.duration_since(now);
    // The times in conditions are whole seconds; one more makes sure that the deadline is past.
    Some(Duration::try_from(left).unwrap_or(Duration::ZERO) + Duration::from_secs(1))
}

/// A ReplicaSet's failure: the new one's, else any.
fn replica_failure<'w>(rollout: &Rollout<'w>) -> Option<&'w Document> {
    let failure = |set: &'w CachedSet| {
        let conditions = set.array_at(&["status", "conditions"]);
        conditions.iter().find(|condition| condition.str_at(&["type"]) == "ReplicaFailure")
    };
    rollout.new.and_then(failure).or_else(|| rollout.all().find_map(failure))
}
