//! The PodDisruptionBudget of a pod that is to be evicted: whether it lets the pod go.
//!
//! The disruption controller works out how many pods may go; each eviction takes one of that number and notes the pod, so
//! that the controller does not count it as healthy before it is seen to go.

use super::super::super::{Edit, Registry};
use super::super::{Context, Target};
use super::{ATTEMPTS, PAUSE};
use skiff_api::disruption_budget::{SYNC_FAILED, condition, tell_allowed};
use skiff_api::strategy::UpdateScope;
use skiff_apimachinery::selector::LabelSelector;
use skiff_apimachinery::status::Cause;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, GroupResource, Map, Reason, Status};
use std::sync::Arc;

/// Most pods that a budget notes; more mean that nobody takes them off again.
const MOST_DISRUPTED: usize = 2000;
/// Who manages the fields that evictions write, whoever evicts.
const MANAGER: &str = "kube-apiserver";
const REFUSAL: &str = "Cannot evict pod as it would violate the pod's disruption budget.";

/// Why a pod may go.
pub(super) enum Consent {
    /// There is no budget, or it had one to give.
    Given,
    /// The pod is not healthy, so the budget of this name does not guard it.
    Unhealthy(String),
}

/// Asks the budget of a pod, and charges it if it has to give.
///
/// # Errors
/// 429 if the budget does not let the pod go; 500 if there are several budgets.
pub(super) async fn ask(registry: &Registry, context: &Context, pod: &Document) -> Result<Consent, Status> {
    let Some(all) = target(registry, pod.namespace()) else { return Ok(Consent::Given) };
    let budgets = of_pod(registry, &all, pod).await?;
    let budget = match budgets.as_slice() {
        [] => return Ok(Consent::Given),
        [budget] => budget,
        _ => {
            let why = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
            return Err(Status::new(500, Reason::Unknown, why));
        }
    };
    if !is_ready(pod) && lets_unhealthy_go(budget) {
        return Ok(Consent::Unhealthy(budget.name().to_owned()));
    }
    charge(registry, context, &all.named(budget.name()), pod.name()).await?;
    Ok(Consent::Given)
}

/// Where the status of the namespace's budgets is.
fn target(registry: &Registry, namespace: &str) -> Option<Target> {
    let resource = GroupResource::new("policy", "poddisruptionbudgets");
    let hub = registry.caches().table().rows().stored(&resource)?;
    Some(Target {
        row: hub.clone(),
        hub,
        namespace: namespace.to_owned(),
        name: String::new(),
        subresource: "status".to_owned(),
    })
}

/// The budgets that select a pod.
async fn of_pod(registry: &Registry, all: &Target, pod: &Document) -> Result<Vec<Arc<Document>>, Status> {
    let cache = registry.caches().of(&all.hub);
    cache.caught_up().await?;
    let selects = |budget: &Arc<Document>| {
        LabelSelector::from_object(budget.at(&["spec", "selector"]))
            .is_ok_and(|selector| selector.matches(pod.labels()))
    };
    let budgets = cache.all(&all.namespace);
    Ok(budgets.iter().map(|entry| entry.document()).filter(selects).collect())
}

fn is_ready(pod: &Document) -> bool {
    let conditions = pod.array_at(&["status", "conditions"]);
    conditions.iter().any(|c| c.str_at(&["type"]) == "Ready" && c.str_at(&["status"]) == "True")
}

/// Whether a budget lets pods go that are not healthy without being charged (KEP-3017).
fn lets_unhealthy_go(budget: &Document) -> bool {
    let healthy = |field: &str| budget.i64_at(&["status", field]).unwrap_or(0);
    budget.str_at(&["spec", "unhealthyPodEvictionPolicy"]) == "AlwaysAllow"
        || (healthy("currentHealthy") >= healthy("desiredHealthy") && healthy("desiredHealthy") > 0)
}

