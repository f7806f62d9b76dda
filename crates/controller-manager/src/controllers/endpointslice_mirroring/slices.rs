//! The slices that mirror an Endpoints object: one per subset and address family, written only where something differs.

use super::subsets::{self, Subset};
use super::{CONTROLLER, World};
use crate::controllers::endpointslice::{MANAGED_BY, SERVICE_NAME};
use crate::ownership::controller_ref;
use crate::plan::{Action, Notice, Plan, Write};
use skiff_apimachinery::{Document, Map, doc};
use skiff_client::Object;
use skiff_client::resources::ENDPOINT_SLICES;
use std::net::{IpAddr, Ipv4Addr};

/// Annotations of Endpoints that say something about that object alone.
const OWN_ANNOTATIONS: [&str; 2] =
    ["endpoints.kubernetes.io/last-change-trigger-time", "kubectl.kubernetes.io/last-applied-configuration"];

/// What one slice is to hold.
#[derive(Debug)]
struct Wanted {
    /// `IPv4` or `IPv6`.
    family: &'static str,
    /// `EndpointPort`s of EndpointSlices.
    ports: Vec<Document>,
    endpoints: Vec<Document>,
}

/// How many addresses are not mirrored.
#[derive(Default)]
struct Skipped {
    /// All of them.
    total: usize,
    /// Those that are no IP addresses.
    invalid: usize,
}

/// Writes what brings the slices to what the Endpoints say.
pub(super) fn reconcile(world: &World) -> Plan {
    let mut plan = Plan::default();
    let Some(endpoints) = &world.endpoints else {
        plan.all(world.slices.iter().map(|slice| Write::delete(&ENDPOINT_SLICES, slice)).collect());
        return plan;
    };
    let (wanted, skipped) = wanted(endpoints, world.max_per_subset);
    plan.actions.extend(notices(endpoints, &skipped, world.max_per_subset).into_iter().map(Action::Tell));
    let mut spare: Vec<&Object> = world.slices.iter().collect();
    let (mut writes, mut missing) = (Vec::new(), Vec::new());
    for wanted in wanted {
        match spare.iter().position(|slice| is_of(slice, &wanted)) {
            Some(position) => {
                let slice = spare.remove(position);
                if !shows(slice, endpoints, &wanted) {
                    writes.push(Write::update(&ENDPOINT_SLICES, document(endpoints, Some(slice), wanted)));
                }
            }
            None => missing.push(wanted),
        }
    }
    for wanted in missing {
        // A slice that is no longer needed is used again: one write instead of two. Its address type cannot change.
        let usable = spare.iter().position(|slice| slice.str_at(&["addressType"]) == wanted.family);
        if let Some(position) = usable {
            let slice = spare.remove(position);
            writes.push(Write::update(&ENDPOINT_SLICES, document(endpoints, Some(slice), wanted)));
        } else if endpoints.deletion_timestamp().is_none() {
            let slice = document(endpoints, None, wanted);
            writes.push(Write::create(&ENDPOINT_SLICES, endpoints.namespace(), slice));
        }
    }
    writes.extend(spare.into_iter().map(|slice| Write::delete(&ENDPOINT_SLICES, slice)));
    plan.all(writes);
    plan
}

fn notices(endpoints: &Document, skipped: &Skipped, most: usize) -> Vec<Notice> {
    let mut notices = Vec::new();
    let Skipped { total, invalid } = *skipped;
    if invalid > 0 {
        let message = format!("Skipped {invalid} invalid IP addresses when mirroring to EndpointSlices");
        notices.push(Notice::warning(endpoints, "InvalidIPAddress", message));
    }
    if total > invalid {
        let message = format!(
            "A max of {most} addresses can be mirrored to EndpointSlices per Endpoints subset. {total} addresses were skipped"
        );
        notices.push(Notice::warning(endpoints, "TooManyAddressesToMirror", message));
    }
    notices
}

