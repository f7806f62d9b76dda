//! `endpointslice-mirroring-controller`: EndpointSlices of Endpoints that somebody writes for a Service without selector,
//! so that proxies and DNS, which read slices only, serve them.
//!
//! Reads Endpoints, Services and its own EndpointSlices; writes EndpointSlices. [`subsets`] brings the subsets of an
//! Endpoints object into one form, [`slices`] makes one slice of each, per address family.

mod slices;
mod subsets;

use super::endpointslice::{MANAGED_BY, SERVICE_NAME};
use crate::config::Config;
use crate::controller::{Context, Controller, observed};
use crate::plan::Plan;
use crate::sources::Sources;
use futures::future::BoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Service;
use skiff_apimachinery::meta::ObjectKey;
use skiff_apimachinery::{Document, Map, Status};
use skiff_client::resources::{ENDPOINT_SLICES, ENDPOINTS, SERVICES};
use skiff_client::{Event, Index, Informer, Object, Selection, Untyped};
use std::sync::Arc;

pub(super) const CONTROLLER: &str = "endpointslicemirroring-controller.k8s.io";
/// A label of Endpoints that are not to be mirrored.
const SKIP: &str = "endpointslice.kubernetes.io/skip-mirror";
/// The annotation of Endpoints that are no endpoints but a lock.
const LEADER: &str = "control-plane.alpha.kubernetes.io/leader";

/// The controller; its keys are those of Endpoints, which are those of their Services.
pub struct EndpointSliceMirroringController {
    config: Arc<Config>,
    endpoints: Informer<Untyped>,
    services: Informer<Service>,
    slices: Informer<Untyped>,
    slices_by_service: Index<Untyped>,
}

/// What is to be mirrored, and the mirror.
pub struct World {
    /// None if there is nothing to mirror: the slices go.
    endpoints: Option<Object>,
    slices: Vec<Object>,
    max_per_subset: usize,
}

impl Controller for EndpointSliceMirroringController {
    const NAME: &'static str = "endpointslice-mirroring-controller";
    const IDENTITY: &'static str = "endpointslicemirroring-controller";
    const EVENT_SOURCE: &'static str = "endpoint-slice-mirroring-controller";
    const QUEUE: &'static str = "endpoint_slice_mirroring";

    type Key = ObjectKey;
    type World = World;

    fn new(context: &Context) -> Self {
        let own = Selection { labels: format!("{MANAGED_BY}={CONTROLLER}"), ..Selection::default() };
        let slices: Informer<Untyped> = context.informers.of(&ENDPOINT_SLICES, own);
        Self {
            config: context.config.clone(),
            endpoints: context.informers.of(&ENDPOINTS, Selection::default()),
            services: context.informers.of(&SERVICES, Selection::default()),
            slices_by_service: slices
                .index("service", |slice| service_of(slice).iter().map(ToString::to_string).collect()),
            slices,
        }
    }

    fn sources(&self, sources: &mut Sources<ObjectKey>) {
        sources.watch(&self.endpoints, |event| {
            let before = match event {
                Event::Updated { old, .. } => is_mirrored(old),
                Event::Added(_) | Event::Deleted(_) => false,
            };
            let endpoints = event.object();
            (before || is_mirrored(endpoints)).then(|| endpoints.key())
        });
        sources.watch(&self.services, |event| {
            let service = event.object();
            let concerned = match event {
                Event::Updated { old, new } => has_selector(old) != has_selector(new),
                Event::Added(_) | Event::Deleted(_) => !has_selector(service),
            };
            concerned.then(|| service.key())
        });
        sources.watch(&self.slices, |event| {
            let before = match event {
                Event::Updated { old, .. } => service_of(old),
                Event::Added(_) | Event::Deleted(_) => None,
            };
            let now = service_of(event.object());
            let before = before.filter(|before| now.as_ref() != Some(before));
            before.into_iter().chain(now)
        });
    }

    fn observe<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<World>, Status>> {
        let service = self.services.get(&key.namespace, &key.name);
        let is_custom = service.is_some_and(|service| !has_selector(&service));
        let endpoints = self.endpoints.get(&key.namespace, &key.name);
        let endpoints = endpoints.filter(|endpoints| is_custom && is_mirrored(endpoints));
        let slices = self.slices_by_service.get(&key.to_string());
        observed(Some(World {
            endpoints: endpoints.map(|endpoints| endpoints.object.clone()),
            slices: slices.iter().map(|slice| slice.object.clone()).collect(),
            max_per_subset: self.config.mirroring_max_endpoints_per_subset,
        }))
    }

    fn plan(world: &World, _now: Timestamp) -> Plan {
        slices::reconcile(world)
    }
}

/// Whether Endpoints are mirrored if their Service has no selector.
fn is_mirrored(endpoints: &Document) -> bool {
    endpoints.label(SKIP) != Some("true") && endpoints.annotation(LEADER).is_none()
}

fn has_selector(service: &Document) -> bool {
    service.object_at(&["spec", "selector"]).is_some_and(|selector: &Map| !selector.is_empty())
}

/// The Service that a slice is of.
fn service_of(slice: &Document) -> Option<ObjectKey> {
    slice.label(SERVICE_NAME).map(|service| ObjectKey::new(slice.namespace(), service))
}

#[cfg(test)]
mod tests;
