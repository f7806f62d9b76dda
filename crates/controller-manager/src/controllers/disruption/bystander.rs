//! What pods themselves are told: that several budgets select them, which evictions cannot serve; and that the disruption
//! that was announced did not come.

use crate::plan::{Action, Notice, Plan, Write};
use crate::pods::{self, CachedPod};
use jiff::{SignedDuration, Timestamp};
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, doc};
use skiff_client::resources::PODS;
use std::time::Duration;

/// The condition that announces a disruption (KEP-3329).
const DISRUPTION_TARGET: &str = "DisruptionTarget";
/// How long an announcement may stand without the pod being deleted.
const TIMEOUT: SignedDuration = SignedDuration::from_mins(2);

/// A pod.
pub struct Bystander {
    pub(super) pod: CachedPod,
    /// The budgets that select it.
    pub(super) budgets: Vec<String>,
}

/// Whether a disruption is announced that has to come soon. A kubelet may take its time between announcing and ending a
/// pod, and then the pod ends without being deleted.
pub(super) fn is_announced(pod: &CachedPod) -> bool {
    let announced = pods::condition(pod, DISRUPTION_TARGET).is_some_and(|condition| {
        condition.status == "True" && condition.reason.as_deref() != Some("TerminationByKubelet")
    });
    announced && pods::is_active(pod)
}

pub(super) fn plan(world: &Bystander, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let pod = &world.pod;
    if let [first, _, ..] = world.budgets.as_slice() {
        let message = format!(
            "Pod {:?}/{:?} matches multiple PodDisruptionBudgets.  Chose {first:?} arbitrarily.",
            pod.namespace(),
            pod.name()
        );
        let notice = Notice::warning(pod, "MultiplePodDisruptionBudgets", message);
        plan.actions.push(Action::Tell(notice));
    }
    if is_announced(pod) {
        let since = pods::condition(pod, DISRUPTION_TARGET)
            .and_then(|condition| condition.last_transition_time.as_ref())
            .map_or(Timestamp::UNIX_EPOCH, |time| time.0);
        let wait = TIMEOUT - now.duration_since(since);
        if wait.is_positive() {
            plan.requeue(Duration::try_from(wait).unwrap_or(Duration::ZERO));
        } else {
            plan.write(Write::update_status(&PODS, taken_back(pod, now)));
        }
    }
    plan
}

fn taken_back(pod: &CachedPod, now: Timestamp) -> Document {
    let mut changed = Document::clone(&pod.object);
    let mut condition = doc!({
        "type": DISRUPTION_TARGET,
        "status": "False",
        "lastProbeTime": null,
        "lastTransitionTime": format_time(now)
    });
    if pod.generation() > 0 {
        condition.insert("observedGeneration", pod.generation());
    }
    let conditions = changed.ensure(&["status", "conditions"]).make_array();
    let of_kind = conditions.iter_mut().filter(|other| other.str_at(&["type"]) == DISRUPTION_TARGET);
    of_kind.for_each(|other| *other = condition.clone());
    changed
}
