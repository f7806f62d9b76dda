//! The endpoints that a Service should have, grouped as slices hold them: by address family and set of ports.

use super::{World, endpoint};
use skiff_apimachinery::Document;

/// Endpoints that may share a slice.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    /// `IPv4` or `IPv6`.
    pub(super) family: String,
    /// `EndpointPort`s.
    pub(super) ports: Vec<Document>,
    /// `Endpoint`s, each with its own addresses.
    pub(super) endpoints: Vec<Document>,
}

/// The desired groups. Each family of the Service has at least one, if need be an empty one, so that proxies can tell a
/// Service without endpoints from one that was not looked at yet.
pub(super) fn endpoints(world: &World) -> Vec<Group> {
    families(world).into_iter().flat_map(|family| of_family(world, family)).collect()
}

fn families(world: &World) -> Vec<&str> {
    let families: Vec<&str> =
        world.service.array_at(&["spec", "ipFamilies"]).iter().filter_map(Document::as_str).collect();
    if families.is_empty() { vec!["IPv4"] } else { families }
}

fn of_family(world: &World, family: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for pod in world.pods.iter().filter(|pod| endpoint::is_told(pod)) {
        let addresses = endpoint::addresses(pod, family);
        if addresses.is_empty() {
            continue;
        }
        let ports = endpoint::ports(&world.service, pod);
        let endpoint = endpoint::endpoint(world, pod, addresses);
        match groups.iter_mut().find(|group| group.ports == ports) {
            Some(group) => group.endpoints.push(endpoint),
            None => groups.push(Group { family: family.to_owned(), ports, endpoints: vec![endpoint] }),
        }
    }
    if groups.is_empty() {
        groups.push(Group { family: family.to_owned(), ports: Vec::new(), endpoints: Vec::new() });
    }
    groups
}
