//! `disruption-controller`: works out how many pods of each PodDisruptionBudget may be disrupted.
//!
//! Reads PodDisruptionBudgets, Pods and the workloads that the pods belong to ([`scale`]); writes the budgets' status
//! ([`budget`]), from which the API server decides about evictions. It also takes back the announcement on pods that were
//! about to be disrupted and were not ([`bystander`]).

mod budget;
mod bystander;
mod scale;

use crate::controller::{Context, Controller};
use crate::plan::Plan;
use crate::pods::CachedPod;
use crate::sources::Sources;
use budget::Budget;
use bystander::Bystander;
use futures::future::BoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use scale::Workloads;
use skiff_apimachinery::meta::ObjectKey;
use skiff_apimachinery::selector::LabelSelector;
use skiff_apimachinery::{Document, Status};
use skiff_client::resources::{POD_DISRUPTION_BUDGETS, PODS};
use skiff_client::{Cached, Event, Informer, Selection, Untyped};
use std::fmt;
use std::sync::Arc;

/// The controller.
pub struct DisruptionController {
    budgets: Informer<Untyped>,
    pods: Informer<Pod>,
    workloads: Workloads,
}

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A budget.
    Budget(ObjectKey),
    /// A pod that may have to be told something itself.
    Pod(ObjectKey),
}

/// A subject and what matters to it.
pub enum World {
    /// A budget.
    Budget(Box<Budget>),
    /// A pod.
    Pod(Bystander),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Budget(key) => write!(f, "budget {key}"),
            Self::Pod(key) => write!(f, "pod {key}"),
        }
    }
}

impl Controller for DisruptionController {
    const NAME: &'static str = "disruption-controller";
    const IDENTITY: &'static str = "disruption-controller";
    const EVENT_SOURCE: &'static str = "controllermanager";
    const QUEUE: &'static str = "disruption";
    const WORKERS: usize = 1;

    type Key = Subject;
    type World = World;

    fn new(context: &Context) -> Self {
        Self {
            budgets: context.informers.of(&POD_DISRUPTION_BUDGETS, Selection::default()),
            pods: context.informers.of(&PODS, Selection::default()),
            workloads: Workloads::new(context),
        }
    }

    fn sources(&self, sources: &mut Sources<Subject>) {
        sources.watch(&self.budgets, |event| [Subject::Budget(event.object().key())]);
        let budgets = self.budgets.clone();
        sources.watch(&self.pods, move |event| concerned(&budgets, event));
        self.workloads.sources(sources);
    }

    fn observe<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, Result<Option<World>, Status>> {
        Box::pin(async move {
            Ok(match subject {
                Subject::Budget(key) => match self.budgets.get(&key.namespace, &key.name) {
                    Some(budget) => Some(World::Budget(Box::new(self.budget(budget).await))),
                    None => None,
                },
                Subject::Pod(key) => self.pods.get(&key.namespace, &key.name).map(|pod| {
                    World::Pod(Bystander { budgets: names(&selecting(&self.budgets, &pod)), pod })
                }),
            })
        })
    }

    fn plan(world: &World, now: Timestamp) -> Plan {
        match world {
            World::Budget(budget) => budget::plan(budget, now),
            World::Pod(pod) => bystander::plan(pod, now),
        }
    }
}

/// The budgets that select a pod now or selected it before, and the pod itself if there is something to tell it.
fn concerned(budgets: &Informer<Untyped>, event: &Event<Pod>) -> Vec<Subject> {
    let pod = event.object();
    let now = selecting(budgets, pod);
    let mut subjects: Vec<Subject> = now.iter().map(|budget| Subject::Budget(budget.key())).collect();
    if let Event::Updated { old, .. } = event
        && old.labels() != pod.labels()
    {
        let before = selecting(budgets, old).into_iter().map(|budget| Subject::Budget(budget.key()));
        subjects.extend(before);
    }
    if !matches!(event, Event::Deleted(_)) && (now.len() > 1 || bystander::is_announced(pod)) {
        subjects.push(Subject::Pod(pod.key()));
    }
    subjects
}

/// The budgets that select a pod.
fn selecting(budgets: &Informer<Untyped>, pod: &Cached<Pod>) -> Vec<Arc<Cached<Untyped>>> {
    let mut budgets = budgets.list_namespace(pod.namespace());
    budgets.retain(|budget| selector(budget).is_ok_and(|selector| selector.matches(pod.labels())));
    budgets
}

fn names(budgets: &[Arc<Cached<Untyped>>]) -> Vec<String> {
    budgets.iter().map(|budget| budget.name().to_owned()).collect()
}

/// Which pods a budget selects. Unlike where it chooses what to create, here an empty selector means all.
fn selector(budget: &Document) -> Result<LabelSelector, String> {
    LabelSelector::from_object(budget.at(&["spec", "selector"])).map_err(|error| error.to_string())
}

impl DisruptionController {
    async fn budget(&self, budget: Arc<Cached<Untyped>>) -> Budget {
        let pods = selector(&budget).map(|selector| {
            let mut pods: Vec<CachedPod> = self.pods.list_namespace(budget.namespace());
            pods.retain(|pod| selector.matches(pod.labels()));
            pods
        });
        let scales = match &pods {
            Ok(pods) if budget::needs_scale(&budget) => self.workloads.scales(pods).await,
            _ => Ok(scale::Scales::new()),
        };
        Budget { budget, pods, scales }
    }
}

#[cfg(test)]
mod tests;
