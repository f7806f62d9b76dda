//! A PodDisruptionBudget's status: how many of its pods there are to be, how many are healthy, and how many may go.

use super::scale::Scales;
use crate::plan::{Action, Notice, Plan, Write, with_status};
use crate::pods::{self, CachedPod};
use crate::selector_text::selector_text;
use jiff::{SignedDuration, Timestamp};
use skiff_api::disruption_budget::{tell_allowed, tell_failure};
use skiff_apimachinery::int_or_string::{IntOrString, Round};
use skiff_apimachinery::time::parse_time;
use skiff_apimachinery::{Document, Map, doc};
use skiff_client::resources::POD_DISRUPTION_BUDGETS;
use skiff_client::{Cached, Untyped};
use std::sync::Arc;
use std::time::Duration;

/// How long an evicted pod may take to be seen as being deleted.
const DELETION_TIMEOUT: SignedDuration = SignedDuration::from_mins(2);

/// One budget.
pub struct Budget {
    pub(super) budget: Arc<Cached<Untyped>>,
    /// The pods that it selects, or why its selector selects none.
    pub(super) pods: Result<Vec<CachedPod>, String>,
    /// How many pods the workloads of its pods are to have, or why that is not known.
    pub(super) scales: Result<Scales, String>,
}

/// How many pods there are to be, and how many of them healthy.
struct Expected {
    pods: i64,
    healthy: i64,
}

/// What a budget asks for.
enum Wanted {
    /// So many pods available, whatever workloads are to have.
    Available(i64),
    /// A part of the pods of all workloads available.
    PartAvailable(IntOrString),
    /// A number or part of the pods of all workloads unavailable.
    Unavailable(IntOrString),
    /// Nothing.
    Nothing,
}

impl Wanted {
    fn of(budget: &Document) -> Self {
        let limit = |field: &str| budget.at(&["spec", field]).and_then(IntOrString::from_document);
        match (limit("maxUnavailable"), limit("minAvailable")) {
            (Some(limit), _) => Self::Unavailable(limit),
            (None, Some(IntOrString::Int(count))) => Self::Available(count),
            (None, Some(part)) => Self::PartAvailable(part),
            (None, None) => Self::Nothing,
        }
    }
}

/// Whether it must be known how many pods the workloads are to have.
pub(super) fn needs_scale(budget: &Document) -> bool {
    matches!(Wanted::of(budget), Wanted::PartAvailable(_) | Wanted::Unavailable(_))
}

pub(super) fn plan(world: &Budget, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let status = match counted(world, now, &mut plan) {
        Ok(status) => status,
        Err(why) => failed(world, &why, now),
    };
    if let Some(changed) = with_status(&world.budget, status) {
        plan.write(Write::update_status(&POD_DISRUPTION_BUDGETS, changed));
    }
    plan
}

/// The status, worked out.
///
/// # Errors
/// Why it cannot be.
fn counted(world: &Budget, now: Timestamp, plan: &mut Plan) -> Result<Document, String> {
    let budget = &world.budget;
    let pods = world.pods.as_ref().map_err(|why| {
        tell(plan, Notice::warning(budget, "NoPods", format!("Failed to get pods: {why}")));
        why.clone()
    })?;
    if pods.is_empty() {
        tell(plan, Notice::normal(budget, "NoPods", "No matching pods found"));
    }
    let expected = expected(world, pods).inspect_err(|why| {
        let message = format!("Failed to calculate the number of expected pods: {why}");
        tell(plan, Notice::warning(budget, "CalculateExpectedPodCountFailed", message));
    })?;
    if needs_scale(budget) && pods.iter().any(|pod| pod.controller_ref().is_none()) {
        tell(plan, unmanaged(budget));
    }
    let disrupted = disrupted(budget, pods, now, plan);
    let is_healthy = |pod: &&CachedPod| {
        pod.deletion_timestamp().is_none() && !disrupted.contains_key(pod.name()) && pods::is_ready(pod)
    };
    let healthy = pods.iter().filter(is_healthy).count();
    Ok(status(budget, &expected, healthy, disrupted, now))
}

