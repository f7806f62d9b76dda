//! `namespace-controller`: empties a namespace that is being deleted, then lets it go.
//!
//! Every namespaced resource that discovery names is deleted, custom ones too; pods first (KEP-5080), so that nothing
//! they rely on goes before them. What remains is told in the namespace's conditions. When nothing remains, the
//! `kubernetes` finalizer is taken off and the API server removes the namespace.

mod conditions;

use crate::controller::{Context, Controller};
use crate::plan::{Plan, Report, Write, with_status};
use crate::sources::Sources;
use futures::future::BoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use skiff_apimachinery::{Document, GroupVersion, Status};
use skiff_client::resources::{NAMESPACES, PODS};
use skiff_client::{
    Cached, Call, Client, DeleteOptions, Event, Informer, Object, Resource, Selection, Served, Shape, Verb,
};
use std::sync::Arc;
use std::time::Duration;

const FINALIZER: &str = "kubernetes";
/// When to look again after something was deleted that goes at once.
const SOON: Duration = Duration::from_millis(50);
/// When to look again for objects that wait for finalizers of others; upstream's estimate.
const WAITING_FOR_OTHERS: Duration = Duration::from_secs(8);

/// The controller; its keys are names of namespaces.
pub struct NamespaceController {
    client: Client,
    namespaces: Informer<Namespace>,
    pods: Informer<Pod>,
}

/// One namespace that is being deleted and what is in it.
pub struct World {
    namespace: Arc<Cached<Namespace>>,
    content: Vec<Content>,
    /// Group versions that did not answer: what they hold is not known.
    undiscovered: Vec<(GroupVersion, Status)>,
}

/// The objects of one resource in the namespace.
struct Content {
    served: Served,
    objects: Vec<Object>,
}

impl Controller for NamespaceController {
    const NAME: &'static str = "namespace-controller";
    const IDENTITY: &'static str = "namespace-controller";
    const QUEUE: &'static str = "namespace";
    const WORKERS: usize = 10;

    type Key = String;
    type World = World;

    fn new(context: &Context) -> Self {
        Self {
            client: context.client.clone(),
            namespaces: context.informers.of(&NAMESPACES, Selection::default()),
            pods: context.informers.of(&PODS, Selection::default()),
        }
    }

    fn sources(&self, sources: &mut Sources<String>) {
        let ends = |namespace: &Document| namespace.deletion_timestamp().is_some();
        sources.watch(&self.namespaces, move |event| match event {
            Event::Deleted(_) => None,
            event => {
                Some(event.object()).filter(|object| ends(object)).map(|object| object.name().to_owned())
            }
        });
        // Pods are what takes long to go; the end of each may be the end of the namespace.
        let namespaces = self.namespaces.clone();
        sources.watch(&self.pods, move |event| match event {
            Event::Deleted(pod) => {
                let namespace = namespaces.get("", pod.namespace()).filter(|namespace| ends(namespace));
                namespace.map(|namespace| namespace.name().to_owned())
            }
            Event::Added(_) | Event::Updated { .. } => None,
        });
    }

    fn observe<'a>(&'a self, key: &'a String) -> BoxFuture<'a, Result<Option<World>, Status>> {
        Box::pin(async move {
            let namespace = self.namespaces.get("", key);
            match namespace
                .filter(|namespace| namespace.deletion_timestamp().is_some() && !is_finalized(namespace))
            {
                Some(namespace) => self.world(namespace).await.map(Some),
                None => Ok(None),
            }
        })
    }

    fn plan(world: &World, _now: Timestamp) -> Plan {
        plan(world)
    }

    fn conclude(world: &World, report: &Report, now: Timestamp) -> Plan {
        conclude(world, report, now)
    }
}

fn is_finalized(namespace: &Document) -> bool {
    !namespace.array_at(&["spec", "finalizers"]).iter().any(|finalizer| finalizer.as_str() == Some(FINALIZER))
}

