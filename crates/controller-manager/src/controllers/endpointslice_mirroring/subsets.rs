//! The subsets of an Endpoints object in one form: each set of addresses once, with all of its ports.
//!
//! People write subsets as they like, the same address in several of them; slices want each address once per set of
//! ports. As upstream's repacking does, addresses are the same if address and target are, and one that is not ready
//! anywhere for a port is not ready for it.

use skiff_apimachinery::Document;
use std::collections::BTreeMap;

/// Addresses and the ports that all of them serve.
#[derive(Debug, PartialEq)]
pub(super) struct Subset {
    /// `EndpointPort`s of Endpoints.
    pub(super) ports: Vec<Document>,
    /// `EndpointAddress`es that are ready.
    pub(super) ready: Vec<Document>,
    /// `EndpointAddress`es that are not.
    pub(super) unready: Vec<Document>,
}

/// What makes addresses the same one: address and UID of the target.
type Identity = (String, String);

/// The addresses of a port, and whether each is ready.
type Addresses = BTreeMap<Identity, bool>;

/// Repacks the subsets of an Endpoints object.
pub(super) fn repacked(endpoints: &Document) -> Vec<Subset> {
    let mut known: BTreeMap<Identity, &Document> = BTreeMap::new();
    // `None` stands for having no ports.
    let mut by_port: Vec<(Option<&Document>, Addresses)> = Vec::new();
    for subset in endpoints.array_at(&["subsets"]) {
        let ports = subset.array_at(&["ports"]);
        let ports: Vec<Option<&Document>> =
            if ports.is_empty() { vec![None] } else { ports.iter().map(Some).collect() };
        let addresses = [("addresses", true), ("notReadyAddresses", false)]
            .into_iter()
            .flat_map(|(field, ready)| subset.array_at(&[field]).iter().map(move |address| (address, ready)));
        for (address, ready) in addresses {
            let identity = identity(address);
            known.entry(identity.clone()).or_insert(address);
            for port in &ports {
                let addresses = entry(&mut by_port, *port);
                *addresses.entry(identity.clone()).or_insert(true) &= ready;
            }
        }
    }
    packed(by_port)
        .into_iter()
        .map(|(ports, addresses)| {
            let of = |wanted: bool| {
                let matching = addresses.iter().filter(move |(_, ready)| **ready == wanted);
                matching
                    .filter_map(|(identity, _)| known.get(identity).map(|&address| address.clone()))
                    .collect()
            };
            Subset { ready: of(true), unready: of(false), ports }
        })
        .collect()
}

/// Ports with the same addresses belong together.
fn packed(by_port: Vec<(Option<&Document>, Addresses)>) -> Vec<(Vec<Document>, Addresses)> {
    let mut packed: Vec<(Vec<Document>, Addresses)> = Vec::new();
    for (port, addresses) in by_port {
        match packed.iter_mut().find(|(_, others)| *others == addresses) {
            Some((ports, _)) => ports.extend(port.cloned()),
            None => packed.push((port.cloned().into_iter().collect(), addresses)),
        }
    }
    packed
}

fn entry<'m, 'e>(
    by_port: &'m mut Vec<(Option<&'e Document>, Addresses)>,
    port: Option<&'e Document>,
) -> &'m mut Addresses {
    let position = by_port.iter().position(|(known, _)| *known == port).unwrap_or_else(|| {
        by_port.push((port, Addresses::new()));
        by_port.len() - 1
    });
    &mut by_port[position].1
}

fn identity(address: &Document) -> Identity {
    (address.str_at(&["ip"]).to_owned(), address.str_at(&["targetRef", "uid"]).to_owned())
}
