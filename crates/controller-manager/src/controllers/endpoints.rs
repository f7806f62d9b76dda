//! `endpoints-controller`: the older Endpoints object of each Service, for clients that do not read EndpointSlices.
//!
//! One object per Service, in the Service's first address family, cut at 1,000 addresses. It says the same as the slices
//! but for terminating pods, which it leaves out.

use super::endpointslice::{find_port, is_headless, is_ours, selecting, selector};
use crate::controller::{Context, Controller, observed};
use crate::plan::{Plan, Write};
use crate::pods::{self, CachedPod};
use crate::sources::Sources;
use futures::future::BoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, Service};
use skiff_apimachinery::meta::ObjectKey;
use skiff_apimachinery::{Document, Map, Status, doc};
use skiff_client::resources::{ENDPOINTS, PODS, SERVICES};
use skiff_client::{Cached, Event, Informer, Object, Selection, Untyped};
use std::sync::Arc;

const MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";
const CONTROLLER: &str = "endpoint-controller";
const HEADLESS: &str = "service.kubernetes.io/headless";
const OVER_CAPACITY: &str = "endpoints.kubernetes.io/over-capacity";
/// Most addresses in one object.
const CAPACITY: usize = 1000;

/// The controller; its keys are those of Services.
pub struct EndpointsController {
    services: Informer<Service>,
    pods: Informer<Pod>,
    endpoints: Informer<Untyped>,
}

/// What an Endpoints object is to say.
pub struct World {
    service: Option<Arc<Cached<Service>>>,
    pods: Vec<CachedPod>,
    endpoints: Option<Object>,
}

/// Addresses of pods with the same ports.
struct Subset {
    ports: Vec<Document>,
    ready: Vec<Document>,
    unready: Vec<Document>,
}

impl Controller for EndpointsController {
    const NAME: &'static str = "endpoints-controller";
    const IDENTITY: &'static str = "endpoint-controller";
    const QUEUE: &'static str = "endpoint";

    type Key = ObjectKey;
    type World = World;

    fn new(context: &Context) -> Self {
        Self {
            services: context.informers.of(&SERVICES, Selection::default()),
            pods: context.informers.of(&PODS, Selection::default()),
            endpoints: context.informers.of(&ENDPOINTS, Selection::default()),
        }
    }

    fn sources(&self, sources: &mut Sources<ObjectKey>) {
        sources.watch(&self.services, |event| [event.object().key()]);
        let services = self.services.clone();
        sources.watch(&self.pods, move |event| selecting(&services, event));
        // What is written here brings no work; what is left of a Service that went while nobody looked does.
        sources.watch(&self.endpoints, |event| match event {
            Event::Updated { .. } => None,
            Event::Added(object) | Event::Deleted(object) => is_managed(object).then(|| object.key()),
        });
    }

    fn observe<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<World>, Status>> {
        let service = self.services.get(&key.namespace, &key.name);
        if service.as_ref().is_some_and(|service| !is_ours(service)) {
            return observed(None);
        }
        let pods = service.as_ref().map(|service| {
            let selector = selector(service);
            let mut pods = self.pods.list_namespace(service.namespace());
            pods.retain(|pod| selector.matches(pod.labels()));
            pods
        });
        observed(Some(World {
            pods: pods.unwrap_or_default(),
            endpoints: self.endpoints.get(&key.namespace, &key.name).map(|cached| cached.object.clone()),
            service,
        }))
    }

    fn plan(world: &World, _now: Timestamp) -> Plan {
        plan(world)
    }
}

fn is_managed(endpoints: &Document) -> bool {
    endpoints.label(MANAGED_BY) == Some(CONTROLLER)
}

fn plan(world: &World) -> Plan {
    let mut plan = Plan::default();
    match (&world.service, &world.endpoints) {
        (Some(service), None) => {
            plan.write(Write::create(&ENDPOINTS, service.namespace(), document(world, service, None)))
        }
        (Some(service), Some(old)) => {
            let new = document(world, service, Some(old));
            if new != **old {
                plan.write(Write::update(&ENDPOINTS, new));
            }
        }
        (None, Some(old)) if is_managed(old) => plan.write(Write::delete(&ENDPOINTS, old)),
        (None, _) => {}
    }
    plan
}

