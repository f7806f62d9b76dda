//! `pods/eviction`: deletes a pod on behalf of someone who drains a node, if that pod's disruption budget lets it go.
//!
//! What is admitted is the Eviction. A pod that has not started, has ended or is being deleted goes without its budget
//! being asked ([`budget`]). Before a pod goes, its condition `DisruptionTarget` tells why.

mod budget;

use super::super::admit::Write;
use super::super::{Edit, Registry};
use super::{Action, Context, Target};
use crate::admission::Operation;
use crate::request::Query;
use crate::request::options::DeleteOptions;
use budget::Consent;
use futures::future::BoxFuture;
use skiff_api::strategy::UpdateScope;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, GroupResource, Status, doc};
use std::time::Duration;

/// How often a step is tried when what it changes changed meanwhile, and the pause between; upstream's.
const ATTEMPTS: usize = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// The action.
pub(super) struct EvictionAction;

impl Action for EvictionAction {
    fn run<'a>(
        &'a self,
        registry: &'a Registry,
        context: &'a mut Context,
        target: &'a Target,
        sent: Document,
    ) -> BoxFuture<'a, Result<Document, Status>> {
        Box::pin(evict(registry, context, target, sent))
    }
}

async fn evict(
    registry: &Registry,
    context: &mut Context,
    target: &Target,
    mut sent: Document,
) -> Result<Document, Status> {
    let write = Write { target, operation: Operation::Create, old: None };
    registry.admit(context, &write, &mut sent).await?;
    if sent.name() != target.name {
        return Err(Status::bad_request("name in URL does not match name in Eviction object"));
    }
    let options = match sent.get("deleteOptions").filter(|options| !options.is_null()) {
        Some(options) => DeleteOptions::parse(&Query::default(), Some(options))?,
        None => DeleteOptions::default(),
    };
    context.dry_run |= options.dry_run;
    registry.admit_final(context, &write, &sent).await?;
    let pod = Target { subresource: String::new(), ..target.clone() };
    Eviction { registry, pod, options }.run(context).await?;
    Ok(doc!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}))
}

struct Eviction<'a> {
    registry: &'a Registry,
    pod: Target,
    /// What the client asked for.
    options: DeleteOptions,
}

impl Eviction<'_> {
    async fn run(&self, context: &mut Context) -> Result<(), Status> {
        let mut attempt = 1;
        loop {
            let pod = self.registry.get(&self.pod).await?.document();
            if !ignores_budgets(&pod) {
                return self.ask_and_delete(context, &pod).await;
            }
            // A pod that starts meanwhile has a budget again.
            let version = if is_over(&pod) { None } else { Some(pod.resource_version()) };
            match self.delete(context, version).await {
                Err(status) if self.may_retry(&status) && attempt < ATTEMPTS => {
                    attempt += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                result => return result,
            }
        }
    }

    /// A client that insisted on a version learns of every change.
    fn may_retry(&self, status: &Status) -> bool {
        status.is_conflict() && self.options.resource_version.is_none()
    }

    async fn ask_and_delete(&self, context: &mut Context, pod: &Document) -> Result<(), Status> {
        match budget::ask(self.registry, context, pod).await? {
            Consent::Given => self.delete(context, None).await,
            Consent::Unhealthy(budget) => {
                // Nobody may have found the pod healthy since.
                let deleted = self.delete(context, Some(pod.resource_version())).await;
                deleted.map_err(|status| {
                    if self.may_retry(&status) { budget::still_processed(&budget) } else { status }
                })
            }
        }
    }

    /// Deletes the pod in this version; what the client asked for goes before.
    async fn delete(&self, context: &mut Context, version: Option<&str>) -> Result<(), Status> {
        let mut options = self.options.clone();
        options.resource_version = options.resource_version.or_else(|| version.map(str::to_owned));
        if !context.dry_run {
            let edit = Announce { pod: &self.pod.name, options: &options };
            let status = Target { subresource: "status".to_owned(), ..self.pod.clone() };
            let announced = self.registry.update(context, &status, &edit).await?.object.document();
            if options.resource_version.is_some() {
                options.resource_version = Some(announced.resource_version().to_owned());
            }
        }
        self.registry.delete_for_action(context, &self.pod, &options).await.map(drop)
    }
}

/// Whether nothing is lost with the pod: it does not serve yet or no longer.
fn ignores_budgets(pod: &Document) -> bool {
    is_over(pod) || pod.str_at(&["status", "phase"]) == "Pending"
}

fn is_over(pod: &Document) -> bool {
    matches!(pod.str_at(&["status", "phase"]), "Succeeded" | "Failed") || pod.deletion_timestamp().is_some()
}

/// Tells the pod why it goes (KEP-3329).
struct Announce<'a> {
    pod: &'a str,
    options: &'a DeleteOptions,
}

impl Announce<'_> {
    fn check(&self, pod: &Document) -> Result<(), Status> {
        let refuse = |why: String| Err(Status::conflict(&GroupResource::new("", "Pod"), self.pod, &why));
        let differs = |wanted: &&str, found: &str| !wanted.is_empty() && *wanted != found;
        if let Some(wanted) = self.options.uid.as_deref().filter(|wanted| differs(wanted, pod.uid())) {
            let found = pod.uid();
            return refuse(format!(
                "the UID in the precondition ({wanted}) does not match the UID in record ({found}). The object might have been deleted and then recreated"
            ));
        }
        let version = self.options.resource_version.as_deref();
        if let Some(wanted) = version.filter(|wanted| differs(wanted, pod.resource_version())) {
            let found = pod.resource_version();
            return refuse(format!(
                "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({found}). The object might have been modified"
            ));
        }
        Ok(())
    }
}

impl Edit for Announce<'_> {
    fn apply(&self, context: &mut Context, old: &Document) -> Result<Document, Status> {
        const KIND: &str = "DisruptionTarget";
        self.check(old)?;
        let mut pod = old.clone();
        let conditions = pod.ensure(&["status", "conditions"]).make_array();
        let standing = conditions.iter().position(|condition| condition.str_at(&["type"]) == KIND);
        let since = standing
            .and_then(|at| conditions.get(at))
            .filter(|condition| condition.str_at(&["status"]) == "True")
            .map_or_else(|| format_time(context.now), |c| c.str_at(&["lastTransitionTime"]).to_owned());
        let mut condition = doc!({
            "type": KIND,
            "status": "True",
            "lastProbeTime": null,
            "lastTransitionTime": since,
            "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting"
        });
        if old.generation() > 0 {
            condition.insert("observedGeneration", old.generation());
        }
        match standing.and_then(|at| conditions.get_mut(at)) {
            Some(standing) => *standing = condition,
            None => conditions.push(condition),
        }
        pod.remove(&["metadata", "resourceVersion"]);
        Ok(pod)
    }

    fn scope(&self) -> Option<UpdateScope> {
        Some(UpdateScope::Status)
    }

    fn is_admitted_as_update(&self) -> bool {
        false
    }
}