fn wanted(endpoints: &Document, most: usize) -> (Vec<Wanted>, Skipped) {
    let mut wanted = Vec::new();
    let mut skipped = Skipped::default();
    for subset in subsets::repacked(endpoints) {
        let mut v4 = Vec::new();
        let mut v6 = Vec::new();
        let addresses = subset.ready.iter().map(|address| (address, true));
        for (address, ready) in addresses.chain(subset.unready.iter().map(|address| (address, false))) {
            if v4.len() + v6.len() >= most {
                skipped.total += 1;
                continue;
            }
            match endpoint(address, ready) {
                Some((IpAddr::V4(_), endpoint)) => v4.push(endpoint),
                Some((IpAddr::V6(_), endpoint)) => v6.push(endpoint),
                None => {
                    skipped.total += 1;
                    skipped.invalid += 1;
                }
            }
        }
        let ports = ports(&subset);
        for (family, endpoints) in [("IPv4", v4), ("IPv6", v6)] {
            if !endpoints.is_empty() {
                wanted.push(Wanted { family, ports: ports.clone(), endpoints });
            }
        }
    }
    (wanted, skipped)
}

fn ports(subset: &Subset) -> Vec<Document> {
    let ports = subset.ports.iter().map(|port| {
        let mut told = doc!({
            "name": port.str_at(&["name"]),
            "port": port.at(&["port"]).cloned(),
            "protocol": port.str_at(&["protocol"])
        });
        if let Some(protocol) = port.get("appProtocol").filter(|protocol| !protocol.is_null()) {
            told.insert("appProtocol", protocol);
        }
        told
    });
    ports.collect()
}

/// The `Endpoint` of an `EndpointAddress`; `None` if that is no IP address.
fn endpoint(address: &Document, ready: bool) -> Option<(IpAddr, Document)> {
    let ip = parse_ip(address.str_at(&["ip"]))?;
    // The address is written anew, in case it had an irregular form.
    let mut endpoint = doc!({"addresses": [ip.to_string()], "conditions": {"ready": ready}});
    for field in ["hostname", "nodeName", "targetRef"] {
        if let Some(value) = address.get(field).filter(|value| !value.is_empty()) {
            endpoint.insert(field, value);
        }
    }
    Some((ip, endpoint))
}

/// An IP address, also one whose numbers have leading zeros. IPv4 within IPv6 is IPv4.
fn parse_ip(text: &str) -> Option<IpAddr> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(ip.to_canonical());
    }
    let mut parts = text.split('.').map(|part| {
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u8>().ok().filter(|_| is_number)
    });
    let [a, b, c, d] = [parts.next()??, parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then(|| IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
}

/// Whether a slice is the one for such endpoints.
fn is_of(slice: &Document, wanted: &Wanted) -> bool {
    slice.str_at(&["addressType"]) == wanted.family && same_set(slice.array_at(&["ports"]), &wanted.ports)
}

/// Whether a slice says what it should.
fn shows(slice: &Document, endpoints: &Document, wanted: &Wanted) -> bool {
    let annotations = annotations(endpoints);
    same_set(slice.array_at(&["endpoints"]), &wanted.endpoints)
        && slice.labels() == Some(&labels(endpoints))
        && slice.annotations().map_or(annotations.is_empty(), |shown| *shown == annotations)
}

fn same_set(a: &[Document], b: &[Document]) -> bool {
    a == b || (a.len() == b.len() && a.iter().all(|element| b.contains(element)))
}

fn document(endpoints: &Document, old: Option<&Object>, wanted: Wanted) -> Document {
    let mut slice = match old {
        Some(old) => Document::clone(old),
        None => doc!({
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "generateName": format!("{}-", endpoints.name()),
                "namespace": endpoints.namespace()
            },
            "addressType": wanted.family
        }),
    };
    slice.set(&["metadata", "ownerReferences"], vec![controller_ref(endpoints)]);
    slice.set(&["metadata", "labels"], labels(endpoints));
    let annotations = annotations(endpoints);
    if annotations.is_empty() {
        slice.remove(&["metadata", "annotations"]);
    } else {
        slice.set(&["metadata", "annotations"], annotations);
    }
    slice.insert("endpoints", wanted.endpoints);
    slice.insert("ports", wanted.ports);
    slice
}

fn labels(endpoints: &Document) -> Map {
    let mut labels = endpoints.labels().cloned().unwrap_or_default();
    labels.insert(SERVICE_NAME, endpoints.name());
    labels.insert(MANAGED_BY, CONTROLLER);
    labels
}

fn annotations(endpoints: &Document) -> Map {
    let mut annotations = endpoints.annotations().cloned().unwrap_or_default();
    annotations.retain(|key, _| !OWN_ANNOTATIONS.contains(&key));
    annotations
}