fn document(world: &World, service: &Cached<Service>, old: Option<&Object>) -> Document {
    let mut endpoints = match old {
        Some(old) => Document::clone(old),
        None => doc!({
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {"name": service.name(), "namespace": service.namespace()}
        }),
    };
    let mut subsets = subsets(world, service);
    if truncate(&mut subsets) {
        endpoints.set(&["metadata", "annotations", OVER_CAPACITY], "truncated");
    } else {
        endpoints.remove(&["metadata", "annotations", OVER_CAPACITY]);
    }
    endpoints.set(&["metadata", "labels"], labels(service));
    if subsets.is_empty() {
        endpoints.remove(&["subsets"]);
    } else {
        endpoints.insert("subsets", subsets.into_iter().map(Subset::into_document).collect::<Vec<_>>());
    }
    endpoints
}

fn labels(service: &Cached<Service>) -> Map {
    let copied = service.labels().into_iter().flat_map(Map::iter);
    let mut labels: Map = copied.filter(|(key, _)| *key != HEADLESS).collect();
    labels.insert(MANAGED_BY, CONTROLLER);
    if is_headless(service) {
        labels.insert(HEADLESS, "");
    }
    labels
}

fn subsets(world: &World, service: &Cached<Service>) -> Vec<Subset> {
    let mut subsets: Vec<Subset> = Vec::new();
    let eager = service.bool_at(&["spec", "publishNotReadyAddresses"]) == Some(true);
    let mut pods: Vec<&CachedPod> = world.pods.iter().collect();
    pods.sort_by_key(|pod| pod.str_at(&["status", "podIP"]).to_owned());
    for pod in pods {
        let leaves = pod.deletion_timestamp().is_some() && !eager;
        let Some(address) = address(service, pod).filter(|_| !leaves && !pods::is_terminal(pod)) else {
            continue;
        };
        let ports = ports(service, pod);
        // A pod that has none of the ports serves nothing, unless the Service names pods only.
        if ports.is_empty() && !service.array_at(&["spec", "ports"]).is_empty() {
            continue;
        }
        let subset = match subsets.iter_mut().position(|subset| subset.ports == ports) {
            Some(position) => &mut subsets[position],
            None => {
                subsets.push(Subset { ports, ready: Vec::new(), unready: Vec::new() });
                subsets.last_mut().expect("pushed above")
            }
        };
        if eager || pods::is_ready(pod) { subset.ready.push(address) } else { subset.unready.push(address) }
    }
    subsets
}

fn address(service: &Cached<Service>, pod: &CachedPod) -> Option<Document> {
    let family =
        service.array_at(&["spec", "ipFamilies"]).first().and_then(Document::as_str).unwrap_or("IPv4");
    let mut ips = pod.array_at(&["status", "podIPs"]).iter().map(|ip| ip.str_at(&["ip"]));
    let ip = ips.find(|ip| ip.contains(':') == (family == "IPv6"))?;
    let mut address = doc!({"ip": ip});
    let hostname = pod.str_at(&["spec", "hostname"]);
    if !hostname.is_empty() && pod.str_at(&["spec", "subdomain"]) == service.name() {
        address.insert("hostname", hostname);
    }
    let node = pods::node_name(pod);
    if !node.is_empty() {
        address.insert("nodeName", node);
    }
    address.insert(
        "targetRef",
        doc!({"kind": "Pod", "namespace": pod.namespace(), "name": pod.name(), "uid": pod.uid()}),
    );
    Some(address)
}

fn ports(service: &Cached<Service>, pod: &CachedPod) -> Vec<Document> {
    let ports = service.typed.spec.as_ref().and_then(|spec| spec.ports.as_ref());
    let ports = ports.into_iter().flatten().filter_map(|port| {
        let mut told = Document::object();
        if let Some(name) = port.name.as_ref().filter(|name| !name.is_empty()) {
            told.insert("name", name);
        }
        told.insert("port", find_port(pod, port)?);
        told.insert("protocol", port.protocol.as_deref().unwrap_or("TCP"));
        if let Some(protocol) = &port.app_protocol {
            told.insert("appProtocol", protocol);
        }
        Some(told)
    });
    ports.collect()
}

