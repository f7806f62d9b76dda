//! Spreads endpoints over slices: what is there stays where it is, and as few slices as possible are written.

use super::desired::Group;
use super::{CONTROLLER, MANAGED_BY, SERVICE_NAME, World, is_headless};
use crate::ownership::controller_ref;
use crate::plan::{Plan, Write};
use crate::pods;
use jiff::Timestamp;
use skiff_apimachinery::time::parse_time;
use skiff_apimachinery::{Document, Map, doc};
use skiff_client::Object;
use skiff_client::resources::ENDPOINT_SLICES;
use std::collections::HashMap;

const HEADLESS: &str = "service.kubernetes.io/headless";
const TRIGGER_TIME: &str = "endpoints.kubernetes.io/last-change-trigger-time";

/// A slice as it will be.
struct Slice<'w> {
    /// What it is now; none for a new one.
    object: Option<&'w Object>,
    endpoints: Vec<Document>,
    /// Whether it must be written.
    dirty: bool,
}

/// Writes what brings the slices to the desired groups.
pub(super) fn reconcile(world: &World, groups: &[Group], now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let mut spare: Vec<&Object> = world.slices.iter().collect();
    let mut writes = Vec::new();
    let trigger = trigger_time(world, now);
    for group in groups {
        let is_of_group = |slice: &&Object| {
            slice.str_at(&["addressType"]) == group.family
                && slice.array_at(&["ports"]) == group.ports.as_slice()
        };
        let (of_group, rest) = spare.into_iter().partition(is_of_group);
        spare = rest;
        let (kept, emptied) = fill(world, group, of_group);
        spare.extend(emptied);
        for slice in kept {
            let old = slice.object.or_else(|| take(&mut spare, &group.family));
            let desired = document(world, group, slice.endpoints, old, &trigger);
            match old {
                None => writes.push(Write::create(&ENDPOINT_SLICES, world.service.namespace(), desired)),
                Some(old) if slice.dirty || !same_metadata(old, &desired) || slice.object.is_none() => {
                    writes.push(Write::update(&ENDPOINT_SLICES, desired));
                }
                Some(_) => {}
            }
        }
    }
    writes.extend(spare.into_iter().map(|slice| Write::delete(&ENDPOINT_SLICES, slice)));
    plan.all(writes);
    plan
}

/// A slice that is no longer needed, to be used again: one write instead of two. The address type cannot change.
fn take<'w>(spare: &mut Vec<&'w Object>, family: &str) -> Option<&'w Object> {
    let position = spare.iter().position(|slice| slice.str_at(&["addressType"]) == family)?;
    Some(spare.swap_remove(position))
}

/// Puts a group's endpoints into slices; also returns the slices that are left without any.
fn fill<'w>(world: &World, group: &Group, existing: Vec<&'w Object>) -> (Vec<Slice<'w>>, Vec<&'w Object>) {
    let mut missing: HashMap<String, &Document> =
        group.endpoints.iter().map(|endpoint| (identity(endpoint), endpoint)).collect();
    let mut slices: Vec<Slice<'w>> =
        existing.into_iter().map(|object| kept(object, &mut missing, world.max_per_slice)).collect();
    // In the order of the pods, so that the outcome does not depend on hashing.
    let mut added: Vec<&Document> =
        group.endpoints.iter().filter(|endpoint| missing.contains_key(&identity(endpoint))).collect();
    added.reverse();

    let room = |slice: &Slice<'_>| world.max_per_slice - slice.endpoints.len();
    for slice in slices.iter_mut().filter(|slice| slice.dirty) {
        let take = room(slice).min(added.len());
        slice.endpoints.extend(added.drain(added.len() - take..).rev().cloned());
    }
    // What is left goes into one more slice: the fullest that takes all of it.
    if !added.is_empty() && added.len() < world.max_per_slice {
        let fitting =
            slices.iter_mut().filter(|slice| !slice.endpoints.is_empty() && room(slice) >= added.len());
        if let Some(slice) = fitting.min_by_key(|slice| room(slice)) {
            slice.endpoints.extend(added.drain(..).rev().cloned());
            slice.dirty = true;
        }
    }
    while !added.is_empty() {
        let from = added.len().saturating_sub(world.max_per_slice);
        let endpoints = added.drain(from..).rev().cloned().collect();
        slices.push(Slice { object: None, endpoints, dirty: true });
    }
    if group.endpoints.is_empty() {
        return one_empty(slices);
    }
    let (kept, emptied): (Vec<_>, Vec<_>) = slices.into_iter().partition(|slice| !slice.endpoints.is_empty());
    (kept, emptied.into_iter().filter_map(|slice| slice.object).collect())
}