impl NamespaceController {
    async fn world(&self, namespace: Arc<Cached<Namespace>>) -> Result<World, Status> {
        let discovered = self.client.discover().await?;
        let mut content = Vec::new();
        for served in discovered.preferred {
            let emptied = served.resource.namespaced && served.can("list") && served.can("delete");
            if !emptied {
                continue;
            }
            let call = Call::new(Verb::List, &served.resource, namespace.name(), "").shape(Shape::Metadata);
            match self.client.transport().list(call).await {
                Ok(list) if list.items.is_empty() => {}
                Ok(list) => content.push(Content { served, objects: list.items }),
                // The resource went away since discovery, or cannot be listed.
                Err(status) if status.is_not_found() || status.code == 405 => {}
                Err(status) => return Err(status),
            }
        }
        Ok(World { namespace, content, undiscovered: discovered.failures })
    }
}

/// What is deleted now: the pods, or when there are none, the rest.
fn due(world: &World) -> impl Iterator<Item = &Content> {
    let has_pods = world.content.iter().any(|content| content.served.resource == PODS);
    world.content.iter().filter(move |content| !has_pods || content.served.resource == PODS)
}

fn goes_already(object: &Object) -> bool {
    object.deletion_timestamp().is_some()
}

fn plan(world: &World) -> Plan {
    let mut plan = Plan::default();
    let mut deletions = Vec::new();
    for content in due(world).filter(|content| !content.objects.iter().all(goes_already)) {
        let resource = &content.served.resource;
        if content.served.can("deletecollection") {
            deletions.push(delete_all(resource, world.namespace.name()));
        } else {
            let objects = content.objects.iter().filter(|object| !goes_already(object));
            deletions.extend(objects.map(|object| Write::delete(resource, object)));
        }
    }
    plan.all(deletions);
    plan
}

fn delete_all(resource: &Resource, namespace: &str) -> Write {
    let options = DeleteOptions { propagation_policy: Some("Background"), ..DeleteOptions::default() };
    Write::new(Call::new(Verb::DeleteCollection, resource, namespace, "").body(options.to_document()))
}

fn conclude(world: &World, report: &Report, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let status = conditions::status(world, report, now);
    let status_changes = with_status(&world.namespace, status);
    let told = status_changes.is_some();
    if let Some(changed) = status_changes {
        plan.write(Write::update_status(&NAMESPACES, changed));
    }
    if !world.content.is_empty() {
        plan.requeue(next_look(world));
    } else if world.undiscovered.is_empty() && report.is_ok() {
        if told {
            // The status has a new version; the finalizer goes next time, over that one.
            plan.requeue(SOON);
        } else {
            plan.write(finalization(&world.namespace));
        }
    } else {
        plan.requeue(WAITING_FOR_OTHERS);
    }
    plan
}

/// Objects that were just told to go may be gone at once; pods go after their grace; others wait for their finalizers.
fn next_look(world: &World) -> Duration {
    let waiting: Vec<&Object> = world.content.iter().flat_map(|content| &content.objects).collect();
    if !waiting.iter().all(|object| goes_already(object)) {
        return SOON;
    }
    let grace =
        waiting.iter().filter_map(|object| object.i64_at(&["metadata", "deletionGracePeriodSeconds"])).max();
    match grace.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0) {
        Some(seconds) => Duration::from_secs(seconds / 2 + 1),
        None => WAITING_FOR_OTHERS,
    }
}

fn finalization(namespace: &Cached<Namespace>) -> Write {
    let mut changed = Document::clone(&namespace.object);
    if let Some(finalizers) = changed.ensure(&["spec", "finalizers"]).as_array_mut() {
        finalizers.retain(|finalizer| finalizer.as_str() != Some(FINALIZER));
    }
    Write::update_subresource(&NAMESPACES, "finalize", changed)
}

#[cfg(test)]
mod tests;