/// Cuts the addresses down to what one object may hold, unready ones first; tells whether anything was cut.
fn truncate(subsets: &mut Vec<Subset>) -> bool {
    let count = |subsets: &[Subset]| subsets.iter().map(|s| s.ready.len() + s.unready.len()).sum::<usize>();
    let mut surplus = count(subsets).saturating_sub(CAPACITY);
    let truncated = surplus > 0;
    for addresses in subsets.iter_mut().rev().map(|s| &mut s.unready) {
        cut(addresses, &mut surplus);
    }
    for addresses in subsets.iter_mut().rev().map(|s| &mut s.ready) {
        cut(addresses, &mut surplus);
    }
    subsets.retain(|subset| !subset.ready.is_empty() || !subset.unready.is_empty());
    truncated
}

fn cut(addresses: &mut Vec<Document>, surplus: &mut usize) {
    let cut = addresses.len().min(*surplus);
    addresses.truncate(addresses.len() - cut);
    *surplus -= cut;
}

impl Subset {
    fn into_document(self) -> Document {
        let mut subset = Document::object();
        for (field, list) in
            [("addresses", self.ready), ("notReadyAddresses", self.unready), ("ports", self.ports)]
        {
            if !list.is_empty() {
                subset.insert(field, list);
            }
        }
        subset
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_client::Verb;

    fn pod(number: usize, ready: &str) -> Document {
        let ip = format!("10.0.{}.{}", number / 256, number % 256);
        doc!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("p{number}"), "namespace": "n", "uid": format!("u{number}")},
            "spec": {"nodeName": "node", "containers": [{"name": "c", "ports": [{"name": "web", "containerPort": 8080}]}]},
            "status": {"phase": "Running", "podIP": ip.as_str(), "podIPs": [{"ip": ip.as_str()}], "conditions": [{"type": "Ready", "status": ready}]}})
    }

    fn world(pods: Vec<Document>) -> World {
        let service = doc!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "n", "uid": "s"},
            "spec": {"selector": {"a": "b"}, "ports": [{"port": 80, "targetPort": "web"}]}});
        World {
            service: Some(Arc::new(Cached::decode(Arc::new(service)).unwrap())),
            pods: pods.into_iter().map(|pod| Arc::new(Cached::decode(Arc::new(pod)).unwrap())).collect(),
            endpoints: None,
        }
    }

    fn written(world: &World) -> Option<Document> {
        plan(world).writes().next().and_then(|write| write.call.body.clone())
    }

    #[test]
    fn ready_and_unready_pods_are_told_apart_and_nothing_is_written_twice() {
        let mut world = world(vec![pod(2, "False"), pod(1, "True")]);
        let endpoints = written(&world).unwrap();
        assert_eq!(
            endpoints["subsets"],
            doc!([{
                "addresses": [{"ip": "10.0.0.1", "nodeName": "node", "targetRef": {"kind": "Pod", "namespace": "n", "name": "p1", "uid": "u1"}}],
                "notReadyAddresses": [{"ip": "10.0.0.2", "nodeName": "node", "targetRef": {"kind": "Pod", "namespace": "n", "name": "p2", "uid": "u2"}}],
                "ports": [{"port": 8080, "protocol": "TCP"}]
            }])
        );
        world.endpoints = Some(Arc::new(endpoints));
        assert_eq!(written(&world), None);
    }

    #[test]
    fn an_object_holds_a_thousand_addresses() {
        let world = world((0..1003).map(|i| pod(i, if i % 500 == 0 { "False" } else { "True" })).collect());
        let endpoints = written(&world).unwrap();
        assert_eq!(endpoints.annotation(OVER_CAPACITY), Some("truncated"));
        let subset = &endpoints.array_at(&["subsets"])[0];
        assert_eq!(
            (subset.array_at(&["addresses"]).len(), subset.array_at(&["notReadyAddresses"]).len()),
            (1000, 0)
        );
    }

    #[test]
    fn endpoints_go_with_their_service_unless_somebody_else_wrote_them() {
        let left = |labels: Document| World {
            service: None,
            pods: Vec::new(),
            endpoints: Some(Arc::new(
                doc!({"metadata": {"name": "web", "namespace": "n", "uid": "e", "labels": labels}}),
            )),
        };
        let ours = plan(&left(doc!({(MANAGED_BY): CONTROLLER})));
        assert_eq!(ours.writes().next().unwrap().call.verb, Verb::Delete);
        assert_eq!(plan(&left(doc!({}))), Plan::nothing());
    }
}