/// The one empty slice of a family without endpoints.
fn one_empty(mut slices: Vec<Slice<'_>>) -> (Vec<Slice<'_>>, Vec<&Object>) {
    if slices.is_empty() {
        return (vec![Slice { object: None, endpoints: Vec::new(), dirty: true }], Vec::new());
    }
    let surplus = slices.split_off(1);
    (slices, surplus.into_iter().filter_map(|slice| slice.object).collect())
}

/// What stays of an existing slice; takes it off what is missing.
fn kept<'w>(object: &'w Object, missing: &mut HashMap<String, &Document>, max: usize) -> Slice<'w> {
    let mut slice = Slice { object: Some(object), endpoints: Vec::new(), dirty: false };
    for old in object.array_at(&["endpoints"]) {
        match missing.get(&identity(old)) {
            Some(wanted) if slice.endpoints.len() < max => {
                slice.dirty |= *wanted != old;
                slice.endpoints.push((*wanted).clone());
                missing.remove(&identity(old));
            }
            _ => slice.dirty = true,
        }
    }
    slice
}

/// What makes an endpoint the same one: its pod and addresses.
fn identity(endpoint: &Document) -> String {
    let mut identity = endpoint.str_at(&["targetRef", "uid"]).to_owned();
    for address in endpoint.array_at(&["addresses"]).iter().filter_map(Document::as_str) {
        identity.push('/');
        identity.push_str(address);
    }
    identity
}

fn document(
    world: &World,
    group: &Group,
    endpoints: Vec<Document>,
    old: Option<&Object>,
    trigger: &Option<String>,
) -> Document {
    let service = &world.service;
    let mut slice = match old {
        Some(old) => Document::clone(old),
        None => doc!({
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "generateName": format!("{}-", service.name()),
                "namespace": service.namespace(),
                "ownerReferences": [controller_ref(service)]
            },
            "addressType": group.family.as_str()
        }),
    };
    slice.set(&["metadata", "labels"], labels(world));
    if let Some(trigger) = trigger {
        slice.set(&["metadata", "annotations", TRIGGER_TIME], trigger);
    } else if let Some(annotations) =
        slice.at_mut(&["metadata", "annotations"]).and_then(Document::as_object_mut)
    {
        annotations.remove(TRIGGER_TIME);
    }
    slice.insert("endpoints", endpoints);
    slice.insert("ports", group.ports.clone());
    slice
}

/// The Service's labels and what proxies find the slice by.
fn labels(world: &World) -> Map {
    let reserved = [MANAGED_BY, SERVICE_NAME, HEADLESS];
    let copied = world.service.labels().into_iter().flat_map(Map::iter);
    let mut labels: Map = copied.filter(|(key, _)| !reserved.contains(key)).collect();
    labels.insert(MANAGED_BY, CONTROLLER);
    labels.insert(SERVICE_NAME, world.service.name());
    if is_headless(&world.service) {
        labels.insert(HEADLESS, "");
    }
    labels
}

fn same_metadata(old: &Document, new: &Document) -> bool {
    old.labels() == new.labels()
}

/// When the change happened that the slices are written for: the latest change of a pod's readiness, or the Service's
/// creation while there is none. Network programming latency is measured from it.
fn trigger_time(world: &World, now: Timestamp) -> Option<String> {
    let ready = world.pods.iter().filter_map(|pod| {
        let condition = pods::condition(pod, "Ready")?;
        condition.last_transition_time.as_ref().map(|time| time.0)
    });
    let created = parse_time(world.service.creation_timestamp());
    let latest = ready.chain(created).filter(|time| *time <= now).max()?;
    Some(skiff_apimachinery::time::format_time(latest))
}