async fn charge(registry: &Registry, context: &Context, target: &Target, pod: &str) -> Result<(), Status> {
    let mut context = Context { field_manager: MANAGER.to_owned(), ..context.clone() };
    let edit = Charge { pod: pod.to_owned() };
    let mut attempt = 1;
    loop {
        match registry.update(&mut context, target, &edit).await {
            Err(status) if status.is_conflict() && attempt < ATTEMPTS => {
                attempt += 1;
                tokio::time::sleep(PAUSE).await;
            }
            result => return result.map(drop),
        }
    }
}

/// Takes one disruption off a budget, for a pod.
struct Charge {
    pod: String,
}

impl Edit for Charge {
    fn apply(&self, context: &mut Context, old: &Document) -> Result<Document, Status> {
        let number = |field: &str| old.i64_at(&["status", field]).unwrap_or(0);
        let forbidden = |why: &str| {
            Err(Status::forbidden(&GroupResource::new("policy", "poddisruptionbudget"), old.name(), why))
        };
        if number("observedGeneration") < old.generation() {
            return Err(still_processed(old.name()));
        }
        let allowed = number("disruptionsAllowed");
        if allowed < 0 {
            return forbidden("pdb disruptions allowed is negative");
        }
        if old.object_at(&["status", "disruptedPods"]).is_some_and(|pods: &Map| pods.len() > MOST_DISRUPTED) {
            return forbidden(
                "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
            );
        }
        if allowed == 0 {
            return Err(refused(0, why_refused(old)));
        }
        let mut budget = old.clone();
        budget.set(&["status", "disruptionsAllowed"], allowed - 1);
        if allowed == 1 {
            tell_allowed(budget.ensure(&["status"]), context.now);
        }
        budget.set(&["status", "disruptedPods", self.pod.as_str()], format_time(context.now));
        budget.remove(&["metadata", "resourceVersion"]);
        Ok(budget)
    }

    fn scope(&self) -> Option<UpdateScope> {
        Some(UpdateScope::Status)
    }

    fn is_admitted_as_update(&self) -> bool {
        false
    }
}

/// 429: the budget was not worked out since it, or the pod, changed.
pub(super) fn still_processed(budget: &str) -> Status {
    refused(10, format!("The disruption budget {budget} is still being processed by the server."))
}

fn refused(retry_after_seconds: u32, why: String) -> Status {
    let mut status = Status::too_many_requests(REFUSAL, retry_after_seconds);
    let cause = Cause { reason: "DisruptionBudget".to_owned(), message: why, ..Cause::default() };
    status.details_mut().causes.push(cause);
    status
}