fn tell(plan: &mut Plan, notice: Notice) {
    plan.actions.push(Action::Tell(notice));
}

fn expected(world: &Budget, pods: &[CachedPod]) -> Result<Expected, String> {
    let of_workloads =
        || world.scales.as_ref().map(|scales| scales.values().sum::<i64>()).map_err(Clone::clone);
    let part = |part: &IntOrString, of: i64| part.scaled(of, Round::Up).map_err(|error| error.to_string());
    Ok(match Wanted::of(&world.budget) {
        Wanted::Unavailable(limit) => {
            let pods = of_workloads()?;
            Expected { pods, healthy: (pods - part(&limit, pods)?).max(0) }
        }
        Wanted::PartAvailable(limit) => {
            let pods = of_workloads()?;
            Expected { pods, healthy: part(&limit, pods)? }
        }
        Wanted::Available(healthy) => {
            Expected { pods: i64::try_from(pods.len()).unwrap_or(i64::MAX), healthy }
        }
        Wanted::Nothing => Expected { pods: 0, healthy: 0 },
    })
}

fn unmanaged(budget: &Document) -> Notice {
    let selector = selector_text(budget.at(&["spec", "selector"]));
    let message = format!(
        "Pods selected by this PodDisruptionBudget (selector: {selector}) were found to be unmanaged. As a result, the \
         status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these \
         pods please set \".spec.minAvailable\" field of the PDB to an integer value."
    );
    Notice::warning(budget, "UnmanagedPods", message)
}

/// The pods that the API server has let go and that are not seen to go yet. When the time for that is over, they are
/// taken for pods that stay.
fn disrupted(budget: &Document, pods: &[CachedPod], now: Timestamp, plan: &mut Plan) -> Map {
    let mut disrupted = Map::new();
    let Some(noted) = budget.object_at(&["status", "disruptedPods"]) else { return disrupted };
    for pod in pods.iter().filter(|pod| pod.deletion_timestamp().is_none()) {
        let Some(time) = noted.get(pod.name()) else { continue };
        let since = time.as_str().and_then(parse_time).unwrap_or(Timestamp::UNIX_EPOCH);
        let wait = DELETION_TIMEOUT - now.duration_since(since);
        if wait.is_negative() {
            // Upstream's text names the namespace twice and not the budget.
            let namespace = budget.namespace();
            let message =
                format!("Pod was expected by PDB {namespace}/{namespace} to be deleted but it wasn't");
            tell(plan, Notice::warning(pod, "NotDeleted", message));
        } else {
            plan.requeue(Duration::try_from(wait).unwrap_or(Duration::ZERO) + Duration::from_millis(1));
            disrupted.insert(pod.name(), time);
        }
    }
    disrupted
}

fn status(
    budget: &Document,
    expected: &Expected,
    healthy: usize,
    disrupted: Map,
    now: Timestamp,
) -> Document {
    let healthy = i64::try_from(healthy).unwrap_or(i64::MAX);
    // A budget without pods allows nothing, so that the first pods are safe before they were counted.
    let allowed = if expected.pods > 0 { (healthy - expected.healthy).max(0) } else { 0 };
    let mut status = doc!({
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": expected.healthy,
        "expectedPods": expected.pods
    });
    if !disrupted.is_empty() {
        status.insert("disruptedPods", disrupted);
    }
    if budget.generation() > 0 {
        status.insert("observedGeneration", budget.generation());
    }
    if let Some(conditions) = budget.at(&["status", "conditions"]) {
        status.insert("conditions", conditions);
    }
    tell_allowed(&mut status, now);
    status
}

/// The status as it was, but nothing is allowed.
fn failed(world: &Budget, why: &str, now: Timestamp) -> Document {
    let mut status = world.budget["status"].clone();
    for field in ["currentHealthy", "desiredHealthy", "expectedPods"] {
        status.set_default(&[field], 0);
    }
    status.insert("disruptionsAllowed", 0);
    tell_failure(&mut status, why, now);
    status
}
