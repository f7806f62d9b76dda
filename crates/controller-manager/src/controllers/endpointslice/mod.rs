//! `endpointslice-controller`: tells proxies and DNS which pods serve a Service.
//!
//! Reads Services, Pods, Nodes and its own EndpointSlices; writes EndpointSlices. [`endpoint`] says what one pod
//! contributes, [`slices`] how endpoints are spread over slices with as few writes as possible.

mod desired;
mod endpoint;
mod slices;

pub(crate) use endpoint::find_port;

use crate::config::Config;
use crate::controller::{Context, Controller, observed};
use crate::plan::Plan;
use crate::pods::CachedPod;
use crate::sources::Sources;
use futures::future::BoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, Service};
use skiff_apimachinery::meta::ObjectKey;
use skiff_apimachinery::selector::LabelSelector;
use skiff_apimachinery::{Document, Status};
use skiff_client::resources::{ENDPOINT_SLICES, NODES, PODS, SERVICES};
use skiff_client::{Cached, Event, Index, Informer, Object, Selection, Untyped};
use std::collections::HashMap;
use std::sync::Arc;

pub(crate) const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
pub(crate) const SERVICE_NAME: &str = "kubernetes.io/service-name";
pub(crate) const CONTROLLER: &str = "endpointslice-controller.k8s.io";

/// The controller; its keys are those of Services.
pub struct EndpointSliceController {
    config: Arc<Config>,
    services: Informer<Service>,
    pods: Informer<Pod>,
    nodes: Informer<Untyped>,
    slices: Informer<Untyped>,
    slices_by_service: Index<Untyped>,
}

/// One Service, the pods that it selects, and its slices.
pub struct World {
    service: Arc<Cached<Service>>,
    pods: Vec<CachedPod>,
    /// Zones of the nodes that the pods are on.
    zones: HashMap<String, String>,
    slices: Vec<Object>,
    max_per_slice: usize,
}

impl Controller for EndpointSliceController {
    const NAME: &'static str = "endpointslice-controller";
    const IDENTITY: &'static str = "endpointslice-controller";
    const QUEUE: &'static str = "endpoint_slice";
    const EVENT_SOURCE: &'static str = "endpoint-slice-controller";

    type Key = ObjectKey;
    type World = World;

    fn new(context: &Context) -> Self {
        let own = Selection { labels: format!("{MANAGED_BY}={CONTROLLER}"), ..Selection::default() };
        let slices: Informer<Untyped> = context.informers.of(&ENDPOINT_SLICES, own);
        Self {
            config: context.config.clone(),
            services: context.informers.of(&SERVICES, Selection::default()),
            pods: context.informers.of(&PODS, Selection::default()),
            nodes: context.informers.metadata(&NODES),
            slices_by_service: slices.index("service", |slice| {
                slice
                    .label(SERVICE_NAME)
                    .map(|service| format!("{}/{service}", slice.namespace()))
                    .into_iter()
                    .collect()
            }),
            slices,
        }
    }

    fn sources(&self, sources: &mut Sources<ObjectKey>) {
        sources.watch(&self.services, |event| [event.object().key()]);
        let services = self.services.clone();
        sources.watch(&self.pods, move |event| selecting(&services, event));
        sources.watch(&self.slices, |event| {
            let slice = event.object();
            slice.label(SERVICE_NAME).map(|service| ObjectKey::new(slice.namespace(), service))
        });
        sources.read(&self.nodes);
    }

    fn observe<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<World>, Status>> {
        let service = self.services.get(&key.namespace, &key.name);
        // A Service without a selector has its endpoints written by someone else.
        observed(service.filter(|service| is_ours(service)).map(|service| self.world(service)))
    }

    fn plan(world: &World, now: Timestamp) -> Plan {
        slices::reconcile(world, &desired::endpoints(world), now)
    }
}

pub(crate) fn is_ours(service: &Cached<Service>) -> bool {
    let selects = service.object_at(&["spec", "selector"]).is_some_and(|selector| !selector.is_empty());
    selects && service.str_at(&["spec", "type"]) != "ExternalName" && service.deletion_timestamp().is_none()
}

/// The Services that select a pod now or selected it before, if the change matters to them.
pub(crate) fn selecting(services: &Informer<Service>, event: &Event<Pod>) -> Vec<ObjectKey> {
    let pod = event.object();
    let before = match event {
        Event::Updated { old, new } => {
            if !matters(old, new) {
                return Vec::new();
            }
            Some(old)
        }
        Event::Added(_) | Event::Deleted(_) => None,
    };
    let services = services.list_namespace(pod.namespace());
    let selects = |service: &Cached<Service>, pod: &Cached<Pod>| {
        is_ours(service) && selector(service).matches(pod.labels())
    };
    let services = services.iter();
    let services =
        services.filter(|service| selects(service, pod) || before.is_some_and(|old| selects(service, old)));
    services.map(|service| service.key()).collect()
}

/// Whether an endpoint may differ after a change of its pod.
fn matters(old: &Cached<Pod>, new: &Cached<Pod>) -> bool {
    let differs = |path: &[&str]| old.at(path) != new.at(path);
    old.uid() != new.uid()
        || old.labels() != new.labels()
        || old.deletion_timestamp() != new.deletion_timestamp()
        || differs(&["spec", "nodeName"])
        || differs(&["spec", "hostname"])
        || differs(&["spec", "subdomain"])
        || differs(&["status", "phase"])
        || differs(&["status", "podIPs"])
        || crate::pods::is_ready(old) != crate::pods::is_ready(new)
}

/// The pods of a Service.
pub(crate) fn selector(service: &Document) -> LabelSelector {
    service.object_at(&["spec", "selector"]).map_or_else(LabelSelector::nothing, LabelSelector::from_labels)
}

impl EndpointSliceController {
    fn world(&self, service: Arc<Cached<Service>>) -> World {
        let selector = selector(&service);
        let mut pods = self.pods.list_namespace(service.namespace());
        pods.retain(|pod| selector.matches(pod.labels()));
        let mut zones = HashMap::new();
        for pod in &pods {
            let node = crate::pods::node_name(pod);
            let zone = self
                .nodes
                .get("", node)
                .and_then(|node| node.label("topology.kubernetes.io/zone").map(str::to_owned));
            if let Some(zone) = zone {
                zones.insert(node.to_owned(), zone);
            }
        }
        let slices = self.slices_by_service.get(&service.key().to_string());
        let slices = slices.iter().filter(|slice| slice.deletion_timestamp().is_none());
        World {
            slices: slices.map(|slice| slice.object.clone()).collect(),
            pods,
            zones,
            max_per_slice: self.config.max_endpoints_per_slice.max(1),
            service,
        }
    }
}

/// Whether a Service has no cluster IP.
pub(crate) fn is_headless(service: &Document) -> bool {
    service.str_at(&["spec", "clusterIP"]) == "None"
}

#[cfg(test)]
mod tests;