fn why_refused(budget: &Document) -> String {
    let name = budget.name();
    let healthy = |field: &str| budget.i64_at(&["status", field]).unwrap_or(0);
    let (current, desired) = (healthy("currentHealthy"), healthy("desiredHealthy"));
    let told = budget.get("status").and_then(condition).filter(|condition| {
        condition.str_at(&["status"]) == "False" && !condition.str_at(&["message"]).is_empty()
    });
    let told = told.map(|condition| (condition.str_at(&["reason"]), condition.str_at(&["message"])));
    match told {
        // The numbers of a budget that could not be worked out say nothing.
        Some((SYNC_FAILED, message)) => {
            format!(
                "The disruption budget {name} does not allow evicting pods currently because it failed sync: {message}"
            )
        }
        _ if current <= desired => {
            format!("The disruption budget {name} needs {desired} healthy pods and has {current} currently")
        }
        Some((reason, message)) => {
            format!(
                "The disruption budget {name} does not allow evicting pods currently ({reason}): {message}"
            )
        }
        None => format!("The disruption budget {name} does not allow evicting pods currently"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authentication::UserInfo;
    use skiff_apimachinery::doc;

    fn charged(status: Document) -> Result<Document, Status> {
        let mut context = Context {
            user: UserInfo::authenticated("ann", ["dev"]),
            dry_run: false,
            field_manager: String::new(),
            now: "2026-01-01T00:00:00Z".parse().unwrap(),
            warnings: Vec::new(),
        };
        let budget = doc!({"metadata": {"name": "b", "generation": 2}, "status": status});
        Charge { pod: "p".to_owned() }.apply(&mut context, &budget).map(|budget| budget["status"].clone())
    }

    fn told(status: &str, reason: &str) -> Document {
        doc!([{"type": "DisruptionAllowed", "status": status, "reason": reason, "message": "m"}])
    }

    #[test]
    fn a_budget_refuses_in_upstreams_words() {
        let many: Document = (0..2001).map(|i| (format!("p{i}"), "2026-01-01T00:00:00Z")).collect();
        let cases = [
            (
                "behind",
                doc!({"observedGeneration": 1, "disruptionsAllowed": 1}),
                (429, "The disruption budget b is still being processed by the server."),
            ),
            (
                "negative",
                doc!({"observedGeneration": 2, "disruptionsAllowed": -1}),
                (403, r#"poddisruptionbudget.policy "b" is forbidden: pdb disruptions allowed is negative"#),
            ),
            (
                "too many under way",
                doc!({"observedGeneration": 2, "disruptionsAllowed": 1, "disruptedPods": many}),
                (
                    403,
                    r#"poddisruptionbudget.policy "b" is forbidden: DisruptedPods map too big - too many evictions not confirmed by PDB controller"#,
                ),
            ),
            (
                "nothing to give",
                doc!({"observedGeneration": 2, "currentHealthy": 2, "desiredHealthy": 3, "conditions": told("False", "InsufficientPods")}),
                (429, "The disruption budget b needs 3 healthy pods and has 2 currently"),
            ),
            (
                "not worked out",
                doc!({"observedGeneration": 2, "currentHealthy": 2, "desiredHealthy": 3, "conditions": told("False", "SyncFailed")}),
                (
                    429,
                    "The disruption budget b does not allow evicting pods currently because it failed sync: m",
                ),
            ),
            (
                "for another reason",
                doc!({"observedGeneration": 2, "currentHealthy": 4, "desiredHealthy": 3, "conditions": told("False", "Why")}),
                (429, "The disruption budget b does not allow evicting pods currently (Why): m"),
            ),
            (
                "for no reason",
                doc!({"observedGeneration": 2, "currentHealthy": 4, "desiredHealthy": 3, "conditions": told("True", "Why")}),
                (429, "The disruption budget b does not allow evicting pods currently"),
            ),
        ];
        for (case, status, (code, why)) in cases {
            let refusal = charged(status).unwrap_err();
            let shown = match refusal.details.as_ref().and_then(|details| details.causes.first()) {
                Some(cause) => {
                    assert_eq!(
                        (refusal.message.as_str(), cause.reason.as_str()),
                        (REFUSAL, "DisruptionBudget")
                    );
                    cause.message.clone()
                }
                None => refusal.message.clone(),
            };
            assert_eq!((refusal.code, shown.as_str()), (code, why), "{case}");
        }
    }

    #[test]
    fn a_charge_takes_one_and_notes_the_pod() {
        let cases = [(2, 1, None), (1, 0, Some("InsufficientPods"))];
        for (before, after, reason) in cases {
            let status = doc!({"observedGeneration": 2, "disruptionsAllowed": before});
            let status = charged(status).unwrap();
            assert_eq!(status.i64_at(&["disruptionsAllowed"]), Some(after));
            assert_eq!(status["disruptedPods"], doc!({"p": "2026-01-01T00:00:00Z"}));
            assert_eq!(condition(&status).map(|condition| condition.str_at(&["reason"])), reason);
        }
    }

    #[test]
    fn unhealthy_pods_go_where_others_are_enough_or_always() {
        let budget = |policy: Document, current: i64, desired: i64| {
            doc!({"spec": {"unhealthyPodEvictionPolicy": policy},
                "status": {"currentHealthy": current, "desiredHealthy": desired}})
        };
        let cases = [
            ("enough", budget(doc!(null), 2, 2), true),
            ("too few", budget(doc!(null), 1, 2), false),
            ("none wanted", budget(doc!("IfHealthyBudget"), 0, 0), false),
            ("always", budget(doc!("AlwaysAllow"), 0, 2), true),
        ];
        for (case, budget, goes) in cases {
            assert_eq!(lets_unhealthy_go(&budget), goes, "{case}");
        }
    }
}
